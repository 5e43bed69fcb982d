"""The sink on a real broker and the real engine: what arrives, once, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import TopicPartition

from cinepulse.clock import SystemClock
from cinepulse.errors import ConfigurationInvalid, DatabaseUnavailable, DeadLetterRateExceeded, OffsetsExpired
from cinepulse.metrics import FRESHNESS_SECONDS
from clickhouse.client import connect
from clickhouse.ledger import Span
from clickhouse.offsets import Partition, committed
from clickhouse.service import GROUP
from clickhouse.store import Store
from schemas.topics import TEXT_RETENTION_MS
from tests.clickhouse.pipeline import LETTERS, Pipeline, eventually
from tests.fixtures.clickhouse import PASSWORD, ServerProcess
from tests.schemas import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cinepulse.settings import Settings
    from clickhouse.columnar import Block
    from clickhouse.decoding import Bundle
    from clickhouse.ledger import Entry
    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real

# The catalogue forgets films that TMDB showed more than half a year ago, so the sample's film is shown now.
SAMPLES = {
    **samples.SAMPLES,
    "tmdb.movies-value": replace(samples.SAMPLES["tmdb.movies-value"], observed_at=SystemClock().now_ms()),
}
KEY, MENTION = SAMPLES["movie.mentions-key"], SAMPLES["movie.mentions-value"]
TOPICS = (
    *("tmdb.movies", "tmdb.popularity", "movie.mentions", "movie.terms", "movie.mention_counts"),
    *("trend.alerts", "pipeline.coverage", LETTERS),
)
BULK = 400


@pytest.fixture
def pipeline(broker: str, migrated_settings: Settings) -> Iterator[Pipeline]:
    """Return a pipeline of the test's own."""
    made = Pipeline(broker, migrated_settings)
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


def places(pipeline: Pipeline) -> list[Partition]:
    """Return every partition of the pipeline's topics."""
    return [Partition(pipeline.prefix + topic, number) for topic in TOPICS for number in range(2)]


def test_every_topic_reaches_its_table(pipeline: Pipeline) -> None:
    """One record of each topic becomes one row of each table, and the ledger and the offsets say so."""
    for topic in TOPICS:
        pipeline.send(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])

    pipeline.drain()

    stored = {route.table.name: pipeline.count(route.table.name) for route in pipeline.routes}
    assert stored == {route.table.name: 1 for route in pipeline.routes}
    found = committed(pipeline.admin, pipeline.group, places(pipeline))
    assert sum(found.values()) == len(TOPICS)
    assert pipeline.ledger().spans == {place: [Span(0, 0)] for place, offset in found.items() if offset}


def test_stored_values_are_those_sent(pipeline: Pipeline) -> None:
    """What comes out of ClickHouse is what went into Kafka, to the millisecond and with nulls kept."""
    pipeline.send("movie.mentions", KEY, MENTION)

    pipeline.drain()

    columns = "tmdb_id, platform, post_id, toUnixTimestamp64Milli(created_at), community, confidence, num_comments"
    assert pipeline.rows(f"SELECT {columns}, source_topic, revision FROM mentions") == [  # noqa: S608 - a constant
        (KEY.tmdb_id, "reddit", KEY.post_id, KEY.created_at, "movies", 0.875, None, "movie.mentions", 1)
    ]


@pytest.mark.parametrize("topic", TOPICS)
def test_delivered_twice_is_stored_once(pipeline: Pipeline, topic: str) -> None:
    """A topic read again from its beginning, in other batches than before, leaves its table as it was under FINAL."""
    table = next(route.table for route in pipeline.routes if route.topic.name == topic)
    query = f"SELECT {', '.join(table.column_names)} FROM {table.name} FINAL ORDER BY ALL"  # noqa: S608 - from tables.py
    pipeline.send(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])
    pipeline.drain()
    pipeline.send(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])
    pipeline.drain()
    before = pipeline.rows(query)

    again = Pipeline(pipeline.settings.kafka_bootstrap, pipeline.settings, prefix=pipeline.prefix)
    again.group += "-again"
    with again.sinking():
        eventually(
            lambda: sum(committed(again.admin, again.group, places(again)).values()) == 2, "everything is read again"
        )

    assert pipeline.rows(query) == before
    # A dead letter's identity is its place: each letter stands for one failure.
    assert len(before) == (2 if topic == LETTERS else 1)


