"""The deep verification on the real broker and engine: silent when all agrees, exact about each planted fault."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from clickhouse.deep import COMPARED, DeepVerifier
from clickhouse.offsets import Partition, extents, topic_ids
from clickhouse.store import Store
from schemas.codec import Codec
from schemas.partitioning import film_partition
from schemas.reader import RawRecord, TopicReader
from schemas.registry import ManifestIds
from tests.clickhouse.pipeline import PARTITIONS, Pipeline
from tests.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cinepulse.settings import Settings
    from clickhouse.check import Check

pytestmark = pytest.mark.real

MENTIONS, COUNTS = "movie.mentions", "movie.mention_counts"
KEY, MENTION = SAMPLES["movie.mentions-key"], SAMPLES["movie.mentions-value"]
COUNT_KEY, COUNT = SAMPLES["movie.mention_counts-key"], SAMPLES["movie.mention_counts-value"]


def mention(tmdb_id: int, post: str) -> Any:
    """Return a mention's key."""
    return replace(KEY, tmdb_id=tmdb_id, post_id=post)


class Deep:
    """A pipeline with mentions and counts of three films, as the real sink has stored them."""

    def __init__(self, bootstrap: str, settings: Settings) -> None:
        self.pipeline = Pipeline(bootstrap, settings)
        for tmdb_id in (1, 4, 5):
            for post in ("t1_a", "t1_b", "t1_c"):
                self.pipeline.send(MENTIONS, mention(tmdb_id, post), MENTION)
            # Seen again with more upvotes, and one of the posts deleted.
            self.pipeline.send(MENTIONS, mention(tmdb_id, "t1_a"), replace(MENTION, score=99))
            self.pipeline.send(MENTIONS, mention(tmdb_id, "t1_b"), None)
            for mentions in (3, 2):
                count = replace(COUNT, mentions=mentions, revision=10 - mentions)
                self.pipeline.send(COUNTS, replace(COUNT_KEY, tmdb_id=tmdb_id), count)
        self.pipeline.drain()
        self.ends = {place: extent.end for place, extent in extents(self.pipeline.admin, self.pipeline.routes).items()}

    def check(
        self, topic: str, *, read: Callable[[int], Iterable[RawRecord]] | None = None, pauses: Any = lambda _: None
    ) -> Check:
        """Run the deep verification of one topic."""
        pipeline = self.pipeline
        (route,) = (route for route in pipeline.routes if route.topic.name == topic)
        epoch = Store(pipeline.client, "test").epochs(topic_ids(pipeline.admin, [route.source]))[route.source].epoch
        return DeepVerifier(
            pipeline.client, route, Codec(ManifestIds()), read or self.read(route.source), epoch, self.ends, pauses
        ).check()

    def read(self, source: str) -> Callable[[int], Iterable[RawRecord]]:
        """Return what reads one partition of a topic."""

        def read(partition: int) -> Iterator[RawRecord]:
            with TopicReader(self.pipeline.settings, source, "test", only=partition) as reader:
                yield from reader.to_end()

        return read


@pytest.fixture
def deep(broker: str, migrated_settings: Settings) -> Iterator[Deep]:
    """Return a pipeline of its own, stored whole."""
    made = Deep(broker, migrated_settings)
    yield made
    made.pipeline.close()


def test_what_the_sink_stored_is_what_kafka_says(deep: Deep) -> None:
    """Later versions, tombstones and recounts leave one row of each key, and it is that of the last record."""
    mentions, counts = deep.check(MENTIONS), deep.check(COUNTS)

    assert (mentions.ok, counts.ok) == (True, True), (mentions.problems, counts.problems)
    assert mentions.detail.startswith("6 rows of mentions")
    assert counts.detail.startswith("3 rows of mention_counts")


