"""Ranks of films: what is counted for one film is what all of them in order say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.film_ranks import descending, highest, place_of, places, share_of, shares

if TYPE_CHECKING:
    from random import Random

NUMBERS = st.lists(
    st.one_of(st.just(float("nan")), st.sampled_from([-1.0, 0.0, 2.5]), st.floats(allow_nan=False)),
    min_size=1,
    max_size=30,
).map(np.array)


@given(NUMBERS, st.randoms(use_true_random=False))
def test_one_film_stands_where_all_in_order_have_it(numbers: np.ndarray, source: Random) -> None:
    """Ties, infinities and what is unknown included, a film's place and share are those among all."""
    ids = np.array(source.sample(range(1_000), len(numbers)))

    for film in range(len(numbers)):
        assert place_of(numbers, ids, film) == pytest.approx(places(numbers, ids)[film], nan_ok=True)
        assert share_of(numbers, film) == pytest.approx(shares(numbers)[film], nan_ok=True)


@given(NUMBERS, st.integers(1, 10))
def test_the_highest_begin_the_order_of_all(numbers: np.ndarray, limit: int) -> None:
    """The first films in the order of the highest are the first in the order of all."""
    ids = np.arange(len(numbers))[::-1]
    known = np.flatnonzero(~np.isnan(numbers))

    first = highest(numbers, known, limit)

    assert set(first) <= set(known)
    among = first[descending(numbers[first], ids[first])][:limit]
    assert among.tolist() == descending(numbers, ids)[:limit].tolist()


def test_by_hand() -> None:
    """Of 3, unknown, 1 and 3 the first is first by its lower id, and of the two others that are known one is lower."""
    numbers, ids = np.array([3, np.nan, 1, 3]), np.array([7, 8, 9, 10])

    assert [place_of(numbers, ids, film) for film in (0, 2, 3)] == [1, 3, 2]
    assert [share_of(numbers, film) for film in (0, 2, 3)] == [0.5, 0, 0.5]
    assert np.isnan([place_of(numbers, ids, 1), share_of(numbers, 1)]).all()
