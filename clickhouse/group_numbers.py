"""Numbers of films in groups: how many films a group has, how many of them are viral, and the means of their metrics.

`film_measures.GROUPS` says what each number is. Numbers lie in arrays, an element a film; one that is unknown is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from clickhouse.ask import column
from clickhouse.film_ranks import beside, coefficient
from clickhouse.popularity_orders import films_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from clickhouse.ask import Columns
    from clickhouse.film_ranks import Numbers

    Places = NDArray[np.intp]
    """Where the films of a group are among those of a day."""

VIRAL_COEFFICIENT: Final = 40
VIRAL_SCORE: Final = 60
VIRAL_VELOCITY: Final = 50
VIRAL_WEEK: Final = 60
AGES: Final = {"New": 30, "Recent": 90, "Established": 180}
"""The last day of each age, after the release."""
_AGO: Final = (0, 7, 14)


@dataclass(frozen=True, slots=True)
class SeenFilms:
    """The films seen on a day, in the order of their ids: the metrics that groups have means of, by name."""

    ids: NDArray[np.int64]
    metrics: Mapping[str, Numbers]
    coefficient: Numbers

    def row(self, group: str | None, films: Places, ages: Numbers) -> dict[str, Any]:
        """Return what is told of a group; `ages`: days since release of the films seen, before it negative."""
        own = {name: numbers[films] for name, numbers in self.metrics.items()}
        scored = int(np.count_nonzero(~np.isnan(own["viral_score"])))
        is_viral = (own["viral_score"] >= VIRAL_SCORE) & (own["vote_velocity"] >= VIRAL_VELOCITY)
        viral = int(np.count_nonzero(is_viral))
        return {
            "group": group,
            "films": len(films),
            "scored": scored,
            "viral": viral,
            "viral_percent": _percent(viral, scored),
            **{f"mean_{name}": _mean(numbers) for name, numbers in own.items()},
            "mean_age_days": _mean(np.where(ages[films] >= 0, ages[films], np.nan)),
        }

    def sides(self) -> dict[str | None, Places]:
        """Return the films that were viral by the coefficient, the rest, and those of which it is not known."""
        known = ~np.isnan(self.coefficient)
        is_viral = self.coefficient >= VIRAL_COEFFICIENT
        return {"viral": _at(is_viral), "rest": _at(known & ~is_viral), None: _at(~known)}


def seen_films(numbers: Columns) -> SeenFilms:
    """Return the films seen on a day; `numbers`: what `queries/popularity_groups.sql` answers."""
    films = films_of(numbers, top=0)
    with np.errstate(all="ignore"):
        metrics = {
            "popularity": films.p[0],
            "wow_percent": np.where(films.p[7] > 0, 100 * (films.p[0] - films.p[7]) / films.p[7], np.nan),
            "vote_velocity": films.gained / 7,
            "viral_score": films.viral_score,
            "votes": films.v[0],
            "score": column(numbers, "s0"),
        }
        week = films.coefficient()
    seen = _at(~np.isnan(films.p[0]))
    seen = seen[np.argsort(films.ids[seen], kind="stable")]
    return SeenFilms(films.ids[seen], {name: numbers[seen] for name, numbers in metrics.items()}, week[seen])


def cohorts(ages: Numbers) -> dict[str | None, Places]:
    """Return films by their age in days, before the release negative."""
    found: dict[str | None, Places] = {"Upcoming": _at(ages < 0)}
    begin = 0
    for name, last in AGES.items():
        found[name] = _at((ages >= begin) & (ages <= last))
        begin = last + 1
    return found | {"Catalog": _at(ages >= begin), None: _at(np.isnan(ages))}


def places_of(ids: NDArray[np.int64], films: NDArray[np.int64]) -> Places:
    """Return where some films are among ids in order, without those that are not there."""
    found = np.searchsorted(ids, films)
    found[found == len(ids)] = 0
    return found[ids[found] == films] if len(ids) else found[:0]


def greatest_coefficients(now: Columns, then: Columns) -> tuple[NDArray[np.int64], Numbers]:
    """Return films in the order of their ids, and the highest viral coefficient of the weeks that end within 30 days.

    `now`, `then`: what `queries/popularity_groups.sql` answers of a day and of the day three weeks before. Weeks end on
    the day and 7, 14, 21 and 28 days before it, those before the day also a day earlier where that day is missing.
    """
    ids = np.union1d(column(now, "tmdb_id"), column(then, "tmdb_id")).astype(np.int64)
    votes, value = (_past(ids, now, then, what) for what in "vp")
    greatest = np.full(len(ids), np.nan)
    with np.errstate(all="ignore"):
        for late, early in pairwise(range(len(votes))):
            greatest = np.fmax(greatest, coefficient(votes[late], votes[early], value[late], value[early]))
    return ids, greatest


def month_of(coefficients: Numbers) -> dict[str, Any]:
    """Return how many films of a group were viral in a week, by the `greatest_coefficients` of its films."""
    films = int(np.count_nonzero(~np.isnan(coefficients)))
    viral = int(np.count_nonzero(coefficients >= VIRAL_WEEK))
    return {"films_30d": films, "viral_30d": viral, "viral_percent_30d": _percent(viral, films)}


def _past(ids: NDArray[np.int64], now: Columns, then: Columns, what: str) -> list[Numbers]:
    """Return a number of each film 0, 7, 14, 21, 28 and 35 days ago."""
    recent = beside(ids, now, [f"{what}{ago}" for ago in _AGO], np.nan)
    last, day_before, *earlier = beside(ids, then, [f"{what}{ago}" for ago in (0, 1, 7, 14)], np.nan)
    return [*recent, np.where(np.isnan(last), day_before, last), *earlier]


def _at(chosen: NDArray[np.bool_]) -> Places:
    return np.flatnonzero(chosen)


def _mean(numbers: Numbers) -> float | None:
    known = numbers[~np.isnan(numbers)]
    return float(np.mean(known)) if len(known) else None


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
