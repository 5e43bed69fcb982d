"""Runs a stage: batches in, state folded, flushes delivered, batches done. The order here is what makes counts exact.

A flush delivers the state's changes, learns from their offsets that the partition is still owned, delivers what the
changes lead to, and only then calls the batches done, so that they are committed. A crash at any point makes Kafka hand
the batches out again, to a state that knows them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from cinepulse.errors import BrokerUnavailable, DeadLetterRateExceeded
from cinepulse.logging import get_logger
from cinepulse.metrics import STALE_EPOCHS
from stream_processors.changelog import PartitionLog
from stream_processors.delivery import Deliveries
from stream_processors.stage import Flush

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Sequence

    from cinepulse.clock import Clock
    from stream_processors.changelog import Entry
    from stream_processors.changelog_store import ChangelogStore
    from stream_processors.delivery import Batch
    from stream_processors.outbox import Outbox
    from stream_processors.stage import Stage, StageState

log = get_logger(__name__)

# How long a rebalance waits for the last flush of the partitions that are about to go. What is not flushed by then is
# done again by their next owner.
REVOKE_SECONDS: Final = 2.0

# A proof of ownership is good for so long. Kafka gives a partition away after a silence of six seconds; a process that
# was paused between proof and use asks again.
PROOF_SECONDS: Final = 1.4
ATTEMPTS: Final = 20


@dataclass(slots=True)
class Owned:
    """One partition as this worker has it."""

    state: StageState
    log: PartitionLog
    folded: list[Batch] = field(default_factory=list)
    touched: bool = False
    """Holds changes that no flush has taken."""
    flushing: bool = False
    rewritten: bool = False
    """The last flush wrote the log anew."""
    lost: bool = False
    """Another worker has claimed it; a rebalance is about to say so."""

    @property
    def clean(self) -> bool:
        """Return whether the state is exactly what the changelog holds."""
        return not (self.folded or self.touched or self.flushing or self.lost)


@dataclass(slots=True)
class _Part:
    """One partition's share of a flush."""

    number: int
    owned: Owned
    flush: Flush
    batches: Sequence[Batch]
    entries: Sequence[Entry]