def test_planted_faults_are_named(deep: Deep) -> None:
    """A lost row, one too many, a changed column and a wrong count are each told with what is wrong with them."""
    client = deep.pipeline.client
    client.command("DELETE FROM mentions WHERE tmdb_id = 1 AND post_id = 't1_c'")
    client.command(
        "INSERT INTO mentions SELECT * REPLACE ('t1_forged' AS post_id, 0 AS source_offset)"
        " FROM (SELECT * FROM mentions FINAL WHERE tmdb_id = 4 AND post_id = 't1_c')"
    )
    client.command(
        "INSERT INTO mentions SELECT * REPLACE (7 AS score) FROM mentions FINAL WHERE tmdb_id = 5 AND post_id = 't1_a'"
    )
    client.command(
        "INSERT INTO mention_counts SELECT * REPLACE (9 AS mentions) FROM mention_counts FINAL WHERE tmdb_id = 4"
    )

    mentions, counts = deep.check(MENTIONS), deep.check(COUNTS)

    assert [problem.split(":")[0].split(", ")[::2] for problem in mentions.problems] == [
        ["tmdb_id 1", "post_id t1_c"],
        ["tmdb_id 4", "post_id t1_forged"],
        ["tmdb_id 5", "post_id t1_a"],
    ]
    lost, forged, changed = (problem.split(": ", 1)[1] for problem in mentions.problems)
    assert lost == "in Kafka alone, at offset 2"
    assert forged == "in ClickHouse alone, of offset 0"
    assert changed == "in ClickHouse score 7 and not 99"
    assert counts.problems == ("tmdb_id 4, day 19783: in ClickHouse mentions 9 and not 2",)
    assert (mentions.ok, counts.ok) == (False, False)


def test_what_comes_meanwhile_is_not_judged(deep: Deep) -> None:
    """Records beyond the ends, and rows that they replaced or took away, are neither lost nor too many."""
    pipeline = deep.pipeline
    pipeline.send(MENTIONS, mention(1, "t1_new"), MENTION)
    pipeline.send(MENTIONS, mention(1, "t1_c"), None)
    pipeline.send(MENTIONS, mention(4, "t1_a"), replace(MENTION, score=100))
    pipeline.send(COUNTS, replace(COUNT_KEY, tmdb_id=1), replace(COUNT, mentions=5, revision=20))
    pipeline.drain()

    assert deep.check(MENTIONS).problems == ()
    assert deep.check(COUNTS).problems == ()


def test_a_record_that_compaction_takes_while_it_is_read_is_looked_for_again(deep: Deep) -> None:
    """Kafka no longer has the old version, and the sink has not stored the new one yet: it does within moments."""
    place = film_partition(5, PARTITIONS)
    real = deep.read(f"{deep.pipeline.prefix}{MENTIONS}")
    gone = deep.pipeline.codec.encode("movie.mentions-key", mention(5, "t1_c"))

    def read(partition: int) -> Iterator[RawRecord]:
        yield from (record for record in real(partition) if (partition, record.key) != (place, gone))

    stays = deep.check(MENTIONS, read=read)

    def arrive(_seconds: float) -> None:
        if not deep.pipeline.topic_end(MENTIONS) > sum(
            end for partition, end in deep.ends.items() if partition.topic.endswith(MENTIONS)
        ):
            deep.pipeline.send(MENTIONS, mention(5, "t1_c"), replace(MENTION, score=1))
            deep.pipeline.drain()

    passes = deep.check(MENTIONS, read=read, pauses=arrive)

    assert len(stays.problems) == 1
    assert "in ClickHouse alone" in stays.problems[0]
    assert passes.ok


def test_a_dead_letter_leaves_the_row_before_it(deep: Deep) -> None:
    """The sink cannot store a broken last record of a key; the row that it would have replaced is not judged."""
    pipeline = deep.pipeline
    key = pipeline.codec.encode("movie.mentions-key", mention(1, "t1_c"))
    pipeline.send_bytes(MENTIONS, key, b"broken", film_partition(1, PARTITIONS))
    pipeline.send_bytes(MENTIONS, b"no key", b"broken", film_partition(1, PARTITIONS))
    pipeline.drain()
    deep.ends |= {Partition(f"{pipeline.prefix}{MENTIONS}", number): 10_000 for number in range(PARTITIONS)}

    check = deep.check(MENTIONS)

    assert (check.ok, check.problems) == (True, ())
    assert check.detail.startswith("5 rows of mentions")


def test_rows_of_a_former_topic_are_told_and_not_judged(deep: Deep) -> None:
    """Mentions of a topic that was made anew are in no Kafka any more."""
    deep.pipeline.client.command(
        "INSERT INTO mentions SELECT * REPLACE ('t1_old' AS post_id, bitShiftLeft(toUInt64(3), 48) AS revision)"
        " FROM (SELECT * FROM mentions FINAL WHERE tmdb_id = 4 AND post_id = 't1_c')"
    )

    check = deep.check(MENTIONS)

    assert check.ok
    assert "1 of a former topic" in check.detail


def test_every_compacted_topic_of_counts_and_mentions_is_compared(deep: Deep) -> None:
    """The two tables behind every number."""
    assert {route.topic.name for route in deep.pipeline.routes if route.table.name in COMPARED} == {MENTIONS, COUNTS}
