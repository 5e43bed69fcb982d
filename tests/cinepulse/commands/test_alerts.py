"""Alerts as they come, on a real broker: followed on a pipe, and delivered through a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from cinepulse.settings import Settings, variable_of
from schemas.events import Alert, AlertKey
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.topics import TOPICS, TREND_ALERTS
from tests.fixtures.kafka import unused_port
from tests.stream_processors.test_alerting import Hook, hook
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.kafka import BrokerProcess

__all__ = ["hook"]

pytestmark = pytest.mark.real

PARTITIONS: Final = 2
# Started in the background of a shell, a process does not hear Ctrl-C by itself.
PROGRAM: Final = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from cinepulse.cli import main
sys.exit(main())
"""


@pytest.fixture
def settings(fresh_broker: BrokerProcess, tmp_path: Path) -> Settings:
    """Return the settings of a broker with empty topics and a database that is away."""
    create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
    return Settings(
        data_dir=tmp_path, kafka_bootstrap=fresh_broker.bootstrap, partitions=PARTITIONS, clickhouse_port=unused_port()
    )


def publish(settings: Settings, *films: int) -> None:
    """Send an alert about each film, just now."""
    now = time.time_ns() // 1_000_000
    with Publisher.connected(settings, "test") as publisher:
        for film in films:
            key = AlertKey(kind="joined", detail="popular", tmdb_id=film, at=now)
            publisher.publish(TREND_ALERTS, key, Alert(happened_at=now, state="once", version="test", rank_after=1))
        publisher.flush()


@dataclass
class Command:
    """A command that runs, what it says going to files."""

    popen: subprocess.Popen[bytes]
    output: Path
    errors: Path

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines that it has printed whole."""
        return [json.loads(line) for line in self.output.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def said(self) -> str:
        """Return everything that it has said."""
        return self.output.read_text() + self.errors.read_text()


@contextmanager
def running(settings: Settings, *words: str, **more: str) -> Iterator[Command]:
    """Run a command; it is gone behind the block."""
    names = ("data_dir", "kafka_bootstrap", "partitions", "clickhouse_port")
    given = {variable_of(name): str(getattr(settings, name)) for name in names}
    output, errors = settings.data_dir / "output", settings.data_dir / "errors"
    with output.open("wb") as out, errors.open("wb") as err:
        popen = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM, *words],
            env={**os.environ, **given, **{variable_of(name): value for name, value in more.items()}},
            stdout=out,
            stderr=err,
        )
    try:
        yield Command(popen, output, errors)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()


def test_alerts_are_followed_until_ctrl_c(settings: Settings) -> None:
    """To a file each alert is a line of JSON from the start on; titles may be away; Ctrl-C ends it without a trace."""
    publish(settings, 1)
    with running(settings, "alerts", "--follow") as command:

        def shown() -> bool:
            # It begins at the end of the topic as it is once it has started, which shows in what it prints alone.
            publish(settings, 2)
            return bool(command.lines())

        wait_until(shown, "an alert shown")
        command.popen.send_signal(signal.SIGINT)
        code = command.popen.wait(30)

    lines = command.lines()
    assert {line["tmdb_id"] for line in lines} == {2}
    assert (lines[0]["kind"], lines[0]["rank_after"], lines[0]["title"]) == ("joined", 1, None)
    assert code == 130
    assert "Traceback" not in command.errors.read_text()


def test_delivery_goes_on_after_a_kill(settings: Settings, hook: Hook) -> None:
    """Killed with -9 while the receiver is away: the next process delivers everything, and nothing twice."""
    more = {
        "alert_destinations": "webhook,log",
        "alert_webhook_url": hook.url,
        "alert_webhook_secret": "canary-of-delivery",
    }

    def films() -> list[int]:
        # Those of this test: the broker has the alerts of the others too.
        return sorted(film for name in hook.ids if (film := int(name.split("/")[2])) > 100)

    publish(settings, 101, 102, 103)
    with running(settings, "deliver", **more) as first:
        wait_until(lambda: len(films()) == 3, "three delivered")
        hook.statuses = [503] * 1_000
        publish(settings, 104, 105)
        wait_until(lambda: len(hook.statuses) < 1_000, "an attempt failed")
        first.popen.kill()
        said = first.said()
    hook.statuses = []
    with running(settings, "deliver", **more) as second:
        wait_until(lambda: len(films()) == 5, "all delivered")
        second.popen.terminate()
        code = second.popen.wait(30)
        said += second.said()

    assert films() == [101, 102, 103, 104, 105]
    assert code == 0
    assert "canary-of-delivery" not in said
    assert hook.url not in said
    assert (settings.data_dir / "alerts" / "webhook.sqlite").exists()


def test_delivery_without_a_destination_says_what_to_set(settings: Settings) -> None:
    """One line, and exit code 2."""
    with running(settings, "deliver") as command:
        code = command.popen.wait(30)

    assert code == 2
    assert command.said().splitlines()[-1].startswith("cinepulse: CINEPULSE_ALERT_DESTINATIONS: ")
