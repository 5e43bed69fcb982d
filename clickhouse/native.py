"""Writes columns as a block of ClickHouse's Native format.

Source: https://clickhouse.com/docs/interfaces/formats/Native: the number of columns and of rows, then of each column
its name, its type and its values; texts as length and bytes, lengths as LEB128; nulls as a mask before the values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from clickhouse.avro_columns import NotColumnar, Numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse.avro_columns import Bytes, Column, Texts

CONTINUES: Final = 0x80
PAYLOAD: Final = 0x7F
PAYLOAD_BITS: Final = 7

# Bytes that UTF-8 allows within a character only: 10xxxxxx.
WITHIN_MASK: Final = 0xC0
WITHIN: Final = 0x80

NUMBER_TYPES: Final = {
    "Int32": "<i4",
    "Int64": "<i8",
    "UInt8": "u1",
    "UInt64": "<u8",
    "Float64": "<f8",
    "Date": "<u2",
    "DateTime64": "<i8",
}


def native_block(columns: Sequence[tuple[str, str, Column]], rows: int) -> bytes:
    """Return a Native block of the columns, each a name, a ClickHouse type and `rows` values.

    Texts go as String, which ClickHouse turns into LowCardinality where the table wants it.

    Raises NotColumnar for a text that is not UTF-8, and for a null in a column that takes none.
    """
    parts = [leb128(len(columns)), leb128(rows)]
    for name, kind, column in columns:
        parts += [_text(name), *_column(kind, column, rows)]
    return b"".join(parts)


def leb128(number: int) -> bytes:
    """Return a number as ClickHouse's variable-length unsigned integer."""
    encoded = bytearray()
    while number >= CONTINUES:
        encoded.append(number & PAYLOAD | CONTINUES)
        number >>= PAYLOAD_BITS
    encoded.append(number)
    return bytes(encoded)


def _column(kind: str, column: Column, rows: int) -> tuple[bytes, bytes, bytes]:
    """Return a column's type, null mask and values."""
    optional = "Nullable(" in kind
    if isinstance(column, Numbers):
        inner = kind.removeprefix("Nullable(")[:-1] if optional else kind
        values = column.values.astype(NUMBER_TYPES[inner.partition("(")[0]]).tobytes()
    else:
        inner, values = "String", _texts(column)
    if optional:
        null = np.zeros(rows, np.uint8) if column.null is None else column.null.astype(np.uint8)
        return _text(f"Nullable({inner})"), null.tobytes(), values
    if column.null is not None and column.null.any():
        raise NotColumnar
    return _text(inner), b"", values


def _text(value: str) -> bytes:
    encoded = value.encode()
    return leb128(len(encoded)) + encoded


def _texts(column: Texts) -> bytes:
    """Return every text's length and bytes, one after the other."""
    lengths = column.lengths
    longest = int(lengths.max(initial=0))
    heads = np.ones(lengths.size, np.int64)
    for bits in range(PAYLOAD_BITS, longest.bit_length() + 1, PAYLOAD_BITS):
        heads += lengths >= 1 << bits
    ends = np.cumsum(heads + lengths)
    begins = ends - lengths - heads
    block = np.empty(int(ends[-1]) if ends.size else 0, np.uint8)
    for index in range(int(heads.max(initial=0))):
        here = np.flatnonzero(heads > index)
        byte = (lengths[here] >> (PAYLOAD_BITS * index)) & PAYLOAD
        block[begins[here] + index] = byte | np.where(heads[here] > index + 1, CONTINUES, 0)
    before = np.cumsum(lengths) - lengths
    counted = np.arange(int(lengths.sum()))
    found = column.buffer.take(counted + np.repeat(column.starts - before, lengths))
    _check_utf8(found, before[lengths > 0])
    block[counted + np.repeat(begins + heads - before, lengths)] = found
    return block.tobytes()


def _check_utf8(text: Bytes, starts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    """Raise NotColumnar unless every text is UTF-8; `starts`: where each of them that has any begins."""
    if not (text & CONTINUES).any():
        return
    # Texts that are UTF-8 together are so one by one when none begins within a character.
    if ((text[starts] & WITHIN_MASK) == WITHIN).any():
        raise NotColumnar
    try:
        text.tobytes().decode("utf-8")
    except UnicodeDecodeError:
        raise NotColumnar from None
