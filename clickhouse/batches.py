"""One partition's waiting records, and the batches cut from them: contiguous offsets, one token a range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clickhouse.rows import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from clickhouse.rows import Route


@dataclass(slots=True)
class Records:
    """Undecoded records of one partition, offsets ascending; four lists are lighter than an object a record.

    `timestamps`: Kafka's, milliseconds.
    """

    offsets: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.offsets)

    def pop_first(self, count: int) -> Records:
        """Take the first `count` out and return them."""
        taken = Records(self.offsets[:count], self.keys[:count], self.values[:count], self.timestamps[:count])
        for column in (self.offsets, self.keys, self.values, self.timestamps):
            del column[:count]
        return taken


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one Kafka partition from `first` to `last`, both within.

    Offsets in between that have no record were compacted away.
    """

    route: Route
    partition: int
    epoch: int
    first: int
    last: int
    records: Records

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        """Yield the records in the order of their offsets."""
        records = self.records
        for offset, key, value, timestamp in zip(
            records.offsets, records.keys, records.values, records.timestamps, strict=True
        ):
            yield Record(key, value, self.partition, offset, timestamp, self.epoch)

    def token(self, first: int, last: int) -> str:
        """Return the token of an insert of the rows from `first` to `last`: the same range gives the same token."""
        return f"{self.route.table.name}:{self.epoch}:{self.route.source}:{self.partition}:{first}-{last}"


@dataclass(slots=True)
class Waiting:
    """The records of one Kafka partition that were read and not yet put into a batch.

    `position`: the offset that the next batch begins at. `read_to`: one past the last record read. `size`: about how
    many bytes wait.
    """

    route: Route
    partition: int
    epoch: int
    position: int
    read_to: int = field(init=False)
    size: int = 0
    _records: Records = field(default_factory=Records)

    def __post_init__(self) -> None:
        self.read_to = self.position

    def __len__(self) -> int:
        """Return how many records wait."""
        return len(self._records)

    def add(self, offset: int, key: bytes | None, value: bytes | None, timestamp: int) -> None:
        """Keep a record. Offsets ascend; one that was read already is left out."""
        if offset < self.read_to:
            return
        records = self._records
        records.offsets.append(offset)
        records.keys.append(key)
        records.values.append(value)
        records.timestamps.append(timestamp)
        self.size += len(key or b"") + len(value or b"")
        self.read_to = offset + 1

    def take(self, limit: int) -> Batch:
        """Cut the next batch off: at most `limit` records."""
        before = len(self._records)
        count = min(limit, before)
        end = self.read_to if count == before else self._records.offsets[count]
        batch = Batch(self.route, self.partition, self.epoch, self.position, end - 1, self._records.pop_first(count))
        self.size = self.size * (before - count) // before
        self.position = end
        return batch


def quotas(sizes: Sequence[int], limit: int) -> list[int]:
    """Return how much of each of the sizes fits into `limit` when the small ones go first and the rest share."""
    given, left = [0] * len(sizes), limit
    for place, index in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        given[index] = min(sizes[index], left // (len(sizes) - place))
        left -= given[index]
    return given


def cut(waiting: Iterable[Waiting], *, most: int, together: int) -> list[Batch]:
    """Return the next batches, one a partition: at most `most` records each, about `together` in all, at least 1 each.

    The bound on all limits how long a flush takes, so that a bulk load in one topic does not hold up the others.
    """
    due = [partition for partition in waiting if len(partition)]
    shares = quotas([min(len(partition), most) for partition in due], together)
    return [partition.take(max(1, share)) for partition, share in zip(due, shares, strict=True)]
