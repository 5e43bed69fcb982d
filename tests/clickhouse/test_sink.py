"""The sink on a real broker and the real engine: what arrives, once, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.clock import SystemClock
from cinepulse.errors import ConfigurationInvalid, DeadLetterRateExceeded, OffsetsExpired
from clickhouse.ledger import Span
from clickhouse.offsets import Partition, committed
from clickhouse.store import Store, read_ledger
from tests.clickhouse.pipeline import LETTERS, Pipeline, eventually
from tests.schemas import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cinepulse.settings import Settings
    from clickhouse.batches import Batch
    from clickhouse.ledger import Entry

pytestmark = pytest.mark.real

# The catalogue forgets films that TMDB showed more than half a year ago, so the sample's film is shown now.
SAMPLES = {**samples.SAMPLES, "tmdb.movies-value": replace(samples.SAMPLES["tmdb.movies-value"], observed_at=SystemClock().now_ms())}
KEY = SAMPLES["movie.mentions-key"]
MENTION = SAMPLES["movie.mentions-value"]
TOPICS = ("tmdb.movies", "tmdb.popularity", "movie.mentions", "movie.mention_counts", "pipeline.coverage", LETTERS)


@pytest.fixture
def pipeline(broker: str, clickhouse_settings: Settings) -> Iterator[Pipeline]:
    """Return a pipeline of the test's own."""
    made = Pipeline(broker, clickhouse_settings)
    yield made
    made.close()


def mention_key(number: int, tmdb_id: int = 1) -> Any:
    """Return the key of mention `number`."""
    return replace(KEY, tmdb_id=tmdb_id, post_id=f"t1_{number}")


def send_mentions(pipeline: Pipeline, numbers: range) -> None:
    """Send one mention a number, spread over ten films."""
    for number in numbers:
        pipeline.send("movie.mentions", mention_key(number, number % 10), MENTION)
    pipeline.flush()


def test_every_topic_reaches_its_table(pipeline: Pipeline) -> None:
    """One record of each topic becomes one row of each table, and the ledger and the offsets say so."""
    for topic in TOPICS:
        pipeline.send(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])

    pipeline.drain()

    assert {route.table.name: pipeline.count(route.table.name) for route in pipeline.routes} == {
        route.table.name: 1 for route in pipeline.routes
    }
    found = committed(pipeline.admin, pipeline.group, [Partition(pipeline.prefix + topic, 0) for topic in TOPICS])
    found |= committed(pipeline.admin, pipeline.group, [Partition(pipeline.prefix + topic, 1) for topic in TOPICS])
    assert sum(found.values()) == len(TOPICS)
    assert read_ledger(pipeline.client).spans.keys() == {place for place, offset in found.items() if offset}


def test_stored_values_are_those_sent(pipeline: Pipeline) -> None:
    """What comes out of ClickHouse is what went into Kafka, to the millisecond and with nulls kept."""
    pipeline.send("movie.mentions", KEY, MENTION)

    pipeline.drain()

    columns = "tmdb_id, platform, post_id, toUnixTimestamp64Milli(created_at), community, confidence, num_comments"
    assert pipeline.rows(f"SELECT {columns}, source_topic, revision FROM mentions") == [
        (KEY.tmdb_id, "reddit", KEY.post_id, KEY.created_at, "movies", 0.875, None, "movie.mentions", 1)
    ]


@pytest.mark.parametrize("topic", TOPICS)
def test_delivered_twice_is_stored_once(pipeline: Pipeline, topic: str) -> None:
    """A record that comes again from the beginning, in other batches than before, changes no table under FINAL."""
    for _ in range(2):
        pipeline.send(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])
    pipeline.drain()
    table = next(route.table for route in pipeline.routes if route.topic.name == topic)
    names = ", ".join(table.column_names)
    before = pipeline.rows(f"SELECT {names} FROM {table.name} FINAL ORDER BY ALL")

    pipeline.group += "-again"
    pipeline.send(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])
    pipeline.drain()

    after = pipeline.rows(f"SELECT {names} FROM {table.name} FINAL ORDER BY ALL")
    position = [table.column_names.index(name) for name in ("source_offset", "kafka_timestamp", "revision")]
    identity = [index for index in range(len(table.columns)) if index not in position]
    unique = {tuple(str(row[index]) for index in identity) for row in before}
    assert {tuple(str(row[index]) for index in identity) for row in after} == unique
    assert len(after) == (3 if topic == LETTERS else 1)
    assert len(before) == (2 if topic == LETTERS else 1)


def test_tombstone_takes_a_mention_out_and_a_later_one_puts_it_back(pipeline: Pipeline) -> None:
    """The highest offset decides: live, retracted, live again."""
    key = mention_key(1)
    counts = []

    for value in (MENTION, None, MENTION):
        pipeline.send("movie.mentions", key, value)
        pipeline.drain()
        counts.append(pipeline.count("mentions"))

    assert counts == [1, 0, 1]


def test_tombstone_and_mention_in_one_batch_keep_their_order(pipeline: Pipeline) -> None:
    """Within one insert too the highest offset wins."""
    pipeline.send("movie.mentions", mention_key(1), MENTION)
    pipeline.send("movie.mentions", mention_key(1), None)
    pipeline.send("movie.mentions", mention_key(1, 2), None)
    pipeline.send("movie.mentions", mention_key(1, 2), MENTION)

    pipeline.drain()

    assert pipeline.rows("SELECT tmdb_id FROM mentions FINAL") == [(2,)]


class Crash(BaseException):
    """The end of a process, as far as anybody inside it can tell."""


class CrashingStore(Store):
    """A store that dies once, before or after what it was told to do."""

    step = ""

    def insert(self, batch: Batch) -> None:
        """Insert, or die around it."""
        self._act("insert", lambda: super(CrashingStore, self).insert(batch))

    def record(self, entries: Sequence[Entry]) -> None:
        """Record, or die around it."""
        self._act("record", lambda: super(CrashingStore, self).record(entries))

    def _act(self, name: str, act: Callable[[], None]) -> None:
        step, moment = CrashingStore.step.split() if CrashingStore.step else ("", "")
        if step == name and moment == "before":
            raise Crash
        act()
        if step == name and moment == "after":
            raise Crash


@pytest.mark.parametrize("step", ["insert before", "insert after", "record before", "record after"])
def test_crash_between_steps_loses_and_doubles_nothing(
    broker: str, clickhouse_settings: Settings, step: str
) -> None:
    """A sink that dies between the insert, the ledger and the commit repeats the batch, and every mention counts once."""
    pipeline = Pipeline(broker, clickhouse_settings, CrashingStore)
    CrashingStore.step = step
    send_mentions(pipeline, range(100))

    sink = pipeline.start()
    eventually(lambda: not sink.alive, "the sink dies")
    CrashingStore.step = ""
    send_mentions(pipeline, range(100, 150))
    pipeline.drain()

    assert pipeline.count("mentions") == 150
    assert pipeline.rows("SELECT uniqExact(tmdb_id, post_id) FROM mentions FINAL") == [(150,)]
    pipeline.close()
