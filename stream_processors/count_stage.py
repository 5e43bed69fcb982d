"""The count stage: mentions in, absolute counts per film and day out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from cinepulse.closing import ClosingRule
from cinepulse.metrics import COUNTS_EMITTED, DUPLICATES, FUTURE_STAMPED, LATE, RECORDS_PROCESSED
from schemas.partitioning import film_partition
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.counting import CountRecords, CountState, MentionKeys, MentionValues, merge_runs
from stream_processors.outbox import Outgoing
from stream_processors.stage import Flush

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cinepulse.errors import Poison
    from cinepulse.settings import Settings
    from schemas.codec import Codec
    from schemas.registry import SchemaIds
    from stream_processors.counting import Record
    from stream_processors.counting.columns import Columns
    from stream_processors.dead_letters import DeadLetters


class CountStage:
    """Counts mentions.

    Args:
        settings: partitions, and when a day is closed.
        codec: the contract.
        schema_ids: its ids.
        dead_letters: takes records that are no mentions.
    """

    name = "count"
    source = MOVIE_MENTIONS.name
    slice_records = 2_000

    def __init__(self, settings: Settings, codec: Codec, schema_ids: SchemaIds, dead_letters: DeadLetters) -> None:
        self._partitions = settings.partitions
        self._rule = ClosingRule.of(settings)
        self._dead_letters = dead_letters
        self._keys = MentionKeys(codec, schema_ids)
        self._values = MentionValues(codec, schema_ids)
        self._records = CountRecords(schema_ids)

    def open(self, partition: int) -> CountPartition:
        """Return an empty state for one partition of `movie.mentions`."""
        letters: list[Outgoing] = []

        def reject(record: Record, poison: Poison) -> None:
            letters.append(self._dead_letters.letter(partition, record, poison))

        counts = CountState(
            self._keys,
            functools.partial(self._keys.source_partition, partitions=self._partitions),
            self._values,
            self._records,
            rule=self._rule,
            partitions=self._partitions,
            reject=reject,
        )
        observe = functools.partial(self._dead_letters.observe, partition)
        return CountPartition(counts, letters, observe, self._partitions)

    def merge(self, bodies: Sequence[bytes]) -> bytes:
        """Return one body with the effect of several."""
        return merge_runs(bodies)

    def check(self) -> None:
        """Do nothing: the stage depends on nothing that runs by itself."""


class CountPartition:
    """The fold of one partition, with its dead letters and metrics.

    Args:
        counts: the sets.
        letters: where rejected records arrive as dead letters.
        observe: told how many of some records were poison.
        partitions: partitions of every topic.
    """

    def __init__(
        self, counts: CountState, letters: list[Outgoing], observe: Callable[[int, int], None], partitions: int
    ) -> None:
        self.counts = counts
        self._letters = letters
        self._observe = observe
        self._partitions = partitions
        self._to: dict[int, int] = {}
        self.begin_epoch = counts.begin_epoch
        self.restore = counts.restore
        self.restored = counts.restored

    def fold(self, records: Sequence[Record], columns: Columns | None = None) -> None:
        """Count records; raises DeadLetterRateExceeded.

        `columns`: the records' keys, where they have been read.
        """
        before = len(self._letters)
        tally = self.counts.fold(records, columns)
        RECORDS_PROCESSED.labels("count").inc(len(records))
        DUPLICATES.labels("count").inc(tally.duplicates)
        LATE.labels("count").inc(tally.late)
        FUTURE_STAMPED.labels("count").inc(tally.future)
        self._observe(len(records), len(self._letters) - before)

    def take(self) -> Flush | None:
        """Return the changed sets and counts since the last call."""
        taken = self.counts.take()
        letters = self._letters.copy()
        self._letters.clear()
        if taken is None:
            return Flush((), letters) if letters else None
        topic, to = MOVIE_MENTION_COUNTS.name, self._film_partition
        COUNTS_EMITTED.inc(len(taken.counts))
        outgoing = [Outgoing(topic, to(film), key, value) for film, key, value in taken.counts]
        return Flush(taken.bodies, outgoing + letters, taken, taken.whole)

    def settled(self, flush: Flush) -> None:
        """Note that a flush has been delivered."""
        if flush.receipt is not None:
            self.counts.settled(flush.receipt)

    def _film_partition(self, tmdb_id: int) -> int:
        partition = self._to.get(tmdb_id)
        if partition is None:
            partition = self._to[tmdb_id] = film_partition(tmdb_id, self._partitions)
        return partition
