"""The command `cinepulse kafka`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cinepulse.cli import cli
from cinepulse.local import jars
from cinepulse.local.probes import KafkaProbe
from tests.fixtures.kafka import unused_port

if TYPE_CHECKING:
    from pathlib import Path


def test_fetch_is_quick_when_all_is_there() -> None:
    """`make setup` may run it each time: nothing is downloaded twice."""
    result = CliRunner().invoke(cli, ["kafka", "fetch"], standalone_mode=False, catch_exceptions=False)

    assert (
        result.stdout == f"Kafka {jars.KAFKA_VERSION}: {len(jars.pinned_jars())} jars verified, 0 of them downloaded\n"
    )


@pytest.mark.real
def test_run_becomes_the_broker(tmp_path: Path) -> None:
    """The command turns into Java under its own pid, answers on the port that was set, and ends on SIGTERM."""
    port = unused_port()
    environment = {**os.environ, "CINEPULSE_DATA_DIR": str(tmp_path), "CINEPULSE_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}"}
    command = [sys.executable, "-m", "cinepulse", "kafka", "run", "--controller-port", str(unused_port())]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        probe, deadline = KafkaProbe(port), time.monotonic() + 60
        while not probe():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.terminate()
        process.wait(15)
    finally:
        process.kill()
        process.wait()

    assert (tmp_path / "kafka" / "data" / "meta.properties").exists()
