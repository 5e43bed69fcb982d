"""Writes batches: insert, halve down to the rows ClickHouse refuses, deliver dead letters, record in the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import stamina

from cinepulse.logging import get_logger
from cinepulse.metrics import DEAD_LETTERS, FRESHNESS_SECONDS, INSERT_SECONDS, SINK_RETRIES, SINK_ROWS
from clickhouse.decoding import Bundle, bundles, decode, pieces
from clickhouse.failures import Failure, failure_of
from clickhouse.ledger import ENTRY_OFFSETS, extended
from clickhouse.letters import STAGE, Rejected
from clickhouse.offsets import Partition
from clickhouse.tables import MENTION_COUNTS
from schemas.topics import PIPELINE_DEAD_LETTERS, TEXT_RETENTION_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from threading import Event

    from cinepulse.clock import Clock
    from clickhouse.batches import Batch
    from clickhouse.columnar import Block, Columnar
    from clickhouse.decoding import Piece
    from clickhouse.ledger import Entry, TopicEpoch
    from clickhouse.letters import PoisonCap
    from clickhouse.tables import Table
    from schemas.codec import Codec
    from schemas.publisher import Publisher

LOG = get_logger(__name__)

WAIT_INITIAL_SECONDS: Final = 0.1
# Also how long a stop may have to wait for a writer that waits for ClickHouse.
WAIT_MAX_SECONDS: Final = 2.0
# An error that nobody has classified: it may pass, but must not hold the sink for ever without a word.
UNKNOWN_ATTEMPTS: Final = 5


class WriteAbandoned(Exception):
    """The partitions were taken away or the sink stops: what is not confirmed yet comes again to the next owner."""


class Storage(Protocol):
    """Where rows and ledger entries go; each call stores once, however often it is repeated."""

    def insert(self, bundle: Bundle) -> None:
        """Store decoded rows."""
        ...

    def insert_block(self, block: Block) -> None:
        """Store a block."""
        ...

    def record(self, entries: Sequence[Entry]) -> None:
        """Store ledger entries."""
        ...


@dataclass(slots=True)
class Writer:
    """Writes one flush at a time; used from one thread at a time."""

    store: Storage
    codec: Codec
    columnar: Columnar
    publisher: Publisher
    cap: PoisonCap
    clock: Clock
    epochs: Mapping[str, TopicEpoch]
    entry_offsets: int = ENTRY_OFFSETS
    _entries: dict[Partition, Entry] = field(default_factory=dict)

    def write(self, batches: Sequence[Batch], abandoned: Event) -> None:
        """Store the batches, one a partition, deliver their dead letters, then record them: on return all is confirmed.

        Retries for as long as ClickHouse or Kafka may come back. Raises WriteAbandoned once `abandoned` is set,
        DeadLetterRateExceeded past the cap, ConfigurationInvalid or the error itself when trying again is no use.
        """
        rejected = self._store(batches, abandoned)
        entries: dict[Partition, Entry] = {}
        for batch in batches:
            partition = Partition(batch.route.source, batch.partition)
            self._bury(batch, rejected[partition], abandoned)
            entries[partition] = extended(
                self._entries.get(partition),
                batch,
                self.epochs[partition.topic].topic_id,
                failed=len(rejected[partition]),
                limit=self.entry_offsets,
            )
        self._persist(self.publisher.flush, abandoned)
        self._persist(lambda: self.store.record(list(entries.values())), abandoned)
        self._entries |= entries

    def forget(self) -> None:
        """Begin new ledger entries: what follows need not join what came before."""
        self._entries.clear()

    def _blocks(self, batches: Sequence[Batch]) -> Iterator[Block | None]:
        """Yield each batch as a block where it can be one; the next is made while ClickHouse takes the one before."""
        with ThreadPoolExecutor(1, thread_name_prefix="sink-blocks") as ahead:
            coming: Future[Block | None] | None = None
            for batch in batches:
                made, coming = coming, ahead.submit(self.columnar.block_of, batch)
                if made is not None:
                    yield made.result()
            if coming is not None:
                yield coming.result()

    def _store(self, batches: Sequence[Batch], abandoned: Event) -> Mapping[Partition, Sequence[Rejected]]:
        """Insert the batches; return of each partition the records that cannot be stored."""
        rejected: dict[Partition, list[Rejected]] = {}
        loose: list[Piece] = []
        for batch, block in zip(batches, self._blocks(batches), strict=True):
            refused = rejected[Partition(batch.route.source, batch.partition)] = []
            if block is not None:
                self.cap.observe(batch.route.source, batch.partition, records=len(batch), poison=0)
                if self._insert_block(block, abandoned):
                    continue
            whole, poison = decode(batch, self.codec)
            self.cap.observe(batch.route.source, batch.partition, records=len(batch), poison=len(poison))
            refused += poison
            loose += pieces(whole)
        for bundle in bundles(loose):
            for one in self._insert(bundle, abandoned):
                rejected[Partition(one.source, one.record.partition)].append(one)
        return rejected

    def _bury(self, batch: Batch, rejected: Sequence[Rejected], abandoned: Event) -> None:
        """Queue the letters of what cannot be stored."""
        for one in rejected:
            LOG.warning("sink.record_rejected", topic=one.source, offset=one.record.offset, reason=one.reason)
            if batch.route.topic == PIPELINE_DEAD_LETTERS:
                # A letter about a letter would come back here: a count is all there is.
                DEAD_LETTERS.labels(stage=STAGE, reason=one.reason).inc()
            else:
                self._persist(partial(one.send, self.publisher), abandoned)

    def _insert_block(self, block: Block, abandoned: Event) -> bool:
        """Insert a block and return whether ClickHouse took it; refused, it is to be taken apart."""
        table = block.batch.route.table
        try:
            self._persist(lambda: self._timed(table, lambda: self.store.insert_block(block)), abandoned)
        except Exception as error:
            if failure_of(error) is not Failure.DATA:
                raise
            LOG.warning("sink.block_refused", table=table.name, error=f"{error}"[:300])
            return False
        self._stored(table, len(block.batch), block.oldest_observed)
        return True

    def _insert(self, bundle: Bundle, abandoned: Event) -> list[Rejected]:
        """Insert rows, taking them apart down to those that ClickHouse refuses; return the records of these."""
        try:
            self._persist(lambda: self._timed(bundle.table, lambda: self.store.insert(bundle)), abandoned)
        except Exception as error:
            if failure_of(error) is not Failure.DATA:
                raise
            parts = _apart(bundle)
            if len(parts) > 1:
                return [one for part in parts for one in self._insert(part, abandoned)]
            return self._refuse(bundle.pieces[0], error)
        oldest = bundle.column("oldest_observed_at") if bundle.table is MENTION_COUNTS else ()
        self._stored(bundle.table, len(bundle), oldest)
        return []

    def _refuse(self, piece: Piece, error: Exception) -> list[Rejected]:
        batch, offset = piece.batch, piece.offsets[0]
        self.cap.observe(batch.route.source, batch.partition, records=0, poison=1)
        record = next(record for record in batch if record.offset == offset)
        return [Rejected(batch.route.source, record, error)]

    def _timed(self, table: Table, insert: Callable[[], None]) -> None:
        with INSERT_SECONDS.labels(table=table.name).time():
            insert()

    def _stored(self, table: Table, rows: int, oldest_observed: Sequence[int]) -> None:
        SINK_ROWS.labels(table=table.name).inc(rows)
        now = self.clock.now_ms()
        for observed_at in oldest_observed:
            # A post is worked on within its 48 hours in Kafka: an older observation comes from a backfill.
            if now - observed_at <= TEXT_RETENTION_MS:
                FRESHNESS_SECONDS.observe((now - observed_at) / 1_000)

    def _persist(self, act: Callable[[], None], abandoned: Event) -> None:
        """Do `act` until it succeeds, fails for good or nobody wants it any more."""
        for attempt in _attempts():
            with attempt:
                if abandoned.is_set():
                    raise WriteAbandoned
                act()


def _apart(bundle: Bundle) -> list[Bundle]:
    """Return a bundle's pieces, or one piece's halves; of a single row nothing but itself."""
    if len(bundle.pieces) > 1:
        return [Bundle([piece]) for piece in bundle.pieces]
    piece = bundle.pieces[0]
    return [Bundle([half]) for half in piece.cut(len(piece.rows) // 2)] if len(piece.rows) > 1 else [bundle]


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
