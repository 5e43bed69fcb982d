"""Distinct authors of many films at once are what the sketch of each film tells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.authors import distinct_authors, observation_of
from clickhouse.ask import column
from clickhouse.film_authors import distinct_authors_of

OBSERVATIONS = st.lists(st.integers(0, 2**64 - 1).map(observation_of), min_size=1)


def told(seen: list[tuple[int, int]]) -> dict[int, float]:
    """Return the authors of each film by observations of films."""
    columns = {"tmdb_id": np.array([film for film, _ in seen]), "observation": np.array([one for _, one in seen])}
    found = distinct_authors_of(columns if seen else {})
    return dict(zip(column(found, "tmdb_id").tolist(), column(found, "authors").tolist(), strict=True))


@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), OBSERVATIONS), st.randoms(use_true_random=False))
def test_each_film_has_what_its_sketch_tells(films: dict[int, list[int]], random: object) -> None:
    """Whatever the ids, and with the films' observations in any order and repeated."""
    seen = [(film, one) for film, some in films.items() for one in some * 2]
    random.shuffle(seen)  # type: ignore[attr-defined] # hypothesis types its randoms as object

    assert told(seen) == {film: pytest.approx(distinct_authors(some), rel=1e-12) for film, some in films.items()}


@pytest.mark.parametrize("rank", [1, 2, 3, 12])
def test_full_registers_are_told_by_their_ranks(rank: int) -> None:
    """With no register empty the logarithm has nothing to go by, beside a film of which one is taken."""
    full = [register << 6 | rank for register in range(1024)]

    found = told([*((7, one) for one in full), (9, full[5])])

    assert found == {7: pytest.approx(distinct_authors(full)), 9: pytest.approx(distinct_authors(full[5:6]))}


def test_nothing_is_told_of_nothing() -> None:
    """An answer without rows has no columns."""
    assert told([]) == {}
