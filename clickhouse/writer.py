"""Writes batches: insert, bisect to the rows that ClickHouse refuses, deliver dead letters, record in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import stamina

from cinepulse.logging import get_logger
from cinepulse.metrics import FRESHNESS_SECONDS, INSERT_SECONDS, SINK_RETRIES, SINK_ROWS
from clickhouse.failures import Failure, failure_of
from clickhouse.ledger import ENTRY_OFFSETS, extended
from clickhouse.letters import letter_of
from clickhouse.offsets import Partition
from clickhouse.rows import Record
from clickhouse.tables import MENTION_COUNTS
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from cinepulse.clock import Clock
    from clickhouse.batches import Batch
    from clickhouse.ledger import Entry, TopicEpoch
    from clickhouse.letters import LetterBox, PoisonCap
    from schemas.events import DeadLetter

LOG = get_logger(__name__)

WAIT_INITIAL_SECONDS: Final = 0.1
# Also how long a stop may have to wait for a writer that waits for ClickHouse.
WAIT_MAX_SECONDS: Final = 2.0
# An error that nobody has classified: it may pass, but must not hold the sink for ever without a word.
UNKNOWN_ATTEMPTS: Final = 5
DELIVERY_SECONDS: Final = 10.0

_OLDEST_OBSERVED: Final = MENTION_COUNTS.column_names.index("oldest_observed_at")


class WriteAbandoned(Exception):
    """The partitions were taken away or the sink stops: what is not confirmed yet comes again to the next owner."""


class Storage(Protocol):
    """Where batches and ledger entries go."""

    def insert(self, batch: Batch) -> None:
        """Store a batch's rows once, however often it is called with the batch."""
        ...

    def record(self, entries: Sequence[Entry]) -> None:
        """Store ledger entries."""
        ...


class Fetch(Protocol):
    """Reads one record again: its key and value, None and None when it is gone."""

    def __call__(self, partition: Partition, offset: int) -> tuple[bytes | None, bytes | None]:
        """Return the record's key and value."""
        ...


@dataclass(slots=True)
class Writer:
    """Writes one flush at a time; used from one thread at a time."""

    store: Storage
    letters: LetterBox
    cap: PoisonCap
    fetch: Fetch
    clock: Clock
    epochs: Mapping[str, TopicEpoch]
    entry_offsets: int = ENTRY_OFFSETS
    _entries: dict[Partition, Entry] = field(default_factory=dict)

    def write(self, batches: Sequence[Batch], abandoned: Event) -> None:
        """Store the batches, one a partition, deliver their letters, then record them: on return all is confirmed.

        Retries for as long as ClickHouse or Kafka may come back. Raises WriteAbandoned once `abandoned` is set,
        DeadLetterRateExceeded past the cap, ConfigurationInvalid or the error itself when trying again is no use.
        """
        letters: list[DeadLetter] = []
        entries: dict[Partition, Entry] = {}
        for batch in batches:
            records, poison = len(batch.rows) + len(batch.letters), len(batch.letters)
            self.cap.observe(batch.route.source, batch.partition, records=records, poison=poison)
            refused = self._store(batch, abandoned)
            letters += [*batch.letters, *refused]
            partition, topic_id = (
                Partition(batch.route.source, batch.partition),
                self.epochs[batch.route.source].topic_id,
            )
            entries[partition] = extended(
                self._entries.get(partition), batch, topic_id, refused=len(refused), limit=self.entry_offsets
            )
        if letters:
            self._persist(lambda: self.letters.send(letters, DELIVERY_SECONDS), abandoned)
        self._persist(lambda: self.store.record(list(entries.values())), abandoned)
        self._entries |= entries

    def forget(self) -> None:
        """Begin new ledger entries: what follows need not join what came before."""
        self._entries.clear()

    def _store(self, batch: Batch, abandoned: Event) -> list[DeadLetter]:
        """Insert a batch; return the letters of the rows that ClickHouse refuses."""
        try:
            self._persist(lambda: self._insert(batch), abandoned)
        except Exception as error:
            if failure_of(error) is not Failure.DATA:
                raise
            if len(batch.rows) > 1:
                return [letter for half in batch.halves() for letter in self._store(half, abandoned)]
            return self._refuse(batch, error)
        self._observe_freshness(batch)
        return []

    def _insert(self, batch: Batch) -> None:
        table = batch.route.table.name
        with INSERT_SECONDS.labels(table=table).time():
            self.store.insert(batch)
        SINK_ROWS.labels(table=table).inc(len(batch.rows))

    def _refuse(self, batch: Batch, error: Exception) -> list[DeadLetter]:
        partition, offset = Partition(batch.route.source, batch.partition), batch.offsets[0]
        self.cap.observe(*partition, records=0, poison=1)
        LOG.error("sink.row_refused", topic=partition.topic, partition=partition.number, offset=offset)
        if batch.route.topic == PIPELINE_DEAD_LETTERS:
            # A letter about a letter would come back here.
            return []
        key, value = self.fetch(partition, offset)
        record = Record(key, value, partition.number, offset, 0)
        return [letter_of(record, partition.topic, error, self.clock.now_ms())]

    def _observe_freshness(self, batch: Batch) -> None:
        if batch.route.table is MENTION_COUNTS:
            now = self.clock.now_ms()
            for row in batch.rows:
                FRESHNESS_SECONDS.observe((now - row[_OLDEST_OBSERVED]) / 1_000)

    def _persist(self, act: Callable[[], None], abandoned: Event) -> None:
        """Do `act` until it succeeds, fails for good or nobody wants it any more."""
        for attempt in _attempts():
            with attempt:
                if abandoned.is_set():
                    raise WriteAbandoned
                act()


def _attempts() -> Iterator[stamina.Attempt]:
    unknown = 0

    def again(error: BaseException) -> bool:
        nonlocal unknown
        if isinstance(error, WriteAbandoned) or not isinstance(error, Exception):
            return False
        failure = failure_of(error)
        if failure in {Failure.DATA, Failure.CONFIGURATION}:
            return False
        if failure is Failure.UNKNOWN:
            unknown += 1
            LOG.error("sink.unknown_failure", attempt=unknown, error=f"{type(error).__name__}: {error}"[:300])
        SINK_RETRIES.labels(kind=failure.value).inc()
        return failure is Failure.RETRYABLE or unknown < UNKNOWN_ATTEMPTS

    return iter(
        stamina.retry_context(
            on=again,
            attempts=None,
            timeout=None,
            wait_initial=WAIT_INITIAL_SECONDS,
            wait_max=WAIT_MAX_SECONDS,
            wait_jitter=WAIT_INITIAL_SECONDS,
        )
    )
