"""The weighted rating of films: its weight m and mean c, from all films with votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from clickhouse.ask import column
from clickhouse.film_ranks import beside

if TYPE_CHECKING:
    from clickhouse.ask import Columns
    from clickhouse.film_ranks import Numbers

WEIGHT_QUANTILE: Final = 0.9
"""m is as many votes as this share of the films has at most."""


@dataclass(frozen=True, slots=True)
class Rating:
    """The weight `m`, votes, and the mean `c` of the weighted rating; None where no film has votes, or a mean vote."""

    m: float | None
    c: float | None

    def of(self, votes: Numbers, score: Numbers) -> Numbers:
        """Return the weighted rating of films, NaN without votes."""
        m, c = self.m or 0.0, self.c or 0.0
        with np.errstate(all="ignore"):
            return np.where(votes > 0, votes / (votes + m) * score + m / (votes + m) * c, np.nan)


def rating(catalogue: Columns, shown: Columns) -> Rating:
    """Return the weight and the mean by all films of the catalogue, as queries/kpi_films.sql has them.

    `catalogue`: what queries/film_ratings.sql answers. `shown`: what queries/together_popularity.sql does; votes and
    mean vote are those last seen on the day or the day before, else the catalogue's.
    """
    ids = column(catalogue, "tmdb_id").astype(np.int64)
    if not len(ids):
        return Rating(None, None)
    known, rated = beside(ids, shown, ("votes_known", "score_known"), np.nan)
    is_unknown = np.isnan(known)
    votes = np.where(is_unknown, column(catalogue, "votes"), known)
    score = np.where(is_unknown, column(catalogue, "score"), rated)
    has_votes = votes > 0
    rates = score[has_votes & ~np.isnan(score)]
    m = float(np.quantile(votes[has_votes], WEIGHT_QUANTILE)) if has_votes.any() else None
    return Rating(m, float(np.mean(rates)) if len(rates) else None)
