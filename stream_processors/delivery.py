"""Which batches are out for processing, and how far each partition may be committed. Pure bookkeeping.

Kafka hands a partition's records out in order; a rebalance hands them out again from the last commit. Between the two
lies everything that can go wrong: a batch fetched before a rebalance and processed after it, a batch that got lost on
its way through Faust's queues, a commit past work that is not done. An *epoch* numbers the assignments; a batch knows
the epoch in which it was fetched and the offsets it spans. Right before it is processed, this ledger accepts it only
where it belongs: what is folded in must have no gap, for a state that knows the records behind a gap takes those in it
for known as well.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import RecordsMissing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_EPOCH: Final = -1


@dataclass(slots=True, eq=False)
class Batch:
    """One partition's records as one fetch brought them.

    The batch answers for the offsets from `start` up to but not including `end`; where no record has one of them,
    compaction has removed it.
    """

    partition: int
    epoch: int
    start: int
    end: int
    records: Sequence[Any]

    def release(self) -> None:
        """Let go of the records: until the batch is done its span is all that is asked of it."""
        self.records = ()


@dataclass(slots=True)
class _Partition:
    start: int
    expected: int
    finished: int
    committed: int | None = None
    out: deque[Batch] = field(default_factory=deque)
    done: set[Batch] = field(default_factory=set)


class Deliveries:
    """The ledger of one worker: batches accepted, batches done, offsets to commit."""

    def __init__(self) -> None:
        self.epoch = NO_EPOCH
        self._partitions: dict[int, _Partition] = {}

    @property
    def partitions(self) -> frozenset[int]:
        """Return the partitions assigned in this epoch."""
        return frozenset(self._partitions)

    def begin(self, epoch: int, starts: Mapping[int, int]) -> None:
        """Start an epoch: its partitions, each with the offset at which its first batch must start.

        Every batch of an earlier epoch is void from now on.
        """
        self.epoch = epoch
        self._partitions = {number: _Partition(start, start, start) for number, start in starts.items()}

    def end(self) -> None:
        """End the epoch: from now on no batch is accepted, done or committed."""
        self.begin(NO_EPOCH, {})

    def is_current(self, batch: Batch) -> bool:
        """Return whether the batch belongs to this epoch."""
        return batch.epoch == self.epoch and batch.partition in self._partitions

    def accept(self, batch: Batch) -> bool:
        """Note that the batch is processed now; return False for one of another epoch, which must not be.

        Raises RecordsMissing when it does not start where the partition's previous batch ended.
        """
        if not self.is_current(batch):
            return False
        partition = self._partitions[batch.partition]
        if partition.expected != batch.start:
            raise RecordsMissing(
                f"partition {batch.partition}: offset {partition.expected} should come next, {batch.start} came"
            )
        partition.expected = batch.end
        partition.out.append(batch)
        return True

    def done(self, batch: Batch) -> None:
        """Note that everything the batch leads to is delivered; does nothing for a batch of another epoch."""
        if self.is_current(batch):
            self._partitions[batch.partition].done.add(batch)

    def committable(self) -> dict[int, int]:
        """Return the offset to commit for each partition that has a new one: where its oldest unfinished batch starts.

        A batch that is done before an earlier one waits for it, so that no commit passes unfinished work.
        """
        offsets = {}
        for number, partition in self._partitions.items():
            while partition.out and partition.out[0] in partition.done:
                batch = partition.out.popleft()
                partition.done.remove(batch)
                partition.finished = batch.end
            if partition.finished not in (partition.start, partition.committed):
                offsets[number] = partition.finished
        return offsets

    def committed_offsets(self) -> dict[int, int]:
        """Return where each partition would go on after a crash."""
        return {
            number: partition.start if partition.committed is None else partition.committed
            for number, partition in self._partitions.items()
        }

    def committed(self, offsets: Mapping[int, int], epoch: int) -> None:
        """Note that Kafka took these offsets, in `epoch`."""
        if epoch == self.epoch:
            for number, offset in offsets.items():
                self._partitions[number].committed = offset
