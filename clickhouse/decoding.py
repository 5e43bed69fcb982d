"""A batch decoded record by record: rows for the table, and what cannot be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import Poison
from clickhouse.letters import Rejected
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse.batches import Batch
    from clickhouse.rows import Row
    from clickhouse.tables import PartitionedBy
    from schemas.codec import Codec

# ClickHouse refuses an insert that touches more than 100 partitions. A stretch of a partition's width touches two at
# most, so this many stretches stay below.
STRETCHES_PER_INSERT: Final = 45


@dataclass(frozen=True, slots=True)
class Piece:
    """Decoded rows of a batch from offset `first` to `last`: one insert.

    `offsets` are those of the rows, ascending.
    """

    batch: Batch
    first: int
    last: int
    offsets: Sequence[int]
    rows: Sequence[Row]

    @property
    def token(self) -> str:
        """The insert's deduplication token."""
        return self.batch.token(self.first, self.last)

    def columns(self) -> list[Sequence[Any]]:
        """Return the rows turned into columns."""
        return list(zip(*self.rows, strict=True))

    def cut(self, count: int) -> tuple[Piece, Piece]:
        """Return the first `count` rows and the others, as pieces whose ranges meet."""
        end = self.offsets[count]
        return (
            Piece(self.batch, self.first, end - 1, self.offsets[:count], self.rows[:count]),
            Piece(self.batch, end, self.last, self.offsets[count:], self.rows[count:]),
        )


def decode(batch: Batch, codec: Codec) -> tuple[Piece, list[Rejected]]:
    """Return the batch's rows as one piece, and the records that cannot be rows."""
    offsets: list[int] = []
    rows: list[Row] = []
    rejected: list[Rejected] = []
    letters = batch.route.topic == PIPELINE_DEAD_LETTERS
    for record in batch:
        if letters and record.value is None:
            # It took a letter's bytes out of the topic; the row never had them.
            continue
        try:
            rows.append(batch.route.row(codec, record))
        except Poison as error:
            rejected.append(Rejected(batch.route.source, record, error))
        else:
            offsets.append(record.offset)
    return Piece(batch, batch.first, batch.last, offsets, rows), rejected


def pieces(whole: Piece) -> list[Piece]:
    """Return the piece in as many as it takes for each to touch few enough partitions of its table."""
    by = whole.batch.route.table.partitioned_by
    if by is None or not whole.rows:
        return [whole]
    column, found = whole.batch.route.table.column_names.index(by.column), []
    while (count := rows_in_stretches([row[column] for row in whole.rows], by)) < len(whole.rows):
        part, whole = whole.cut(count)
        found.append(part)
    return [*found, whole]


def rows_in_stretches(values: Sequence[int], by: PartitionedBy) -> int:
    """Return how many of the first values lie in partitions few enough for one insert; at least 1."""
    if max(values) - min(values) < by.width * (STRETCHES_PER_INSERT - 1):
        return len(values)
    stretches: set[int] = set()
    for index, value in enumerate(values):
        stretches.add(value // by.width)
        if len(stretches) > STRETCHES_PER_INSERT:
            return index
    return len(values)