class BatchWorker:
    """One stage's loop over the partitions that are assigned to this process.

    Args:
        stage: what to do.
        store: where the state is kept.
        outbox: sends.
        clock: tells how old a proof of ownership is.
        flush_seconds: most time between two flushes.
        flush_records: most records between two flushes.
    """

    def __init__(  # noqa: PLR0913 - the parts of a worker
        self,
        stage: Stage,
        store: ChangelogStore,
        outbox: Outbox,
        *,
        clock: Clock,
        flush_seconds: float,
        flush_records: int,
    ) -> None:
        self._stage = stage
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._flush_records = flush_records
        self._deliveries = Deliveries()
        self._owned: dict[int, Owned] = {}
        self._kept: dict[int, Owned] = {}
        self._epoch: int | None = None
        self._opened = asyncio.Condition()
        self._open_lock = asyncio.Lock()
        self._flush_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unflushed = 0
        self._broken = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with the error that ends the worker."""

    @property
    def stage(self) -> str:
        """Name of the stage, as the metrics have it."""
        return self._stage.name

    @property
    def ready(self) -> bool:
        """Return whether the partitions of the current assignment are recovered."""
        return self._epoch == self._deliveries.epoch

    def attach(self, deliveries: Deliveries) -> None:
        """Work on the batches of this ledger."""
        self._deliveries = deliveries

    def fail(self, error: BaseException) -> None:
        """End the worker because of an error; the first one counts."""
        if not self.failure.done():
            self.failure.set_exception(error)

    def assigned(self, epoch: int, partitions: Collection[int]) -> None:
        """Start to recover these partitions; their batches wait for it."""
        self._kept.update(self._owned)
        self._owned, self._epoch = {}, None
        self._start(self._open(epoch, frozenset(partitions)))

    async def process(self, batch: Batch) -> None:
        """Fold one batch, and flush when much has been folded. Never raises: an error ends the worker."""
        try:
            await self._process(batch)
        except Exception as error:  # noqa: BLE001 - an agent that raises would have its batch acked and go on
            self.fail(error)

    async def flush(self) -> None:
        """Deliver what has been folded since the last flush, and call its batches done.

        Raises BrokerUnavailable: the state in memory is ahead of Kafka then, and the worker must end.
        """
        await self._flush_lock.acquire()
        await self._finish(self._take(), self._epoch)

    async def _flush_behind(self) -> None:
        """Flush while folding goes on, once the flush before has been delivered: no more than one is on its way.

        So a slow broker slows the folding, and what waits in memory has a bound.
        """
        await self._flush_lock.acquire()
        self._start(self._finish(self._take(), self._epoch))

    async def _finish(self, parts: list[_Part], epoch: int | None) -> None:
        """Deliver what a flush has taken, in `epoch`, and let the next one begin."""
        try:
            if parts:
                await self._deliver(parts, epoch)
                self._broken = False
        finally:
            self._flush_lock.release()

    async def before_revoke(self) -> bool:
        """Flush what can be flushed in a short time; return whether all could."""
        task = self._start(self.flush())
        await asyncio.wait({task}, timeout=REVOKE_SECONDS)
        return task.done()

    def start(self) -> None:
        """Flush at intervals from now on."""
        self._start(self._flush_by_time())

    async def _flush_by_time(self) -> None:
        while True:
            await asyncio.sleep(self._flush_seconds)
            if any(owned.touched or owned.folded for owned in self._owned.values()):
                await self.flush()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    async def _open(self, epoch: int, partitions: frozenset[int]) -> None:
        # One after the other: an assignment that is replaced while it is being opened leaves claims behind, and the
        # newest claim must be the last.
        async with self._open_lock:
            if self._deliveries.epoch != epoch:
                return
            owned = {number: self._keep_or_make(number) for number in partitions}
            self._kept = {}
            started = self._clock.monotonic()
            await self._store.open({number: one.log for number, one in owned.items()})
            for one in owned.values():
                one.state.restored()
            if self._deliveries.epoch != epoch:
                self._kept = owned
                return
            self._owned, self._epoch = owned, epoch
            seconds = round(self._clock.monotonic() - started, 2)
            log.info("worker.recovered", stage=self._stage.name, partitions=sorted(partitions), seconds=seconds)
        async with self._opened:
            self._opened.notify_all()

    def _keep_or_make(self, number: int) -> Owned:
        kept = self._kept.get(number)
        if kept is not None and kept.clean:
            return kept
        state = self._stage.open(number)
        return Owned(state, PartitionLog(state.restore, state.begin_epoch, self._stage.merge))

    async def _process(self, batch: Batch) -> None:
        async with self._opened:
            await self._opened.wait_for(lambda: self.ready or not self._is_current(batch))
        owned = self._owned.get(batch.partition)
        if not self._deliveries.accept(batch) or owned is None or owned.lost:
            STALE_EPOCHS.labels(self._stage.name).inc()
            return
        if not await self._fold(owned, batch):
            return
        batch.release()
        owned.folded.append(batch)
        if self._unflushed >= self._flush_records:
            await self._flush_behind()

    async def _fold(self, owned: Owned, batch: Batch) -> bool:
        """Fold a batch slice by slice; return whether it still belongs to this assignment at the end."""
        records = iter(batch.records)
        while some := list(islice(records, self._stage.slice_records)):
            owned.touched = True
            try:
                owned.state.fold(some)
            except DeadLetterRateExceeded:
                # Whoever looks for the reason finds it in the dead letters.
                await self.flush()
                raise
            self._unflushed += len(some)
            await asyncio.sleep(0)
            if not self._is_current(batch):
                return False
        return True

    def _is_current(self, batch: Batch) -> bool:
        return self._deliveries.is_current(batch)

    def _take(self) -> list[_Part]:
        """Take the changes of all partitions; nothing while they are being recovered, or after a flush has failed."""
        parts: list[_Part] = []
        if not self.ready or self._broken:
            return parts
        self._unflushed = 0
        for number, owned in self._owned.items():
            if owned.lost:
                continue
            batches, owned.folded, owned.touched = owned.folded, [], False
            flush = owned.state.take()
            if flush is None and owned.log.superseded and owned.rewritten:
                flush = Flush((), ())
            if flush is None:
                for batch in batches:
                    self._deliveries.done(batch)
                continue
            owned.flushing = True
            entries = owned.log.append(flush.bodies, prove=True)
            owned.rewritten = flush.whole is not None
            if flush.whole is not None:
                entries += owned.log.rewrite(flush.whole)
            parts.append(_Part(number, owned, flush, batches, entries))
        # Until it is delivered, what was taken is nowhere but here. A later flush without it would let the changelog
        # claim that these records are folded in.
        self._broken = bool(parts)
        return parts

    async def _deliver(self, parts: list[_Part], epoch: int | None) -> None:
        """Deliver parts of a flush: state, proof of ownership, what it leads to, and only then mark batches done.

        What a flush leads to is sent within a short time of the proof or not at all; then both are done again.
        """
        for attempt in range(ATTEMPTS):
            began = self._clock.monotonic()
            await self._prove(parts, again=attempt > 0)
            if self._deliveries.epoch != epoch:
                return
            mine = [part for part in parts if not part.owned.lost]
            if self._clock.monotonic() - began < PROOF_SECONDS and await self._outbox.send(
                record for part in mine for record in part.flush.outgoing
            ):
                self._settle(mine)
                return
        raise BrokerUnavailable(f"Kafka did not take a flush in {ATTEMPTS} attempts")

    def _settle(self, parts: list[_Part]) -> None:
        for part in parts:
            part.owned.flushing = False
            part.owned.state.settled(part.flush)
            # What a rewritten log no longer needs is removed by the next flush, which must not wait for a record.
            part.owned.touched = part.owned.touched or part.flush.again or part.owned.rewritten
            for batch in part.batches:
                self._deliveries.done(batch)

    async def _prove(self, parts: list[_Part], *, again: bool) -> None:
        """Write each partition's entries to the changelog, or others when again, and find out which ones are lost."""
        store = self._store
        if again:
            for part in parts:
                part.entries = part.owned.log.append((), prove=True)
        offsets = iter(
            await self._outbox.append(store.outgoing(part.number, entry) for part in parts for entry in part.entries)
        )
        for part in parts:
            owned, own = part.owned, list(islice(offsets, len(part.entries)))
            if owned.lost or owned.log.confirm(own):
                continue
            others = await store.keys(part.number, owned.log.position, own[-1] + 1)
            if not owned.log.survives(others, own):
                owned.lost = True
                log.warning("worker.partition_lost", stage=self._stage.name, partition=part.number)
