"""A model of one Kafka, one ClickHouse and the processes between them; the processes run the product's own code.

Kafka keeps logs, a group's owners and commits; it may compact the changelog at any time. A worker is a real
`BatchWorker` with the real count stage and the real changelog; a sink is a real `Writer` with the real cutting of
batches and the real ledger. What is modelled is what happens to them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from cinepulse.clock import MILLISECONDS_PER_DAY, ManualClock
from cinepulse.settings import load_settings
from clickhouse.batches import Waiting
from clickhouse.columnar import Columnar
from clickhouse.ledger import TopicEpoch
from clickhouse.letters import PoisonCap
from clickhouse.rows import routes
from clickhouse.writer import Writer
from schemas.codec import Codec
from schemas.events import Mention, MentionKey
from schemas.partitioning import film_partition
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.batch_worker import BatchWorker
from stream_processors.changelog import BODY, claim_entry
from stream_processors.count_stage import CountStage
from stream_processors.dead_letters import DeadLetters
from stream_processors.delivery import Batch, Deliveries
from stream_processors.outbox import Outgoing
from tests.stream_processors.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from clickhouse.decoding import Bundle
    from clickhouse.ledger import Entry as LedgerEntry
    from clickhouse.ledger import Span
    from schemas.publisher import Publisher
    from stream_processors.changelog import Entry, PartitionLog
    from stream_processors.changelog_store import ChangelogStore
    from stream_processors.outbox import Outbox

PARTITIONS: Final = 2
FILMS: Final = (1, 4)
"""One of each partition."""
FIRST_DAY: Final = 20_000
DAYS_APART: Final = 4
"""Far enough for the earlier day to close when a post of the later one comes."""
IDS: Final = ManifestIds()
CODEC: Final = Codec(IDS)
SETTINGS: Final = load_settings(attached=False, partitions=PARTITIONS)
CHANGELOG: Final = "changelog"
MANY: Final = 1_000
# Longer than any session: a process that wakes after its partitions moved has been away for so long.
AWAY_SECONDS: Final = 10.0

VALUE: Final = CODEC.encode(
    MOVIE_MENTIONS.value_subject,
    Mention(
        community="movies",
        kind="comment",
        location="body",
        method="rules",
        confidence=0.9,
        score=1,
        observed_at=FIRST_DAY * MILLISECONDS_PER_DAY,
        linker_version="model",
    ),
)


class Crashed(BaseException):
    """The process ends here: nothing in it may catch this and go on."""


class Said(NamedTuple):
    """A mention or its retraction, as it lies in the source topic."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None


class Row(NamedTuple):
    """A record of a log."""

    key: bytes
    value: bytes | None


def day_of(post: int) -> int:
    """Return the day of a post after the first, which never changes."""
    return post % 2 * DAYS_APART


@dataclass
class Kafka:
    """What outlives the processes: logs by topic and partition, and the count group's owners and commits."""

    logs: dict[tuple[str, int], list[Row | None]] = field(default_factory=dict)
    source: dict[int, list[Said]] = field(default_factory=lambda: {number: [] for number in range(PARTITIONS)})
    owners: dict[int, Worker | None] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS)))
    committed: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))
    nonces: Iterator[int] = field(default_factory=lambda: iter(range(1, 1 << 30)))

    def log(self, topic: str, partition: int) -> list[Row | None]:
        """Return a partition; None stands for a record that compaction has removed."""
        return self.logs.setdefault((topic, partition), [])

    def say(self, film: int, post: int, day: int, *, gone: bool) -> None:
        """Add a mention or a retraction to the source topic; a post's day never changes."""
        created_at = (FIRST_DAY + day) * MILLISECONDS_PER_DAY + post
        key = MentionKey(tmdb_id=film, platform="reddit", post_id=f"t3_{post:x}1", created_at=created_at)
        log = self.source[film_partition(film, PARTITIONS)]
        encoded = CODEC.encode(MOVIE_MENTIONS.key_subject, key)
        log.append(Said(len(log), created_at + 1_000, encoded, None if gone else VALUE))

    def compact(self, partition: int) -> None:
        """Remove from the changelog what a later record of the same key has replaced."""
        log = self.log(CHANGELOG, partition)
        last = {row.key: offset for offset, row in enumerate(log) if row is not None}
        for offset, row in enumerate(log[:-1]):
            if row is not None and last[row.key] != offset:
                log[offset] = None


