"""A batch decoded record by record: rows for the table, and what cannot be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import Poison
from clickhouse.letters import Rejected
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse.batches import Batch
    from clickhouse.rows import Row
    from clickhouse.tables import PartitionedBy, Table
    from schemas.codec import Codec

# ClickHouse refuses an insert that touches more than 100 partitions. A stretch of a partition's width touches two at
# most, so this many stretches stay below.
STRETCHES_PER_INSERT: Final = 45

# Pieces that have more rows together go apart: what an insert costs is then a matter of its rows.
BUNDLE_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Decoded rows of a batch from offset `first` to `last`; `offsets` are those of the rows, ascending."""

    batch: Batch
    first: int
    last: int
    offsets: Sequence[int]
    rows: Sequence[Row]

    @property
    def token(self) -> str:
        """The deduplication token of its rows."""
        return self.batch.token(self.first, self.last)

    def cut(self, count: int) -> tuple[Piece, Piece]:
        """Return the first `count` rows and the others, as pieces whose ranges meet."""
        end = self.offsets[count]
        return (
            Piece(self.batch, self.first, end - 1, self.offsets[:count], self.rows[:count]),
            Piece(self.batch, end, self.last, self.offsets[count:], self.rows[count:]),
        )


@dataclass(frozen=True, slots=True)
class Bundle:
    """Pieces of one table, of one partition or several: one insert."""

    pieces: Sequence[Piece]

    def __len__(self) -> int:
        """Return how many rows there are."""
        return sum(len(piece.rows) for piece in self.pieces)

    @property
    def table(self) -> Table:
        """The table the rows are for."""
        return self.pieces[0].batch.route.table

    @property
    def token(self) -> str:
        """The insert's deduplication token: the same ranges give the same token."""
        return " ".join(piece.token for piece in self.pieces)

    def column(self, name: str) -> list[Any]:
        """Return one column of the rows."""
        place = self.table.column_names.index(name)
        return [row[place] for piece in self.pieces for row in piece.rows]

    def columns(self) -> list[Sequence[Any]]:
        """Return the rows turned into columns."""
        return list(zip(*(row for piece in self.pieces for row in piece.rows), strict=True))


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


def bundles(loose: Iterable[Piece]) -> list[Bundle]:
    """Return inserts of the pieces that have rows: small ones of a table in one, whatever their Kafka partitions.

    What an insert costs ClickHouse is hardly a matter of its rows: each makes files of its own in the table and in all
    that views fill from it.
    """
    found: dict[str, list[Bundle]] = {}
    for piece in loose:
        if not piece.rows:
            continue
        of_table = found.setdefault(piece.batch.route.table.name, [])
        if of_table and _joins(larger := Bundle([*of_table[-1].pieces, piece])):
            of_table[-1] = larger
        else:
            of_table.append(Bundle([piece]))
    return [bundle for of_table in found.values() for bundle in of_table]


def _joins(bundle: Bundle) -> bool:
    by = bundle.table.partitioned_by
    return len(bundle) <= BUNDLE_ROWS and (by is None or rows_in_stretches(bundle.column(by.column), by) == len(bundle))


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
