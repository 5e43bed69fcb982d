"""A batch turned into one block for ClickHouse without decoding its records one by one.

The outcome is that of `clickhouse.decoding`, a test says, or none: whatever is not plainly right is left to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from clickhouse.avro_columns import NotColumnar, Numbers, read_columns
from clickhouse.decoding import STRETCHES_PER_INSERT
from clickhouse.native import native_block
from clickhouse.rows import EPOCH_SHIFT, NO_MENTION
from clickhouse.tables import MENTION_COUNTS, MENTIONS, POPULARITY
from schemas.codec import HEADER, MAGIC, Codec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse.avro_columns import Column
    from clickhouse.batches import Batch
    from clickhouse.rows import Route
    from clickhouse.tables import Table
    from schemas.registry import SchemaIds, SchemaVersion

# The tables with the bulk of the rows.
COLUMNAR_TABLES: Final = frozenset({MENTIONS.name, MENTION_COUNTS.name, POPULARITY.name})

# Below this many records numpy's own overhead is the greater part.
LEAST_RECORDS: Final = 128


@dataclass(frozen=True, slots=True)
class Block:
    """A batch's rows in ClickHouse's Native format: one insert.

    `oldest_observed`: of each count, the earliest observation it rests on, milliseconds; empty for other tables.
    """

    batch: Batch
    data: bytes
    oldest_observed: Sequence[int]

    @property
    def token(self) -> str:
        """The insert's deduplication token."""
        return self.batch.token(self.batch.first, self.batch.last)


class Columnar:
    """Turns batches into blocks; holds what it knows of the schemas, so make one and share it."""

    def __init__(self, ids: SchemaIds, codec: Codec, *, least_records: int = LEAST_RECORDS) -> None:
        self._ids = ids
        self._codec = codec
        self._least_records = least_records

    def block_of(self, batch: Batch) -> Block | None:
        """Return the batch as one block, None where it has to be decoded record by record."""
        if batch.route.table.name not in COLUMNAR_TABLES or len(batch) < self._least_records:
            return None
        try:
            columns = self._columns(batch)
            _check_bounds(batch.route.table, columns)
            data = native_block([(name, kind, columns[name]) for name, kind in batch.route.table.columns], len(batch))
        except NotColumnar:
            return None
        oldest = columns.get("oldest_observed_at")
        return Block(batch, data, oldest.values.tolist() if isinstance(oldest, Numbers) else ())

    def _columns(self, batch: Batch) -> dict[str, Column]:
        """Return the columns of the batch's table; a field of the value goes before one of the key."""
        records, topic = batch.records, batch.route.topic
        keys = [key for key in records.keys if key is not None]
        if len(keys) < len(batch):
            raise NotColumnar
        gone = np.fromiter((value is None for value in records.values), np.bool_, len(batch))
        values = [value for value in records.values if value is not None]
        if gone.any():
            instead = self._tombstone(batch.route)
            values = [instead if value is None else value for value in records.values]
        key, value = self._ids.latest(topic.key_subject), self._ids.latest(topic.value_subject)
        offsets, timestamps = np.array(records.offsets, np.int64), np.array(records.timestamps, np.int64)
        columns: dict[str, Column] = {
            "source_partition": Numbers(np.full(len(batch), batch.partition)),
            "source_offset": Numbers(offsets),
            "kafka_timestamp": Numbers(timestamps),
            "revision": Numbers((batch.epoch << EPOCH_SHIFT) + offsets + 1),
            "is_deleted": Numbers(gone),
            **_read(key, keys),
            **_read(value, values),
        }
        observed = columns.get("observed_at")
        if gone.any() and isinstance(observed, Numbers):
            columns["observed_at"] = replace(observed, values=np.where(gone, timestamps, observed.values))
        return columns

    def _tombstone(self, route: Route) -> bytes:
        """Return the value that stands for a null one."""
        if route.table is not MENTIONS:
            raise NotColumnar
        return self._codec.encode(route.topic.value_subject, NO_MENTION)


def _read(version: SchemaVersion, records: Sequence[bytes]) -> dict[str, Column]:
    return read_columns(version.schema, records, HEADER.pack(MAGIC, version.schema_id))


def _check_bounds(table: Table, columns: Mapping[str, Column]) -> None:
    """Raise NotColumnar for a value that its column does not hold, and for too many partitions for one insert."""
    for name, (least, greatest) in table.bounds.items():
        column = columns[name]
        if isinstance(column, Numbers):
            within = (column.values >= least) & (column.values <= greatest)
            if not (within if column.null is None else within | column.null).all():
                raise NotColumnar
    by = table.partitioned_by
    if by is not None:
        column = columns[by.column]
        if isinstance(column, Numbers) and np.ptp(column.values) >= by.width * (STRETCHES_PER_INSERT - 1):
            raise NotColumnar
