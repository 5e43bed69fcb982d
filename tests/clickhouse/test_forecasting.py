"""Forecasts and their errors, by hand and by properties."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.forecasting import (
    BASELINES,
    EWMA,
    FIRST_ORIGIN,
    HALF_LIFE_DAYS,
    NAIVE,
    PROFILED,
    back_test,
    ewma,
    forecast,
    seasonal_naive,
    weekly_ewma,
)

SERIES = st.lists(st.none() | st.floats(0, 1e6), max_size=50)


def test_seasonal_naive_by_hand() -> None:
    """After 1 … 14 come 8 … 14 and 8 again; with day 8 unknown its weekday has 1, and with both unknown none."""
    days = [float(day) for day in range(1, 15)]
    gapped: list[float | None] = [*days]
    gapped[7] = None
    twice: list[float | None] = [*gapped]
    twice[0] = None

    assert seasonal_naive(days, 8) == [8, 9, 10, 11, 12, 13, 14, 8]
    assert seasonal_naive(gapped, 1) == [1]
    assert seasonal_naive(twice, 2) == [None, 9]


def test_seasonal_naive_looks_four_weeks_back() -> None:
    """A weekday known four weeks ago still counts; five weeks ago is too long."""
    assert seasonal_naive([5.0] + [None] * 27, 1) == [5]
    assert seasonal_naive([5.0] + [None] * 28, 7)[6] is None


def test_ewma_by_hand() -> None:
    """With a half-life of 3 days, 10 three days before 40 weighs half: (0.5 · 10 + 40) / 1.5 = 30.

    The days between are unknown: they count for their age alone, and not as zeros.
    """
    assert HALF_LIFE_DAYS == 3
    assert ewma([10.0, None, None, 40.0], 2) == [pytest.approx(30), pytest.approx(30)]
    assert ewma([None, None], 1) == [None]


def test_weekly_ewma_by_hand() -> None:
    """Each Saturday 70 and each other day 35, four weeks: the mean is 40, Saturday's profile 1.75, the others' 0.875.

    Without the profile every day is 40, and so the next week is the same again.
    """
    week = [35.0] * 6 + [70.0]

    assert weekly_ewma(week * 4, 8) == [pytest.approx(value) for value in [*week, 35.0]]
    assert weekly_ewma(week, 1) == [None]
    assert weekly_ewma([0.0, *week[1:]] * 4, 1) == [None]


def test_errors_by_hand() -> None:
    """0, 1, 2, … grows by 1 a day: a week ago is 7 less, so the naive error for one day ahead is 7, and MASE 7 / 7 = 1.

    Of 24 days the last ten are origins.
    """
    errors = back_test([float(day) for day in range(24)], 1)

    naive = errors[NAIVE]
    assert (naive.mae, naive.mase, naive.origins, naive.pairs) == (7, 1, 10, 10)
    # The weights 1, f, f², … of a long past have their mean f / (1 - f) days ago, f = 2^(-1/3): 3.85, plus one ahead.
    assert errors[EWMA].mae == pytest.approx(1 + 0.7937 / 0.2063, abs=0.5)


def test_errors_count_values_that_came() -> None:
    """From an origin near the end fewer days ahead can be compared: 3 + 2 + 1 at the end of ten origins of 3 days."""
    errors = back_test([1.0, 2.0] * 12, 3)

    assert (errors[NAIVE].origins, errors[NAIVE].pairs) == (10, 8 * 3 + 2 + 1)


def test_too_few_origins_say_nothing() -> None:
    """With six days to test on there is no error and nobody is best; the values are there all the same."""
    shown = forecast([float(day) for day in range(FIRST_ORIGIN + 6)], 2)

    assert [(one.method, one.error, one.best) for one in shown] == [(NAIVE, None, False), (EWMA, None, False)]
    assert shown[0].values == (13, 14)


def test_a_series_that_repeats_weekly_is_naive() -> None:
    """Where each week is the last one the naive error is 0; MASE has nothing to be a multiple of."""
    naive, mean = forecast([float(day % 7) for day in range(42)], 7)[:2]

    assert naive.error is not None
    assert (naive.error.mae, naive.error.mase, naive.best, mean.best) == (0, None, True, False)
    assert naive.values == (0, 1, 2, 3, 4, 5, 6)


def test_a_level_with_noise_is_the_means() -> None:
    """Noise without a week is averaged away: the EWMA is best."""
    source = random.Random(5)  # noqa: S311 - no secret

    shown = forecast([100 + source.gauss(0, 10) for _ in range(90)], 7)

    assert {one.method: one.best for one in shown}[EWMA]


def test_the_third_method_is_shown_where_it_beats_both() -> None:
    """A week's profile with noise is beyond both baselines; without a profile the third method stays away."""
    source = random.Random(1)  # noqa: S311 - no secret
    cyclic = [(200 if day % 7 > 4 else 100) + source.gauss(0, 15) for day in range(90)]
    steady = [float(day) for day in range(90)]

    assert {one.method: one.best for one in forecast(cyclic, 7)} == {NAIVE: False, EWMA: False, PROFILED: True}
    assert PROFILED not in {one.method for one in forecast(steady, 7)}


@given(SERIES, st.integers(1, 14))
def test_forecasts_stay_within_what_was_seen(series: list[float | None], days: int) -> None:
    """Whatever is missing, both baselines give each day a value within the known ones or none; one is best at most."""
    shown = forecast(series, days)
    known = [value for value in series if value is not None]

    assert [one.method for one in shown][:2] == list(BASELINES)
    assert sum(one.best for one in shown) <= 1
    for one in shown[:2]:
        assert len(one.values) == days
        for value in one.values:
            assert value is None or min(known) * (1 - 1e-9) <= value <= max(known) * (1 + 1e-9)


@given(st.lists(st.floats(0, 100), min_size=FIRST_ORIGIN + 7, max_size=40))
def test_a_day_that_is_unknown_is_not_a_zero(series: list[float]) -> None:
    """Forgetting the last day gives what was forecast from the day before, a day further ahead."""
    gapped: list[float | None] = [*series[:-1], None]

    assert seasonal_naive(gapped, 6) == seasonal_naive(series[:-1], 7)[1:]
    assert ewma(gapped, 1) == [pytest.approx(value) for value in ewma(series[:-1], 1)]