def test_tombstone_takes_a_mention_out_and_a_later_one_puts_it_back(pipeline: Pipeline) -> None:
    """The highest offset decides: live, retracted, live again."""
    counts = []

    with pipeline.sinking():
        for value in (MENTION, None, MENTION):
            pipeline.send("movie.mentions", mention_key(1), value)
            pipeline.flush()
            eventually(pipeline.settled, "the change is stored")
            counts.append(pipeline.count("mentions"))

    assert counts == [1, 0, 1]


def test_tombstone_and_mention_in_one_batch_keep_their_order(pipeline: Pipeline) -> None:
    """Within one insert too the highest offset wins."""
    for key, value in ((1, MENTION), (1, None), (2, None), (2, MENTION)):
        pipeline.send("movie.mentions", mention_key(7, key), value)

    pipeline.drain()

    assert pipeline.rows("SELECT tmdb_id FROM mentions FINAL") == [(2,)]


def test_bulk_is_stored_as_record_by_record(pipeline: Pipeline) -> None:
    """A bulk of mentions, counts and snapshots, tombstones among them, gives the very rows of the careful way."""
    for number in range(BULK):
        pipeline.send("movie.mentions", mention_key(number % 300), None if number % 7 == 0 else MENTION)
        pipeline.send(
            "movie.mention_counts",
            replace(SAMPLES["movie.mention_counts-key"], day=number),
            SAMPLES["movie.mention_counts-value"],
        )
        pipeline.send("tmdb.popularity", 1, replace(SAMPLES["tmdb.popularity-value"], observed_at=number))
    pipeline.drain()
    tables = [route.table for route in pipeline.routes[:2]] + [pipeline.routes[-1].table]
    names = {table.name: ", ".join(table.column_names) for table in tables}
    queries = [f"SELECT {columns} FROM {table} FINAL ORDER BY ALL" for table, columns in names.items()]  # noqa: S608 - our names
    by_block = [pipeline.rows(query) for query in queries]
    for table in tables:
        pipeline.client.command(f"TRUNCATE TABLE {table.name}")

    slow = Pipeline(pipeline.settings.kafka_bootstrap, pipeline.settings, prefix=pipeline.prefix)
    slow.group += "-slow"
    slow.settings = slow.settings.model_copy(update={"sink_max_rows": 50})
    with slow.sinking():
        eventually(
            lambda: sum(committed(slow.admin, slow.group, places(slow)).values()) == 3 * BULK,
            "everything is read again",
        )

    assert [pipeline.rows(query) for query in queries] == by_block
    # Of the 300 mentions, 43 were retracted last.
    assert [len(rows) for rows in by_block] == [BULK, 257, BULK]


class Crash(BaseException):
    """The end of a process, as far as anybody inside it can tell."""


class CrashingStore(Store):
    """A store that dies before or after what it is told to do, as `step` says."""

    step = ""

    def insert(self, bundle: Bundle) -> None:
        """Insert, or die around it."""
        self._act("insert", lambda: super(CrashingStore, self).insert(bundle))

    def insert_block(self, block: Block) -> None:
        """Insert, or die around it."""
        self._act("insert", lambda: super(CrashingStore, self).insert_block(block))

    def record(self, entries: Sequence[Entry]) -> None:
        """Record, or die around it."""
        self._act("record", lambda: super(CrashingStore, self).record(entries))

    def _act(self, name: str, act: Callable[[], None]) -> None:
        if self.step == f"{name} before":
            raise Crash
        act()
        if self.step == f"{name} after":
            raise Crash


