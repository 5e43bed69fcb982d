"""The daily burst finds bursts in synthetic talk: a small form of benchmarks/bursts.py."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest

from benchmarks.bursts import BURSTS, DAYS, FILMS, fill, poisson_surprise, precisions, synthetic_talk
from tests.clickhouse.tables import Filled, filled

__all__ = ["filled"]

SEEDS = range(4)


@pytest.mark.real
def test_the_first_fifteen_by_burst_are_those_that_burst(filled: Filled) -> None:
    """The product's order finds 95 % of them, and more than any other score does; a raw count finds about 20 %."""
    talks = [synthetic_talk(seed) for seed in SEEDS]
    fill(filled.client, talks)

    found = [precisions(filled.client, talk) for talk in talks]

    means = {name: fmean(one[name] for one in found) for name in found[0]}
    assert means["burst"] >= 0.95
    assert max(value for name, value in means.items() if name != "burst") < means["burst"]
    assert means["raw count"] < 0.3


def test_talk_is_as_described() -> None:
    """The same seed gives the same talk; counts vary more than chance, and what bursts is louder on the last day."""
    talk = synthetic_talk(1)

    assert talk.counts.shape == (FILMS, DAYS)
    assert len(talk.bursting) == BURSTS
    assert np.array_equal(talk.counts, synthetic_talk(1).counts)
    before = talk.counts[:, :-1]
    loud = before.mean(axis=1) > 20
    assert np.median(before[loud].var(axis=1) / before[loud].mean(axis=1)) > 2
    gains = [talk.counts[film, -1] / before[film].mean() for film in talk.bursting]
    assert 2 < fmean(gains) < 8


def test_poisson_surprise_by_hand() -> None:
    """With a mean of one, two or more come with a chance of 1 - 2 / e = 0.2642, whose -log10 is 0.578."""
    assert poisson_surprise(2, 1) == pytest.approx(0.5780, abs=1e-4)
    assert poisson_surprise(1, 2) == 0