@dataclass
class ModelOutbox:
    """Sends for one process, which may end before any record, or stand still before or after its changelog."""

    kafka: Kafka
    crash_in: int | None = None
    gate: asyncio.Event | None = None
    """While it is there and not set, the process stands still where it next comes by."""
    stands: bool = False
    passes: int = 0
    """How often it comes by before it stands still."""
    late: bool = False

    async def append(self, records: Iterable[Outgoing]) -> list[int]:
        """Write to the changelog and return the offsets."""
        await self._stand()
        offsets = [self._write(record) for record in records]
        await self._stand()
        return offsets

    async def send(self, records: Iterable[Outgoing]) -> bool:
        """Write what a flush leads to, unless the process slept so long that the client has given it up."""
        await self._stand()
        if self.late:
            self.late = False
            return False
        for record in records:
            self._write(record)
        self._step()
        return True

    def _write(self, record: Outgoing) -> int:
        self._step()
        log = self.kafka.log(record.topic, record.partition)
        log.append(Row(record.key, record.value))
        return len(log) - 1

    def _step(self) -> None:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crashed

    async def _stand(self) -> None:
        if self.gate is not None and self.passes:
            self.passes -= 1
        elif self.gate is not None:
            self.stands = True
            await self.gate.wait()
            self.stands = False


@dataclass
class ModelStore:
    """The changelog store on the model's Kafka."""

    kafka: Kafka
    outbox: ModelOutbox

    async def open(self, logs: Mapping[int, PartitionLog]) -> None:
        """Claim partitions and read them up to the claim."""
        for partition, log in logs.items():
            claim = self.outgoing(partition, claim_entry(next(self.kafka.nonces).to_bytes(16), "source"))
            (offset,) = await self.outbox.append([claim])
            for place in range(log.position, offset + 1):
                row = self.kafka.log(CHANGELOG, partition)[place]
                if row is not None:
                    log.read(place, row.key, row.value)

    def outgoing(self, partition: int, entry: Entry) -> Outgoing:
        """Return an entry as a record."""
        return Outgoing(CHANGELOG, partition, *entry)

    async def keys(self, partition: int, start: int, end: int) -> list[bytes | None]:
        """Return the keys in between."""
        return [row.key for row in self.kafka.log(CHANGELOG, partition)[start:end] if row is not None]