@pytest.mark.parametrize("records", [20, BULK], ids=["by record", "by block"])
@pytest.mark.parametrize("step", ["insert before", "insert after", "record before", "record after"])
def test_crash_between_steps_loses_and_doubles_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, step: str, records: int
) -> None:
    """A sink that dies between the insert, the ledger and the commit repeats the batch; every mention counts once."""
    pipeline.store = CrashingStore
    monkeypatch.setattr(CrashingStore, "step", step)
    send_mentions(pipeline, range(records))
    sink = pipeline.start()
    eventually(lambda: not sink.alive, "the sink dies")
    nothing = committed(pipeline.admin, pipeline.group, places(pipeline))

    monkeypatch.setattr(CrashingStore, "step", "")
    send_mentions(pipeline, range(records, records + 10))
    pipeline.drain()

    assert sum(nothing.values()) == 0
    assert pipeline.rows("SELECT count(), uniqExact(tmdb_id, post_id) FROM mentions FINAL") == [(records + 10,) * 2]


def test_poison_goes_to_dead_letters_and_the_rest_goes_on(pipeline: Pipeline) -> None:
    """Truncated bytes, an unknown schema, an impossible value and a keyless record: letters; good ones around: rows."""
    good = pipeline.codec.encode("movie.mentions-value", MENTION)
    poll = pipeline.codec.encode("pipeline.coverage-value", SAMPLES["pipeline.coverage-value"])
    key = pipeline.codec.encode("movie.mentions-key", KEY)
    send_mentions(pipeline, range(30))
    for value in (good[:-2], b"\x00\x00\x00\xff\xff" + good[5:], b"\x07"):
        pipeline.send_bytes("movie.mentions", key, value)
    pipeline.send("movie.mentions", KEY, replace(MENTION, observed_at=-5))
    pipeline.send_bytes("pipeline.coverage", None, poll)
    send_mentions(pipeline, range(30, 60))

    pipeline.drain()

    assert pipeline.count("mentions") == 60
    mentions, coverage = (f"{pipeline.prefix}{topic}" for topic in ("movie.mentions", "pipeline.coverage"))
    assert sorted(pipeline.rows("SELECT source, reason, stage FROM dead_letters FINAL")) == [
        (mentions, "corrupt_record", "sink"),
        (mentions, "corrupt_record", "sink"),
        (mentions, "invalid_record", "sink"),
        (mentions, "unknown_schema_id", "sink"),
        (coverage, "corrupt_record", "sink"),
    ]
    (totals,) = pipeline.rows(
        "SELECT sum(rows), sum(dead_letters) FROM sink_batches FINAL WHERE topic LIKE '%mentions'"
    )
    assert totals == (60, 4)


def test_undecodable_dead_letter_is_counted_and_passed_over(pipeline: Pipeline) -> None:
    """A broken record among the dead letters makes no further letter, and does not stop the sink."""
    pipeline.send_bytes(LETTERS, b"junk", b"junk")
    pipeline.send(LETTERS, "reddit.posts", SAMPLES[f"{LETTERS}-value"])

    pipeline.drain()

    assert pipeline.count("dead_letters") == 1


def test_mostly_poison_stops_the_sink(pipeline: Pipeline) -> None:
    """When nearly everything fails, the set-up is wrong: the sink stops, commits none of it and sends no letters."""
    for _ in range(60):
        pipeline.send_bytes("movie.mentions", b"junk", b"junk")
    pipeline.flush()

    sink = pipeline.start()
    eventually(lambda: not sink.alive, "the sink stops")

    with pytest.raises(DeadLetterRateExceeded, match="CINEPULSE_DEAD_LETTER_MAX_SHARE"):
        sink.stop()
    assert sum(committed(pipeline.admin, pipeline.group, places(pipeline)).values()) == 0


@pytest.mark.parametrize("records", [20, BULK], ids=["by record", "by block"])
def test_row_that_clickhouse_refuses_is_found_by_halving(pipeline: Pipeline, records: int) -> None:
    """One row that breaks a constraint goes to dead letters with its bytes; its neighbours are stored."""
    pipeline.client.command("ALTER TABLE mentions ADD CONSTRAINT low CHECK score < 1000")
    for number in range(records):
        pipeline.send("movie.mentions", mention_key(number), replace(MENTION, score=5_000 if number == 13 else 1))

    pipeline.drain()

    assert pipeline.count("mentions") == records - 1
    assert pipeline.rows("SELECT reason, offset, value_size > 0 FROM dead_letters FINAL") == [("insert_refused", 13, 1)]


