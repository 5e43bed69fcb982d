from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from cinepulse.settings import Settings
from schemas.provision import admin_client, create_topics
from schemas.topics import TOPICS
from stream_processors.pair import child_environment
from tests.stream_processors.running import PARTITIONS, workers_of
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.kafka import BrokerProcess
    from tests.stream_processors.running import Process


def test_each_worker_gets_the_settings_and_a_metrics_port_of_its_own() -> None:
    """Flags given to the pair reach both workers through their environment."""
    settings = Settings(data_dir=Path("d"), kafka_bootstrap="b:1", flush_seconds=0.2, metrics_port=9100)

    link, count = (child_environment(settings, place, {"PATH": "p"}) for place in (0, 1))

    assert link["CINEPULSE_KAFKA_BOOTSTRAP"] == "b:1"
    assert link["CINEPULSE_FLUSH_SECONDS"] == "0.2"
    assert (link["CINEPULSE_METRICS_PORT"], count["CINEPULSE_METRICS_PORT"]) == ("9100", "9101")
    assert link["PATH"] == "p"
    assert "SCHEMA_REGISTRY_URL" not in link


def test_without_metrics_neither_serves_any() -> None:
    """Port 0 is no port."""
    assert child_environment(Settings(metrics_port=0), 1, {})["CINEPULSE_METRICS_PORT"] == "0"


@pytest.fixture
def pair(fresh_broker: BrokerProcess, tmp_path: Path) -> Iterator[tuple[Process, list[psutil.Process]]]:
    """Yield a running `cinepulse process all` and its three workers."""
    create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
    with workers_of(fresh_broker.bootstrap, tmp_path) as workers:
        process = workers.start("all")
        wait_until(lambda: process.said("worker.recovered"), "the counting worker recovered")
        children = psutil.Process(process.popen.pid).children()
        yield process, children
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


@pytest.mark.real
def test_a_killed_pair_leaves_no_worker(pair: tuple[Process, list[psutil.Process]]) -> None:
    """SIGKILL gives the pair no chance to end its workers: they see that it is gone and stop, cleanly."""
    process, children = pair
    assert len(children) == 3

    process.kill()
    _, left = psutil.wait_procs(children, timeout=20)

    assert left == []
    assert process.said("worker.stopped")


def test_a_worker_that_does_not_stop_is_ended() -> None:
    """A worker that ignores the request to stop ends all the same when its parent is gone."""
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "from stream_processors import pair; pair.STOP_SECONDS = 0.2; pair.end_with_parent()\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdout, child.stdin:
        assert child.stdout.readline() == b"ready\n"

    assert child.wait(20) == 1
