"""Lead and lag of talk and popularity, by hand and by properties."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.lead import FURTHEST_DAYS, LEAST_CORRELATION, LEAST_DAYS, lead

Series = list[float | None]


def walk(days: int, seed: int) -> Series:
    """Return a level above zero whose logarithm takes steps of chance."""
    source = random.Random(seed)  # noqa: S311 - no secret
    level, found = 5.0, []
    for _ in range(days):
        level += source.gauss(0, 0.3)
        found.append(math.exp(level))
    return [*found]


def less_one(values: Series) -> Series:
    """Return counts whose ln(n + 1) is ln p of the values."""
    return [None if value is None else value - 1 for value in values]


@pytest.mark.parametrize("days", [-7, -2, 0, 3, 7])
def test_a_copy_is_found_at_its_shift(days: int) -> None:
    """Popularity that repeats talk three days later is led by three days, with r = 1; talk that repeats it lags."""
    whole = walk(60, 3)
    talk, look = whole[7:-7], whole[7 - days : len(whole) - 7 - days]

    found = lead(less_one(talk), look)

    assert (found.days, found.why) == (days, None)
    assert found.r == pytest.approx(1)
    assert found.pairs == len(talk) - 1 - abs(days)


def test_correlation_by_hand() -> None:
    """Logarithms step by +1, -1, … in both, but for one step of popularity, which is +1 where talk's is -1.

    Of 28 steps, 14 up and 14 down in talk; in popularity 15 up and 13 down. The sum of products is 28 - 2 = 26, the
    means 0 and 2 / 28: r = 26 / √(28 · (28 - 4 / 28)) = 0.93. At a shift of one day the signs are opposite.
    """
    steps = [1.0, -1.0] * 14
    other = [*steps]
    other[13] = 1.0
    talk = [math.exp(sum(steps[:at])) for at in range(29)]
    look = [math.exp(sum(other[:at])) for at in range(29)]

    found = lead(less_one([*talk]), [*look])

    assert (found.days, found.pairs) == (0, 28)
    assert found.r == pytest.approx(26 / math.sqrt(28 * (28 - 4 / 28)))


def test_less_than_28_days_say_nothing() -> None:
    """28 days have 27 changes: too few, however alike they are. So do 60 days with a gap in each third one."""
    same = walk(28, 1)
    gapped = [None if day % 3 == 0 else value for day, value in enumerate(walk(60, 1))]

    assert lead(less_one(same), same).why == "too few days known"
    assert lead(less_one(gapped), gapped).days is None
    assert lead(less_one(gapped), gapped).pairs < LEAST_DAYS


def test_what_does_not_change_or_is_zero_says_nothing() -> None:
    """A level has no correlation with anything, and a popularity of zero no logarithm."""
    assert lead([0.0] * 60, walk(60, 1)).why == "one of them does not change"
    assert lead(walk(60, 1), [0.0] * 60).why == "too few days known"
    assert lead([], []).days is None


@given(st.integers(0, 200))
def test_only_clear_relations_are_told(seed: int) -> None:
    """Two walks that have nothing to do with each other are told of only where |r| reaches 0.3."""
    found = lead(walk(80, seed), walk(80, seed + 1_000))

    assert (found.days is None) == (found.r is None) == (found.why is not None)
    if found.r is not None and found.days is not None:
        assert abs(found.r) >= LEAST_CORRELATION
        assert abs(found.days) <= FURTHEST_DAYS
