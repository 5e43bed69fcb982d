"""The command `cinepulse status`, against fake parts and a real broker."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer, TopicPartition

from cinepulse.cli import cli
from cinepulse.commands.lag import lags
from cinepulse.local.claim import claim
from cinepulse.local.processes import ProcessRef
from cinepulse.local.stack import Stack
from cinepulse.local.state import PartRecord, StackRecord, read_record, write_record
from cinepulse.local.verified import VERIFIED_FILE, Verified, write_verified
from cinepulse.settings import Settings
from schemas.provision import admin_client, create_topics
from schemas.topics import REDDIT_POSTS, TOPICS
from tests.cinepulse.local.conftest import fake_stages, until
from tests.fixtures.kafka import BrokerProcess, unused_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a data directory with a running stack of fake parts."""
    with claim(tmp_path_factory.mktemp("home")) as owned, Stack(owned, fake_stages(owned)) as stack:
        stack.start()
        yield owned


def run(home: Path, *arguments: str) -> Result:
    """Run the command on a data directory."""
    return CliRunner().invoke(
        cli, ["status", "--data-dir", str(home), *arguments], standalone_mode=False, catch_exceptions=False
    )


def rows(home: Path) -> tuple[Any, list[dict[str, Any]]]:
    """Return the exit code and the rows."""
    result = run(home, "--format", "json")
    return result.return_value, json.loads(result.stdout)


def test_working_parts_are_healthy(home: Path) -> None:
    """Each part has its process, port, log and age, and the exit code is 0."""
    record = read_record(home)
    assert record is not None

    code, found = rows(home)

    assert code == 0
    assert [(row["name"], row["health"]) for row in found] == [
        (name, "healthy") for name in ("broker", "left", "right", "reader")
    ]
    assert [(row["pid"], row["port"]) for row in found] == [
        (part.process.pid if part.process else None, part.port) for part in record.parts
    ]
    assert all(Path(row["log"]).exists() and row["uptime_seconds"] >= 0 and row["restarts"] == 0 for row in found)
    assert all(row["lag"] is None for row in found)


@pytest.mark.parametrize(
    ("verified", "told"),
    [
        (Verified(1_800_000_000_000, "right", 1.5), "in 1.5 s: offsets, mentions and counts agree."),
        (
            Verified(1_800_000_000_000, "wrong", 1.5, 2, ("counts",), ("counts: film 3 on 2026-11-20",)),
            "2 differences (counts); run `cinepulse verify`.\n  counts: film 3 on 2026-11-20",
        ),
        (Verified(1_800_000_000_000, "unfinished", 1.5, error="Kafka does not answer"), "Kafka does not answer"),
    ],
    ids=["right", "wrong", "unfinished"],
)
def test_the_last_verification_is_shown(home: Path, verified: Verified, told: str) -> None:
    """When it was, what came of it and the first differences; it is no part's health and changes no exit code."""
    write_verified(home, verified)

    shown = run(home)
    (home / VERIFIED_FILE).unlink()

    assert shown.return_value == 0
    assert "Verified 2027-01-15T08:00:00+00:00" in shown.stdout
    assert told in shown.stdout
    assert "Verified" not in run(home).stdout


def test_the_last_verification_is_on_its_parts_row(tmp_path: Path) -> None:
    """As JSON it stands with the part that verifies, and nowhere else; before the first there is none."""
    own = ProcessRef.own()
    parts = [PartRecord(name, 1, "http://127.0.0.1:9/", "log", "down", 0, own) for name in ("sink", "verify")]
    write_record(tmp_path, StackRecord(up=own, parts=tuple(parts)))

    _, before = rows(tmp_path)
    assert "Verified: not yet" in run(tmp_path).stdout
    write_verified(tmp_path, Verified(1_800_000_000_000, "wrong", 1.5, 2, ("counts",), ("counts: film 3",)))
    _, after = rows(tmp_path)

    assert [row["verified"] for row in before] == [None, None]
    assert [row["verified"] for row in after] == [
        None,
        {
            "finished_at": "2027-01-15T08:00:00+00:00",
            "outcome": "wrong",
            "seconds": 1.5,
            "differences": 2,
            "failed": ["counts"],
            "problems": ["counts: film 3"],
            "error": None,
        },
    ]


def test_a_part_that_does_not_answer_is_unhealthy(home: Path) -> None:
    """Health is asked now, not remembered; one bad part makes the exit code 1."""
    (home / "left.sick").touch()

    code, found = rows(home)
    (home / "left.sick").unlink()

    assert code == 1
    assert {row["name"]: row["health"] for row in found} == {
        "broker": "healthy",
        "left": "unhealthy",
        "right": "healthy",
        "reader": "healthy",
    }


def test_a_table_is_for_people(home: Path) -> None:
    """Without a format the parts show as a table."""
    result = run(home)

    assert result.return_value == 0
    assert "healthy" in result.stdout


def test_nothing_runs(tmp_path: Path) -> None:
    """An empty directory gets a clear line and exit code 1; the list is empty, not absent."""
    result = run(tmp_path, "--format", "json")

    assert result.return_value == 1
    assert "Nothing runs" in result.stderr
    assert "cinepulse up" in result.stderr
    assert json.loads(result.stdout) == []


def test_a_stack_that_was_killed_whole_does_not_run(tmp_path: Path) -> None:
    """A record whose processes are all gone is history."""
    gone = ProcessRef(ProcessRef.own().pid, 0)
    part = PartRecord("kafka", 9092, "kafka:9092", "log", "healthy", 0, gone, 0.0)
    write_record(tmp_path, StackRecord(gone, gone, None, (part,)))

    assert "Nothing runs" in run(tmp_path).stderr


def test_parts_without_their_up_are_told(home: Path) -> None:
    """When `up` was killed and its parts live on, they show, and the exit code says that it is not well."""
    record = read_record(home)
    assert record is not None
    write_record(home, replace(record, up=ProcessRef(record.up.pid, record.up.born - 60)))

    result = run(home)

    assert result.return_value == 1
    assert "is gone" in result.stderr
    assert "healthy" in result.stdout


def test_lag_is_the_way_to_the_topic_s_end(fresh_broker: BrokerProcess) -> None:
    """Records beyond a group's committed offsets count; without a commit all of them do."""
    create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=2, replication_factor=1)
    producer = Producer({"bootstrap.servers": fresh_broker.bootstrap})
    for number in range(10):
        producer.produce(REDDIT_POSTS.name, b"value", b"key", partition=number % 2)
    producer.flush(10)
    # A group's coordinator takes a moment to load after its topic is made.
    until(
        lambda: (
            lags(Settings(kafka_bootstrap=fresh_broker.bootstrap)) == {"link": 10, "count": 0, "alerts": 0, "sink": 0}
        )
    )

    commit(fresh_broker.bootstrap, "cinepulse-link", TopicPartition(REDDIT_POSTS.name, 1, 3))

    assert lags(Settings(kafka_bootstrap=fresh_broker.bootstrap)) == {"link": 7, "count": 0, "alerts": 0, "sink": 0}


def commit(bootstrap: str, group: str, offset: TopicPartition) -> None:
    """Commit an offset for a group."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        consumer.commit(offsets=[offset], asynchronous=False)
    finally:
        consumer.close()


def test_lag_of_an_absent_broker_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status of a stack without Kafka is still told."""
    monkeypatch.setattr("schemas.provision.REQUEST_SECONDS", 0.5)

    assert lags(Settings(kafka_bootstrap=f"127.0.0.1:{unused_port()}")) == {}
