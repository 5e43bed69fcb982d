"""Sets of instants, against sets of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clickhouse.intervals import Interval, common, length, union, without

MANY = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def numbers(intervals: list[Interval]) -> set[int]:
    """Return the whole numbers that intervals hold."""
    return {number for first, end in intervals for number in range(first, end)}


@given(MANY, MANY)
def test_they_are_sets(one: list[Interval], other: list[Interval]) -> None:
    """Union, intersection, difference and size are those of the numbers, whatever overlaps or is empty."""
    first, second = union(one), union(other)

    assert numbers(first) == numbers(one)
    assert numbers(common(first, second)) == numbers(one) & numbers(other)
    assert numbers(without(one, second)) == numbers(one) - numbers(other)
    assert length(first) == len(numbers(one))
    for found in (first, common(first, second), without(one, second)):
        assert all(start < end for start, end in found)
        assert all(before[1] < after[0] for before, after in pairwise(found))
