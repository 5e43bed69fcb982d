"""An aiokafka consumer in memory, as far as the transport uses one; it rebalances when told to."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from aiokafka.structs import OffsetAndMetadata

FETCH = 10
"""Records a fetch brings at most: small, so that there are many batches."""


@dataclass(frozen=True)
class StoredRecord:
    """A record as a consumer sees it."""

    offset: int
    key: bytes
    value: bytes
    timestamp: int = 0


@dataclass
class FakeTopic:
    """What outlives a consumer: records by partition, and a group's commits."""

    name: str = "fake"
    partitions: dict[int, list[StoredRecord]] = field(default_factory=lambda: {number: [] for number in range(4)})
    committed: dict[int, int] = field(default_factory=dict)

    def append(self, partition: int, value: bytes, *, skip: int = 0) -> None:
        """Add a record, after as many offsets as compaction has emptied."""
        log = self.partitions[partition]
        offset = (log[-1].offset + 1 if log else 0) + skip
        log.append(StoredRecord(offset, b"key", value))

    def end(self, partition: int) -> int:
        """Return the next offset."""
        log = self.partitions[partition]
        return log[-1].offset + 1 if log else 0


@dataclass
class Assignment:
    """One assignment: its partitions, with position and highwater."""

    states: dict[TopicPartition, SimpleNamespace]
    active: bool = True

    @property
    def tps(self) -> Collection[TopicPartition]:
        """Return the partitions."""
        return self.states.keys()

    def state_value(self, partition: TopicPartition) -> SimpleNamespace:
        """Return a partition's state."""
        return self.states[partition]


class FakeConsumer:
    """Lives in the transport's thread."""

    def __init__(self, topic: FakeTopic) -> None:
        self.topic = topic
        self.loop = asyncio.get_running_loop()
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=None))
        self._fetcher = SimpleNamespace(
            _closed=False,
            _subscriptions=SimpleNamespace(fetch_context=nullcontext),
            fetched_records=self._fetched_records,
        )
        self._coordinator = SimpleNamespace(generation=0, _metadata_snapshot={})
        self._closed = False
        self._max_poll_records = None
        self._listener: Any = None
        self._settled = asyncio.Event()
        self._then: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    def subscribe(self, *, topics: Collection[str], listener: Any) -> None:
        """Get all partitions of the topic."""
        assert set(topics) == {self.topic.name}
        self._listener = listener
        self._first = asyncio.ensure_future(self.rebalance(range(4)))

    async def rebalance(self, partitions: Collection[int], then: Callable[[], None] = lambda: None) -> None:
        """Revoke everything, then assign these partitions, as the eager protocol does; the first seek calls `then`."""
        self._settled.clear()
        before = self._assignment()
        await self._listener.on_partitions_revoked(set(before.tps) if before else set())
        if before is not None:
            before.active = False
        keys = [TopicPartition(self.topic.name, number) for number in partitions]
        states = {
            key: SimpleNamespace(position=self.topic.committed.get(key.partition, 0), highwater=None) for key in keys
        }
        self._subscription.subscription.assignment = Assignment(states)
        self._coordinator.generation += 1
        self._then = then
        self._settled.set()
        # A fetch may bring records of the new assignment before anybody has been told of it.
        await asyncio.sleep(0.02)
        await self._listener.on_partitions_assigned(set(keys))

    def _assignment(self) -> Assignment | None:
        assignment: Assignment | None = self._subscription.subscription.assignment
        return assignment

    async def _fetched_records(
        self,
        partitions: Collection[TopicPartition],
        timeout: float,  # noqa: ASYNC109 - aiokafka's method has it
        max_records: int | None,
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """Wait for records, also while a rebalance goes on, and move the positions behind them."""
        del max_records
        deadline = self.loop.time() + timeout
        while self.loop.time() < deadline:
            await self._settled.wait()
            fetched = self._next_records(partitions)
            if fetched:
                return fetched
            await asyncio.sleep(0.005)
        return {}

    def _next_records(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, list[StoredRecord]]:
        assignment = self._assignment()
        assert assignment is not None
        for key, state in assignment.states.items():
            state.highwater = self.topic.end(key.partition)
            wanted = not partitions or (key.topic, key.partition) in {(one.topic, one.partition) for one in partitions}
            records = [one for one in self.topic.partitions[key.partition] if one.offset >= state.position][:FETCH]
            if wanted and records:
                state.position = records[-1].offset + 1
                return {key: records}
        return {}

    async def committed(self, partition: TopicPartition) -> int | None:
        """Return the group's commit."""
        return self.topic.committed.get(partition.partition)

    async def beginning_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the first offsets."""
        return {key: next((one.offset for one in self.topic.partitions[key.partition]), 0) for key in partitions}

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the next offsets."""
        return {key: self.topic.end(key.partition) for key in partitions}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Move a position."""
        assignment = self._assignment()
        assert assignment is not None
        assignment.states[partition].position = offset
        then, self._then = self._then, lambda: None
        then()

    def assignment(self) -> set[TopicPartition]:
        """Return the assigned partitions."""
        assignment = self._assignment()
        return set(assignment.tps) if assignment else set()

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        """Take a commit."""
        self.topic.committed |= {key.partition: taken.offset for key, taken in offsets.items()}
