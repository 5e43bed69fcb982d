"""A Faust transport whose message is one partition's fetched batch. Its URL scheme is `cinepulse://`.

Faust spends two tasks and some hundred microseconds on each message. When a message is a thousand records, that cost
is gone, and an agent decodes and folds them in plain Python.

Stock Faust also loses records around rebalances: it seeks while older fetches are still on their way, drops whatever
does not fit its idea of the position, and treats the offsets inside a batch as holes. So this driver keeps its own
account. When partitions are assigned it seeks each to its committed offset, in the consumer's thread and in one step
with the number of the epoch; every batch carries the epoch and the exact span of offsets that it answers for; and
`delivery.Deliveries` accepts a batch only where it continues the one before. Commits come from that ledger alone.

It builds on faust-streaming 0.15.3 and aiokafka 0.14, and uses attributes of both that are not public: pin them, and
run `tests/stream_processors/test_transport.py` before moving to others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from cinepulse.logging import get_logger
from cinepulse.metrics import STALE_EPOCHS
from stream_processors.delivery import Batch, Deliveries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    import aiokafka
    from mode import ServiceT

log = get_logger(__name__)

SCHEME: Final = "cinepulse"

# The broker holds a fetch back until some partition has news, and aiokafka sends the next one only then: a partition
# that has just been read waits for the others to have something. So this is the worst delay at low load.
FETCH_WAIT_MS: Final = 50

CREATE_TIME: Final = 0


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that fetches: it opens assignments and makes batches."""

    logger = driver.logger

    def __post_init__(self) -> None:
        super().__post_init__()
        self._epoch = 0
        self._opened: Any = None
        self._next: dict[TopicPartition, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - the driver has no setting for it
        return consumer

    async def open_assignment(self) -> tuple[int, dict[int, int]]:
        """Seek every assigned partition to where processing goes on; return the new epoch and those offsets.

        Nothing is handed out between an assignment and its opening.
        """
        opened: tuple[int, dict[int, int]] = await self.call_thread(self._open_assignment)
        return opened

    async def _open_assignment(self) -> tuple[int, dict[int, int]]:
        consumer = self._ensure_consumer()
        assignment = self._assignment()
        partitions = list(assignment.tps)
        committed = {partition: await consumer.committed(partition) for partition in partitions}
        first = await consumer.beginning_offsets(partitions) if partitions else {}
        last = await consumer.end_offsets(partitions) if partitions else {}
        start = {}
        for partition in partitions:
            offset = committed[partition]
            if offset is not None and not first[partition] <= offset <= last[partition]:
                # Retention went past a worker that was away for too long, or the topic is another one.
                log.warning(
                    "transport.committed_offset_gone", topic=partition.topic, partition=partition.partition,
                    committed=offset, first=first[partition], last=last[partition],
                )  # fmt: skip
                offset = None
            start[partition] = first[partition] if offset is None else offset
        # From here to the end nothing else runs in this thread.
        self._epoch += 1
        self._next = dict(start)
        if self._assignment() is assignment and assignment.active:
            for partition, offset in start.items():
                consumer.seek(partition, offset)
            self._opened = assignment
        return self._epoch, {partition.partition: offset for partition, offset in start.items()}

    def highwaters_known(self) -> dict[int, int]:
        """Return the end of each partition as the latest fetch saw it."""
        assignment = self._assignment() if self._consumer is not None else None
        if assignment is None:
            return {}
        states = {partition: assignment.state_value(partition) for partition in assignment.tps}
        return {p.partition: state.highwater for p, state in states.items() if state and state.highwater is not None}

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the base class has it
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        # No await below: position and records belong together.
        assignment = self._assignment()
        if not fetched or assignment is not self._opened:
            # Fetched before the assignment was opened: the seek brings these again.
            return {}
        batches: dict[TP, list[Any]] = {}
        for tp, records in fetched.items():
            partition = TopicPartition(tp.topic, tp.partition)
            start, end = self._next[partition], assignment.state_value(partition).position
            self._next[partition] = end
            batches[TP(tp.topic, tp.partition)] = [Batch(tp.partition, self._epoch, start, end, records)]
        return batches

    def _assignment(self) -> Any:
        subscription = self._ensure_consumer()._subscription.subscription  # noqa: SLF001 - see the module
        return None if subscription is None else subscription.assignment


class Consumer(driver.Consumer):
    """Hands batches to the agent in order, and commits what the ledger says is done."""

    logger = driver.logger
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deliveries = Deliveries()
        self.before_revoke: Callable[[], Awaitable[object]] | None = None
        self.on_assigned: Callable[[int, Collection[int]], None] | None = None
        self.stage = ""
        self._assigned: dict[int, TP] = {}
        self._opened_epoch = 0
        self._opening_done = asyncio.Event()
        self._committing = asyncio.Lock()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish and commit what can be, then void every batch that is out."""
        try:
            if self.before_revoke is not None and self.deliveries.partitions:
                await self.before_revoke()
                await self.commit()
        finally:
            self.deliveries.end()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open the new epoch before anything of it is handed out."""
        epoch, offsets = await self._thread.open_assignment()
        self._assigned = {tp.partition: tp for tp in assigned}
        self.deliveries.begin(epoch, offsets)
        self._opened_epoch = epoch
        self._opening_done.set()
        self._opening_done.clear()
        if self.on_assigned is not None:
            self.on_assigned(epoch, list(offsets))
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Do nothing: an assignment was seeked when it was opened, and no batch is dropped within one."""

    def on_buffer_full(self, tp: TP) -> None:
        """Do nothing: a full queue makes `_drain_messages` wait, which is all the back-pressure needed."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Do nothing, as `on_buffer_full` does."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: `watchdog.py` ends a worker that stands still, where this would only log."""

    async def _drain_messages(self, fetcher: ServiceT) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                fetched, _ = await self._wait_next_records(timeout=1.0)
                for tp, batches in (fetched or {}).items():
                    for batch in batches:
                        await self._hand_out(tp, cast("Batch", batch))
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def _hand_out(self, tp: TP, batch: Batch) -> None:
        """Give a batch to the agent, unless its assignment has ended."""
        while not self.should_stop:
            if batch.epoch > self._opened_epoch:
                # The thread has opened an assignment of which this loop has yet to hear.
                await self._opening_done.wait()
            elif not self.deliveries.is_current(batch):
                STALE_EPOCHS.labels(self.stage).inc()
                return
            elif not self.flow_active:
                # Whatever is put into an agent's queue before the flow resumes is cleared when it does.
                await self.can_resume_flow.wait()
            else:
                # The flow stops only after the epoch has ended: a batch given up here is void.
                await self.wait_first(self.callback(self._to_message(tp, batch)), self.suspend_flow.wait())
                return

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic, tp.partition, record.end - 1, 0.0, CREATE_TIME, [], None, record, None, -1, -1, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - the base class has them
        """Commit every partition up to its first unfinished batch; return whether anything was committed."""
        async with self._committing:
            epoch, offsets = self.deliveries.epoch, self.deliveries.committable()
            if not offsets:
                return False
            done = await self._commit({self._assigned[number]: offset for number, offset in offsets.items()})
            if done:
                self.deliveries.committed(offsets, epoch)
            return done

    def lag(self) -> dict[int, int]:
        """Return how many offsets each partition's commit is behind its end, as far as this worker has heard."""
        ends = self._thread.highwaters_known()
        committed = self.deliveries.committed_offsets()
        return {number: max(0, ends[number] - offset) for number, offset in committed.items() if number in ends}


class Transport(driver.Transport):
    """The transport behind `cinepulse://host:port`."""

    Consumer = Consumer
