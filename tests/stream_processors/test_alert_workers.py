"""The alert worker as a process on a broker of its own: both of its stages, killed on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from schemas.events import Ranking
from schemas.partitioning import film_partition, text_partition
from schemas.provision import admin_client, create_topics
from schemas.topics import MOVIE_MENTIONS, TMDB_RANKINGS, TOPICS, TREND_ALERTS
from stream_processors.workers import BURST_APP, RANK_APP
from tests.stream_processors.bursts.test_burst_stage import alerts, at, folded, story
from tests.stream_processors.running import CODEC, PARTITIONS, Workers, lag, read_all, workers_of
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real


@pytest.fixture
def workers(fresh_broker: BrokerProcess, tmp_path: Path) -> Iterator[Workers]:
    """Return a starter of workers on a broker whose topics are empty."""
    create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
    with workers_of(fresh_broker.bootstrap, tmp_path) as running:
        yield running


def done(workers: Workers) -> bool:
    """Return whether both stages have worked through their topics."""
    return not lag(workers.bootstrap, BURST_APP, MOVIE_MENTIONS.name) and not lag(
        workers.bootstrap, RANK_APP, TMDB_RANKINGS.name
    )


def test_alerts_are_exact_through_a_kill(workers: Workers) -> None:
    """What the topic holds by key are the bytes that an undisturbed fold of the same records gives, and no more.

    The first worker is killed with -9 once it has told something; mentions and rankings go on to the next.
    """
    producer = Producer({"bootstrap.servers": workers.bootstrap, "linger.ms": 0})
    # One film a partition's worth of records: the fold of a partition follows from its own records alone.
    logs: dict[int, list[Any]] = {number: [] for number in range(PARTITIONS)}
    for record in story(3, hours=120):
        film = CODEC.decode(MOVIE_MENTIONS.key_subject, record.key).tmdb_id
        log = logs[film_partition(film, PARTITIONS)]
        log.append(record._replace(offset=len(log)))
    expected = {key: value for log in logs.values() for key, value in alerts(folded(log)[1]).items()}
    rankings = [Ranking(observed_at=at(hour), tmdb_ids=(1, 2, 3 + hour % 2)) for hour in range(6)]

    def send(part: int) -> None:
        for number, log in logs.items():
            half = len(log) // 2
            for record in log[half:] if part else log[:half]:
                # Sent now: the story's own times would have it compacted while it is read.
                producer.produce(MOVIE_MENTIONS.name, record.value, record.key, number)
        key = CODEC.encode(TMDB_RANKINGS.key_subject, "popular")
        for ranking in rankings[3:] if part else rankings[:3]:
            value = CODEC.encode(TMDB_RANKINGS.value_subject, ranking)
            producer.produce(TMDB_RANKINGS.name, value, key, text_partition("popular", PARTITIONS))
        producer.flush()

    send(0)
    first = workers.ready("alerts")
    wait_until(lambda: bool(read_all(workers.bootstrap, TREND_ALERTS.name)), "something told")
    first.kill()
    send(1)
    second = workers.ready("alerts")
    wait_until(lambda: done(workers), "all looked at")
    code = second.stop()

    held = {key or b"": value for _, key, value in read_all(workers.bootstrap, TREND_ALERTS.name)}
    kinds = {key: CODEC.decode(TREND_ALERTS.key_subject, key).kind for key in held}
    assert {key: value for key, value in held.items() if kinds[key] == "burst"} == expected
    assert expected
    # From the second ranking on one film of two joins and the other leaves.
    assert [sum(kind == one for kind in kinds.values()) for one in ("joined", "left")] == [5, 5]
    assert code == 0
