"""Sets of instants as sorted half-open intervals that do not touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Interval = tuple[int, int]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return what any of the intervals holds."""
    found: list[Interval] = []
    for first, end in sorted(intervals):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif first < end:
            found.append((first, end))
    return found


def common(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """Return what two sets both hold."""
    return union(
        (max(first, start), min(end, stop))
        for first, end in one
        for start, stop in other
        if first < stop and start < end
    )


def without(intervals: Iterable[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """Return what the intervals hold and `taken`, a set, does not."""
    left: list[Interval] = []
    for first, end in union(intervals):
        at = first
        for start, stop in taken:
            if stop <= at or start >= end:
                continue
            left.append((at, min(start, end)))
            at = max(at, stop)
        left.append((at, end))
    return union(left)


def length(intervals: Iterable[Interval]) -> int:
    """Return how much time a set holds."""
    return sum(end - first for first, end in intervals)