@dataclass
class Worker:
    """A count worker's process, and what it believes it owns."""

    kafka: Kafka
    make: Callable[..., BatchWorker] = BatchWorker
    outbox: ModelOutbox = field(init=False)
    worker: BatchWorker = field(init=False)
    deliveries: Deliveries = field(default_factory=Deliveries)
    clock: ManualClock = field(default_factory=ManualClock)
    place: dict[int, int] = field(default_factory=dict)
    epoch: int = 0
    flushing: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.outbox = ModelOutbox(self.kafka)
        letters = DeadLetters("count", MOVIE_MENTIONS.name, CODEC, self.clock, partitions=PARTITIONS, max_share=1.0)
        self.worker = self.make(
            CountStage(SETTINGS, CODEC, IDS, letters),
            cast("ChangelogStore", ModelStore(self.kafka, self.outbox)),
            cast("Outbox", self.outbox),
            clock=self.clock,
            flush_seconds=MANY,
            flush_records=MANY,
        )
        self.worker.attach(self.deliveries)

    async def assign(self, partitions: Iterable[int]) -> None:
        """Take these partitions over from where their group has committed."""
        self.epoch += 1
        starts = {partition: self.kafka.committed[partition] for partition in partitions}
        self.place = dict(starts)
        self.deliveries.begin(self.epoch, starts)
        self.worker.assigned(self.epoch, list(starts))
        await until(lambda: self.worker.ready or self.worker.failure.done() or self.outbox.stands, pause=0)

    async def fold(self, partition: int, count: int) -> None:
        """Work on the next records of a partition."""
        start = self.place[partition]
        records = self.kafka.source[partition][start : start + count]
        if records:
            self.place[partition] += len(records)
            await self.worker.process(Batch(partition, self.epoch, start, start + len(records), records))

    async def flush(self, *, stand: int) -> None:
        """Flush, and stand still at the 1st (before its state), 2nd (behind it) or 3rd point; never for 0."""
        if stand:
            self.outbox.gate, self.outbox.passes = asyncio.Event(), stand - 1
        self.flushing = asyncio.ensure_future(self.worker.flush())
        task = self.flushing
        await until(lambda: task.done() or self.outbox.stands, pause=0)
        if self.flushing.done():
            self.outbox.gate = None
            self.flushing = None
            task.result()

    async def wake(self, *, moved: bool) -> None:
        """Go on, from where it stood still; long after, when its partitions have moved meanwhile."""
        gate, self.outbox.gate = self.outbox.gate, None
        if moved:
            self.clock.advance(AWAY_SECONDS)
            self.outbox.late = True
        if gate is not None:
            gate.set()
        if self.flushing is not None:
            task, self.flushing = self.flushing, None
            await task

    def commit(self) -> None:
        """Commit what is done; Kafka takes it of owners only."""
        offsets = {
            partition: offset
            for partition, offset in self.deliveries.committable().items()
            if self.kafka.owners[partition] is self
        }
        self.kafka.committed |= offsets
        self.deliveries.committed(offsets, self.deliveries.epoch)

    async def end(self) -> None:
        """End the process, wherever it is."""
        tasks = [*self.worker._tasks, *([self.flushing] if self.flushing else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.worker.failure.done():
            self.worker.failure.exception()
        else:
            self.worker.failure.cancel()


@dataclass
class ClickHouse:
    """Tables that keep the highest revision of each key, and the sink's ledger."""

    tables: dict[str, dict[tuple[Any, ...], tuple[int, tuple[Any, ...]]]] = field(default_factory=dict)
    spans: dict[tuple[str, int], list[Span]] = field(default_factory=dict)


@dataclass
class Storage:
    """One sink's way into ClickHouse; it may end before or after any statement."""

    clickhouse: ClickHouse
    crash_in: int | None = None

    def insert(self, bundle: Bundle) -> None:
        """Store rows."""
        self._step()
        table = bundle.table
        stored = self.clickhouse.tables.setdefault(table.name, {})
        names = table.column_names
        key_names = ("tmdb_id", "day") if "day" in names else ("tmdb_id", "platform", "post_id", "created_at")
        for row in (row for piece in bundle.pieces for row in piece.rows):
            key = tuple(row[names.index(name)] for name in key_names)
            revision = row[names.index("revision")]
            if key not in stored or stored[key][0] <= revision:
                stored[key] = revision, tuple(row)
        self._step()

    def insert_block(self, block: Any) -> None:
        """Never called: batches of a model are too small for blocks."""
        raise NotImplementedError

    def record(self, entries: Sequence[LedgerEntry]) -> None:
        """Store ledger entries."""
        self._step()
        for entry in entries:
            self.clickhouse.spans.setdefault((entry.topic, entry.partition), []).append(entry.span)
        self._step()

    def _step(self) -> None:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crashed


class _NoLetters:
    """A publisher that has nothing to send."""

    def flush(self) -> None:
        """Do nothing."""


@dataclass
class Sink:
    """A sink's process: it reads from the group's commits on, writes, and commits when that is confirmed."""

    kafka: Kafka
    clickhouse: ClickHouse
    committed: dict[tuple[str, int], int]
    commit_first: bool = False
    storage: Storage = field(init=False)
    waiting: dict[tuple[str, int], Waiting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.storage = Storage(self.clickhouse)
        self._writer = Writer(
            store=self.storage,
            codec=CODEC,
            columnar=Columnar(IDS, CODEC, least_records=MANY),
            publisher=cast("Publisher", _NoLetters()),
            cap=PoisonCap(1.0),
            clock=ManualClock(),
            epochs={topic.name: TopicEpoch("id", 0) for topic in (MOVIE_MENTIONS, MOVIE_MENTION_COUNTS)},
        )
        for route in routes():
            if route.topic in {MOVIE_MENTIONS, MOVIE_MENTION_COUNTS}:
                for number in range(PARTITIONS):
                    at = route.source, number
                    self.waiting[at] = Waiting(route, number, 0, self.committed.get(at, 0))

    def read(self, most: int) -> None:
        """Fetch up to so many records of each partition."""
        for (topic, number), waiting in self.waiting.items():
            for offset, row in self._records(topic, number)[waiting.read_to :][:most]:
                waiting.add(offset, row.key, row.value, FIRST_DAY * MILLISECONDS_PER_DAY)

    def write(self, most: int) -> None:
        """Write up to so many records of each partition, then commit."""
        batches = [waiting.take(most) for waiting in self.waiting.values() if len(waiting)]
        ends = {(batch.route.source, batch.partition): batch.last + 1 for batch in batches}
        if self.commit_first:
            self.committed |= ends
        self._writer.write(batches, Event())
        self.committed |= ends

    def _records(self, topic: str, number: int) -> list[tuple[int, Row]]:
        if topic == MOVIE_MENTIONS.name:
            return [(said.offset, Row(said.key, said.value)) for said in self.kafka.source[number]]
        return [(offset, row) for offset, row in enumerate(self.kafka.log(topic, number)) if row is not None]


def bodies(kafka: Kafka) -> int:
    """Return how many bodies the changelog holds."""
    return sum(
        row is not None and row.key.startswith(BODY) and row.value is not None
        for (topic, _), log in kafka.logs.items()
        if topic == CHANGELOG
        for row in log
    )