def test_recorded_posts_of_many_years_are_stored(pipeline: Pipeline) -> None:
    """Two hundred months in one batch are more than one insert may touch; they arrive all the same."""
    month_ms = 2_629_800_000
    for number in range(200):
        pipeline.send("movie.mentions", replace(mention_key(number), created_at=number * month_ms), MENTION)

    pipeline.drain()

    assert pipeline.rows("SELECT count(), uniqExact(toYYYYMM(created_at)) > 150 FROM mentions FINAL") == [(200, 1)]


def test_committed_offset_that_expired_is_told(pipeline: Pipeline) -> None:
    """Records that Kafka dropped unread stop the sink loudly; told to accept the gap it goes on, and the hole shows."""
    topic = f"{pipeline.prefix}pipeline.coverage"
    key, poll = SAMPLES["pipeline.coverage-key"], SAMPLES["pipeline.coverage-value"]
    for started_at in range(3):
        pipeline.send("pipeline.coverage", key, replace(poll, started_at=started_at))
    pipeline.drain()
    for started_at in range(3, 9):
        pipeline.send("pipeline.coverage", key, replace(poll, started_at=started_at))
    pipeline.flush()
    partition = pipeline.rows("SELECT source_partition FROM coverage")[0][0]
    for answer in pipeline.admin.delete_records([TopicPartition(topic, partition, 5)]).values():
        answer.result(10)

    sink = pipeline.start()
    eventually(lambda: not sink.alive, "the sink stops")
    with pytest.raises(OffsetsExpired, match="--accept-gaps"):
        sink.stop()
    with pipeline.sinking(accept_gaps=True):
        eventually(pipeline.settled, "what is left is stored")

    assert pipeline.count("coverage") == 7
    assert pipeline.ledger().spans[Partition(topic, partition)] == [Span(0, 2), Span(5, 8)]


def test_topic_made_anew_starts_a_new_epoch(pipeline: Pipeline) -> None:
    """A topic deleted and created again counts from offset 0; its records still win over those of the old one."""
    for _ in range(3):
        pipeline.send("movie.mentions", mention_key(1), MENTION)
    pipeline.drain()
    for answer in pipeline.admin.delete_topics([f"{pipeline.prefix}movie.mentions"]).values():
        answer.result(10)

    def created() -> bool:
        with suppress(ConfigurationInvalid):
            pipeline.create_topics()
        return not any(pipeline.admin.list_topics(timeout=5).topics[route.source].error for route in pipeline.routes)

    eventually(created, "the topic is there again")
    pipeline.group += "-anew"
    pipeline.send("movie.mentions", mention_key(1), None)
    pipeline.drain()

    assert pipeline.count("mentions") == 0
    assert pipeline.rows("SELECT max(revision) >= bitShiftLeft(1, 48) FROM mentions") == [(1,)]


def test_missing_table_is_told(broker: str, pipeline: Pipeline) -> None:
    """Without its tables, or with one that would store repeats, the sink does not start, and says what to do."""
    del broker
    pipeline.client.command("ALTER TABLE coverage MODIFY SETTING non_replicated_deduplication_window = 0")
    with pytest.raises(ConfigurationInvalid, match="non_replicated_deduplication_window on coverage"):
        pipeline.start()
    pipeline.client.command("DROP TABLE mentions")

    with pytest.raises(ConfigurationInvalid, match="no table mentions: run `cinepulse migrate`"):
        pipeline.start()


def test_freshness_is_measured_once_a_count(pipeline: Pipeline) -> None:
    """Each stored count observes the time since its oldest observation; one that rests on a backfill has none."""
    observed = SystemClock().now_ms() - 60_000
    count = replace(SAMPLES["movie.mention_counts-value"], oldest_observed_at=observed)
    before = freshness()
    for day in range(3):
        pipeline.send("movie.mention_counts", replace(SAMPLES["movie.mention_counts-key"], day=day), count)
    backfilled = replace(count, oldest_observed_at=observed - TEXT_RETENTION_MS)
    pipeline.send("movie.mention_counts", replace(SAMPLES["movie.mention_counts-key"], day=3), backfilled)

    pipeline.drain()

    counted, seconds = (after - earlier for after, earlier in zip(freshness(), before, strict=True))
    assert counted == 3
    assert 180 <= seconds < 300


