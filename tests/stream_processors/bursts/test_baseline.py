"""The formulas of the hourly baseline and of its score."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.bursts.baseline import Baseline, Expectation, score

COUNTS = st.integers(0, 10_000)
RATES = st.floats(0, 1e4)


def test_an_hour_moves_mean_and_variance() -> None:
    """On paper: m=2, s2=2, x=6, w=1, a=1/4: d=4, m=2+1=3, s2=3/4 (2 + 1/4 x 16)=4.5."""
    assert Baseline(2.0, 2.0).after(6, 1.0, 0.25) == pytest.approx((3.0, 4.5))


def test_a_lighter_hour_of_the_cycle_expects_less() -> None:
    """On paper: m=2, s2=2, x=3, w=1/2, a=1/4: d=3-1=2, m=2.5, s2=3/4 (2 + 1/4 x 4)=2.25."""
    assert Baseline(2.0, 2.0).after(3, 0.5, 0.25) == pytest.approx((2.5, 2.25))


def test_a_burst_weighs_no_more_than_its_threshold() -> None:
    """On paper: m=2, s2=2, x=100: clipped at d=4 sqrt(2 + 2 + 1)=8.9443, so m=2 + 8.9443/4=4.2361."""
    mean, _ = Baseline(2.0, 2.0).after(100, 1.0, 0.25)
    assert mean == pytest.approx(4.2361, abs=1e-4)


def test_a_silent_film_stays_at_nothing() -> None:
    """Hours without mentions leave an empty baseline as it is: nothing is divided by it."""
    assert Baseline().after(0, 1.0, 0.5) == Baseline(0.0, 0.0)


def test_dispersion_is_the_moments_where_much_is_known() -> None:
    """On paper: m=10, s2=30, 168 h: ((30 - 10) 168 + 0.3 x 10) / (100 x 168 + 10) = 3363 / 16810 = 0.20006."""
    assert Baseline(10.0, 30.0).dispersion(168) == pytest.approx(0.20006, abs=1e-5)


def test_dispersion_of_an_unknown_film_is_the_prior() -> None:
    """No history: what films are like in general, and no division by zero."""
    assert Baseline().dispersion(0) == pytest.approx(0.3)


def test_score_on_paper() -> None:
    """n=8, mu=0.7 + 0.3=1, r=1: sqrt(2 (8 ln 8 - 9 ln(9/2))) = sqrt(2 (16.63553 - 13.53670)) = 2.48951."""
    assert score(8, Expectation(0.7, 1.0)) == pytest.approx(2.48951, abs=1e-4)


def test_score_of_less_than_expected_is_negative() -> None:
    """n=0, mu=1, r=1: -sqrt(2 ln 2) = -1.17741."""
    assert score(0, Expectation(0.7, 1.0)) == pytest.approx(-1.17741, abs=1e-5)


@given(COUNTS, RATES, st.floats(0, 5))
def test_score_is_always_finite(mentions: int, mean: float, dispersion: float) -> None:
    """A new film, a silent one, a hot one: no infinity, no error."""
    assert math.isfinite(score(mentions, Expectation(mean, dispersion)))


@given(COUNTS, RATES, st.floats(0, 5))
def test_more_mentions_score_higher_and_more_expected_ones_lower(mentions: int, mean: float, dispersion: float) -> None:
    """The score rises with the mentions and falls with what is expected; so a bound of one bounds the other."""
    here = score(mentions, Expectation(mean, dispersion))
    assert score(mentions + 1, Expectation(mean, dispersion)) >= here - 1e-6
    assert score(mentions, Expectation(mean + 1, dispersion)) <= here + 1e-6


@given(st.lists(st.integers(0, 5_000), max_size=50), st.floats(0.1, 5))
def test_the_baseline_stays_within_what_was_seen(hours: list[int], cycle: float) -> None:
    """Mean and variance are never negative nor above what the loudest hour would make of them."""
    baseline = Baseline()
    for number, mentions in enumerate(hours):
        baseline = baseline.after(mentions, cycle, max(0.004, 1 / (number + 1)) / max(1.0, cycle))
    assert baseline.m >= -1e-9
    assert baseline.s2 >= 0
    assert baseline.m <= max(hours, default=0) / cycle * max(1.0, cycle) + 1e-6
