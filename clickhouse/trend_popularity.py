"""What TMDB alone says of the films that are listed by talk and popularity together.

Numbers lie in arrays, an element a film; one that is unknown is NaN. `film_measures.TOGETHER` says what each is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from clickhouse.ask import column, in_order
from clickhouse.film_ranks import popularity_growth, shares, votes_growth
from clickhouse.trend_rating import rating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from clickhouse.ask import Columns
    from clickhouse.film_ranks import Numbers
    from clickhouse.trend_rating import Rating

READ: Final = ("popularity", "popularity_before", "votes_before")
KNOWN: Final = {"votes_known": "is_voted", "score_known": "is_scored"}
"""Numbers as they were last known, by day or the day before, and which columns tell that it was on the day."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The films that TMDB showed on a day or shortly before, in the order of their ids.

    `numbers`: of each film, by name. `ranks`: those `film_ranks.shares` of the numbers that are asked for. `seen_ms`:
    the last snapshot of the day, milliseconds, 0 without one.
    """

    ids: NDArray[np.int64]
    numbers: Mapping[str, Numbers]
    ranks: Mapping[str, Numbers]
    rated: Rating
    seen_ms: NDArray[np.int64]


def shown_films(columns: Columns, catalogue: Columns, ranked: frozenset[str]) -> Shown:
    """Return what TMDB says of films.

    `columns`: what `queries/together_popularity.sql` answers. `catalogue`: what `queries/film_ratings.sql` does.
    `ranked`: the numbers of which the ranks of all films are needed.
    """
    # In order, so that what is looked up for them is found one behind the other.
    columns = in_order(columns, "tmdb_id")
    now, before, votes_before = (column(columns, name) for name in READ)
    votes, score = (np.where(column(columns, flag), column(columns, known), np.nan) for known, flag in KNOWN.items())
    rated = rating(catalogue, columns)
    numbers = {
        "popularity": now,
        "votes": votes,
        "score": score,
        "popularity_growth": popularity_growth(now, before),
        "votes_growth": votes_growth(votes, votes_before),
        "weighted_rating": rated.of(votes, score),
    }
    ranks = {name: shares(numbers[name]) for name in numbers.keys() & ranked}
    ids = column(columns, "tmdb_id").astype(np.int64)
    return Shown(ids, numbers, ranks, rated, column(columns, "seen_ms"))
