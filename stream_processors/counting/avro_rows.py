"""Writes many Avro records at once: each field as a column, put together by numpy.

A column is a matrix of bytes, one row a record, and how many of them each record has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Column: TypeAlias = "bytes | tuple[Numbers, Numbers]"
"""Bytes that all records share, or a matrix and the lengths of its rows."""


def varint_column(numbers: Numbers) -> tuple[Numbers, Numbers]:
    """Return 64-bit signed integers as Avro writes them, zigzag varints."""
    rest = (numbers << 1 ^ numbers >> 63).view(np.uint64)
    width = max(1, -(-int(rest.max(initial=0)).bit_length() // 7))
    rows = np.empty((len(numbers), width), np.uint8)
    lengths = np.ones(len(numbers), np.int64)
    for place in range(width):
        low = (rest & np.uint64(0x7F)).astype(np.uint8)
        rest >>= np.uint64(7)
        more = rest != 0
        rows[:, place] = low | more.astype(np.uint8) << 7
        lengths += more
    return rows, lengths


def joined(count: int, columns: Sequence[Column]) -> list[bytes]:
    """Return `count` records, each made of its part of every column in turn."""
    lengths = np.zeros(count, np.int64)
    for column in columns:
        lengths += len(column) if isinstance(column, bytes) else column[1]
    ends = np.cumsum(lengths)
    place = ends - lengths
    starts = place.tolist()
    found = np.empty(int(lengths.sum()), np.uint8)
    for column in columns:
        if isinstance(column, bytes):
            for number, byte in enumerate(column):
                found[place + number] = byte
            place = place + len(column)
            continue
        rows, sizes = column
        for number in range(rows.shape[1]):
            there = sizes > number
            found[place[there] + number] = rows[there, number]
        place = place + sizes
    data = found.tobytes()
    return [data[start:end] for start, end in zip(starts, ends.tolist(), strict=True)]
