"""Where to begin reading: at what is committed, never silently elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicPartition

from cinepulse.errors import OffsetsExpired
from cinepulse.settings import load_settings
from clickhouse.offsets import Extent, Partition, committed_by, start_offsets
from clickhouse.service import sink_consumer
from schemas.provision import admin_client, create_topics
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from tests.fixtures.kafka import BrokerProcess

PLACE = Partition("t", 0)


@pytest.mark.parametrize(
    ("extent", "committed", "start"),
    [
        (Extent(0, 10), {}, 0),
        (Extent(4, 10), {}, 4),
        (Extent(0, 10), {PLACE: 7}, 7),
        (Extent(0, 10), {PLACE: 10}, 10),
        (Extent(4, 10), {PLACE: 4}, 4),
    ],
    ids=["nothing committed", "begin expired, nothing committed", "in between", "at the end", "at the begin"],
)
def test_reading_begins_at_the_committed_offset(extent: Extent, committed: dict[Partition, int], start: int) -> None:
    """The committed offset, or the begin where there is none."""
    assert start_offsets({PLACE: extent}, committed) == {PLACE: start}


@pytest.mark.parametrize("committed", [3, 11], ids=["expired", "beyond the end"])
def test_offset_that_kafka_does_not_have_is_an_error(committed: int) -> None:
    """Expired or beyond the end, records may be lost, which is said; told to accept that, reading begins anew."""
    extent = {PLACE: Extent(4, 10)}

    with pytest.raises(OffsetsExpired, match=r"t-0: offset \d+ is committed, but Kafka has 4 to 10"):
        start_offsets(extent, {PLACE: committed})
    assert start_offsets(extent, {PLACE: committed}, accept_gaps=True) == {PLACE: 4}


@pytest.mark.real
def test_commits_are_told_at_once_by_a_broker_that_came_back(fresh_broker: BrokerProcess) -> None:
    """In the first assignment after a broker was killed, its group's commits are there without a second try."""
    settings = load_settings(attached=False, kafka_bootstrap=fresh_broker.bootstrap)
    create_topics(admin_client(fresh_broker.bootstrap), [MOVIE_MENTIONS], partitions=1, replication_factor=1)
    place = Partition(MOVIE_MENTIONS.name, 0)
    found: list[dict[Partition, int]] = []
    consumer = sink_consumer(settings, "commits-are-told")

    def on_assign(member: Consumer, _partitions: list[TopicPartition]) -> None:
        found.append(committed_by(member, [place]))

    def poll_until(events: list[dict[Partition, int]] | list[int], count: int) -> None:
        deadline = time.monotonic() + 60
        while len(events) < count and time.monotonic() < deadline:
            consumer.consume(1, 0.1)

    lost: list[int] = []
    consumer.subscribe([place.topic], on_assign=on_assign, on_lost=lambda _member, gone: lost.append(len(gone)))
    poll_until(found, 1)
    consumer.commit(offsets=[TopicPartition(*place, 0)], asynchronous=False)
    fresh_broker.kill()
    poll_until(lost, 1)
    fresh_broker.start()
    poll_until(found, 2)
    consumer.close()

    assert found == [{}, {place: 0}]
