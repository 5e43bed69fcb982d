"""One partition's waiting rows, and the batches cut from them: contiguous offsets, one insert, one token."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse.rows import Route, Row
    from clickhouse.tables import PartitionedBy
    from schemas.events import DeadLetter

# ClickHouse refuses an insert that touches more than 100 partitions. A stretch of a partition's width touches two at
# most, so this many stretches stay below.
STRETCHES_PER_INSERT: Final = 45


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one Kafka partition from `first` to `last`: rows for the table, letters for what cannot be one.

    `offsets` are those of the rows, ascending. Offsets between `first` and `last` that have neither row nor letter
    were compacted away.
    """

    route: Route
    partition: int
    epoch: int
    first: int
    last: int
    offsets: Sequence[int]
    rows: Sequence[Row]
    letters: tuple[DeadLetter, ...] = ()

    @property
    def token(self) -> str:
        """The insert's deduplication token: the same range gives the same token."""
        return f"{self.route.table.name}:{self.epoch}:{self.route.source}:{self.partition}:{self.first}-{self.last}"

    def columns(self) -> list[Sequence[Any]]:
        """Return the rows turned into columns."""
        return list(zip(*self.rows, strict=True))

    def halves(self) -> tuple[Batch, Batch]:
        """Return the batch as two whose ranges meet, each with half of the rows; needs two rows or more."""
        middle = len(self.rows) // 2
        cut = self.offsets[middle]
        return (
            self._part(self.first, cut - 1, slice(None, middle)),
            self._part(cut, self.last, slice(middle, None)),
        )

    def _part(self, first: int, last: int, rows: slice) -> Batch:
        return Batch(self.route, self.partition, self.epoch, first, last, self.offsets[rows], self.rows[rows])


@dataclass(slots=True)
class Waiting:
    """The records of one Kafka partition that were read and not yet put into a batch.

    `position`: the offset that the next batch begins at. `read_to`: one past the last record read.
    """

    route: Route
    partition: int
    epoch: int
    position: int
    read_to: int = field(init=False)
    size: int = 0
    _offsets: list[int] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _letters: list[tuple[int, DeadLetter]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.read_to = self.position

    def __len__(self) -> int:
        """Return how many rows and letters wait."""
        return len(self._rows) + len(self._letters)

    @property
    def due(self) -> bool:
        """Whether anything was read that no batch holds."""
        return self.read_to > self.position

    def add(self, offset: int, row: Row, size: int) -> None:
        """Keep the row of the record at `offset`, `size` bytes on the wire; offsets ascend."""
        self._offsets.append(offset)
        self._rows.append(row)
        self.size += size
        self.read_to = offset + 1

    def reject(self, offset: int, letter: DeadLetter | None) -> None:
        """Keep the letter of the record at `offset`, which cannot be a row; None where there is to be no letter."""
        if letter is not None:
            self._letters.append((offset, letter))
        self.read_to = offset + 1

    def take(self, limit: int) -> Batch:
        """Cut the next batch off: at most `limit` rows, in as few partitions as one insert may touch."""
        by, rows = self.route.table.partitioned_by, self._rows
        count = min(limit, len(rows))
        if by is not None and count:
            count = rows_in_stretches(rows[:count], self.route.table.column_names.index(by.column), by)
        end = self.read_to if count == len(rows) else self._offsets[count]
        letters = bisect_right(self._letters, end - 1, key=lambda entry: entry[0])
        batch = Batch(
            self.route,
            self.partition,
            self.epoch,
            self.position,
            end - 1,
            self._offsets[:count],
            rows[:count],
            tuple(letter for _, letter in self._letters[:letters]),
        )
        self.size = 0 if count == len(rows) else self.size * (len(rows) - count) // len(rows)
        del self._offsets[:count], self._rows[:count], self._letters[:letters]
        self.position = end
        return batch


def rows_in_stretches(rows: Sequence[Row], column: int, by: PartitionedBy) -> int:
    """Return how many of the first rows lie in partitions few enough for one insert; at least 1."""
    values = [row[column] for row in rows]
    if max(values) - min(values) < by.width * (STRETCHES_PER_INSERT - 1):
        return len(rows)
    stretches: set[int] = set()
    for index, value in enumerate(values):
        stretches.add(value // by.width)
        if len(stretches) > STRETCHES_PER_INSERT:
            return index
    return len(rows)


def quotas(sizes: Sequence[int], limit: int) -> list[int]:
    """Return how many rows of each of the sizes fit into `limit` when the small ones go first and the rest share."""
    given, left = [0] * len(sizes), limit
    for place, index in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        given[index] = min(sizes[index], left // (len(sizes) - place))
        left -= given[index]
    return given


def cut(waiting: Iterable[Waiting], limit: int) -> list[Batch]:
    """Return the next batches, one a partition, at most `limit` rows together (and 1 a partition at least).

    The limit bounds how long one flush takes, so that a bulk load in one topic does not hold up the others.
    """
    due = [partition for partition in waiting if partition.due]
    shares = quotas([len(partition) for partition in due], limit)
    return [partition.take(max(1, share)) for partition, share in zip(due, shares, strict=True)]