def freshness() -> tuple[float, float]:
    """Return how many counts were observed so far, and the sum of their ages in seconds."""
    values = {sample.name: sample.value for metric in FRESHNESS_SECONDS.collect() for sample in metric.samples}
    return values["cinepulse_freshness_seconds_count"], values["cinepulse_freshness_seconds_sum"]


def test_two_sinks_share_the_partitions(pipeline: Pipeline) -> None:
    """A second sink joins and leaves while records flow; each record is stored, and counts once."""
    with pipeline.sinking():
        send_mentions(pipeline, range(50))
        with pipeline.sinking():
            send_mentions(pipeline, range(50, 100))
            eventually(pipeline.settled, "both have stored everything")
        send_mentions(pipeline, range(100, 150))
        eventually(pipeline.settled, "the first has taken over")

    assert pipeline.rows("SELECT count(), uniqExact(tmdb_id, post_id) FROM mentions FINAL") == [(150, 150)]


def test_clickhouse_away_loses_nothing(broker: str, tmp_path: Path) -> None:
    """ClickHouse killed in mid-flow and back later: the sink waits, keeps its partitions and stores everything once."""
    server = ServerProcess(tmp_path)
    server.start()
    pipeline = Pipeline(broker, server.settings)
    try:
        with pipeline.sinking() as sink:
            send_mentions(pipeline, range(50))
            eventually(pipeline.settled, "the first are stored")
            server.kill()
            send_mentions(pipeline, range(50, 50 + BULK))
            with pytest.raises(DatabaseUnavailable):
                pipeline.count("mentions")
            assert sink.alive
            server.start()
            pipeline.client = connect(pipeline.settings)
            eventually(pipeline.settled, "the rest is stored")
        assert pipeline.rows("SELECT count(), uniqExact(tmdb_id, post_id) FROM mentions FINAL") == [(50 + BULK,) * 2]
    finally:
        pipeline.close()
        server.kill()


def test_stop_while_clickhouse_is_away_commits_nothing_unwritten(broker: str, tmp_path: Path) -> None:
    """A stop does not wait for ClickHouse: it leaves cleanly, and the next start stores what was read."""
    server = ServerProcess(tmp_path)
    server.start()
    pipeline = Pipeline(broker, server.settings)
    try:
        sink = pipeline.start()
        server.kill()
        send_mentions(pipeline, range(20))
        sink.stop()
        assert sum(committed(pipeline.admin, pipeline.group, places(pipeline)).values()) == 0
        server.start()
        pipeline.client = connect(pipeline.settings)
        pipeline.drain()
        assert pipeline.count("mentions") == 20
    finally:
        pipeline.close()
        server.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_command_survives_its_end(
    fresh_broker: BrokerProcess, migrated_settings: Settings, ending: signal.Signals
) -> None:
    """`cinepulse sink` writes, ends by SIGTERM with 0 and by SIGKILL at any moment; every mention is there once."""
    pipeline = Pipeline(fresh_broker.bootstrap, migrated_settings, prefix="")
    pipeline.group = GROUP
    environment = {
        **os.environ,
        "CINEPULSE_KAFKA_BOOTSTRAP": fresh_broker.bootstrap,
        "CINEPULSE_CLICKHOUSE_PORT": str(migrated_settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": migrated_settings.clickhouse_database,
        "CINEPULSE_PARTITIONS": "2",
    }
    command = [sys.executable, "-c", "from cinepulse.cli import main; raise SystemExit(main())", "sink"]
    before = pipeline.topic_end("movie.mentions")
    send_mentions(pipeline, range(1_000))

    process = subprocess.Popen(command, env=environment)
    eventually(lambda: pipeline.count("mentions") > 0, "the first rows are there")
    process.send_signal(ending)
    code = process.wait(20)
    send_mentions(pipeline, range(1_000, 1_100))
    pipeline.drain()

    assert code == (0 if ending is signal.SIGTERM else -signal.SIGKILL)
    assert pipeline.topic_end("movie.mentions") - before == 1_100
    assert pipeline.rows("SELECT count(), uniqExact(tmdb_id, post_id) FROM mentions FINAL") == [(1_100, 1_100)]
