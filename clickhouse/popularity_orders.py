"""The orders of `cinepulse trends --by` that rest on TMDB's numbers: what each lists the films of a day by.

`measures.POPULARITY` says what each metric is. Numbers lie in arrays, an element a film; one that is unknown is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from clickhouse.ask import column
from clickhouse.film_past import Place
from clickhouse.film_ranks import (
    coefficient,
    descending,
    highest,
    place_of,
    places,
    popularity_growth,
    real,
    share_of,
    shares,
    votes_growth,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from clickhouse.ask import Columns
    from clickhouse.film_ranks import Numbers

Ranking = Literal[
    "popularity",
    "rank",
    "gainers",
    "decliners",
    "velocity",
    "acceleration",
    "viral",
    "coefficient",
    "emerging",
    "breakout",
    "joiners",
    "leavers",
    "risers",
]

_AGO: Final = (0, 1, 2, 7, 14)
FORTNIGHT: Final[frozenset[Ranking]] = frozenset({"acceleration", "emerging", "breakout"})
"""Orders that look at the week before the last; `queries/popularity_week.sql` is enough for the others."""

# A film that hardly anybody looked at yesterday doubles by chance.
GAINER_FLOOR: Final = 5.0


@dataclass(frozen=True)
class Films:
    """The films of a day: `p` their popularity and `v` their votes so many days ago.

    `compared_days`: how many days ago the day lies that ranks are compared with, one on which half as many films were
    seen at least; 0 without one. `top`: the places that joiners enter and leavers leave.
    """

    ids: NDArray[np.int64]
    p: Mapping[int, Numbers]
    v: Mapping[int, Numbers]
    top: int
    compared_days: int

    @property
    def before(self) -> Numbers:
        """Popularity on the day compared with."""
        return self.p[self.compared_days] if self.compared_days else np.full(len(self.ids), np.nan)

    @cached_property
    def votes_growth(self) -> Numbers:
        """By how much votes grew in seven days."""
        return votes_growth(self.v[0], self.v[7])

    @cached_property
    def popularity_growth(self) -> Numbers:
        """By how much popularity grew in seven days."""
        return popularity_growth(self.p[0], self.p[7])

    @cached_property
    def rank(self) -> Numbers:
        """Places by popularity."""
        return places(self.p[0], self.ids)

    @cached_property
    def rank_before(self) -> Numbers:
        """Places by popularity on the day compared with."""
        return places(self.before, self.ids)

    @property
    def gained(self) -> Numbers:
        """Votes of the last seven days."""
        return self.v[0] - self.v[7]

    @property
    def acceleration(self) -> Numbers:
        """By how much more votes a day came in the last seven days than in the seven before."""
        return self.gained / 7 - (self.v[7] - self.v[14]) / 7

    @property
    def viral_score(self) -> Numbers:
        """Which share of the other films grew less, in votes and in popularity."""
        return 60 * shares(self.votes_growth) + 40 * shares(self.popularity_growth)

    @property
    def joined(self) -> NDArray[np.bool_]:
        """Who is in the top and was not on the day compared with."""
        return (self.rank <= self.top) & ~(self.rank_before <= self.top) & bool(self.compared_days)

    @property
    def departed(self) -> NDArray[np.bool_]:
        """Who was in the top on the day compared with and is not."""
        return (self.rank_before <= self.top) & ~(self.rank <= self.top)

    def coefficient(self, since: int = 7, until: int = 0) -> Numbers:
        """Return the viral coefficient of the week between two days so many days ago, without its bounds."""
        return coefficient(self.v[until], self.v[since], self.p[until], self.p[since])

    def place(self, film: int) -> Place:
        """Return where one film stands."""
        return Place(
            whole(place_of(self.p[0], self.ids, film)),
            whole(place_of(self.before, self.ids, film)),
            real(share_of(self.votes_growth, film)),
            real(share_of(self.popularity_growth, film)),
            self.compared_days,
        )


def has_yesterday(columns: Columns) -> bool:
    """Return whether half as many films were seen the day before at least, so that ranks are compared with it."""
    now, yesterday = (np.count_nonzero(~np.isnan(column(columns, name))) for name in ("p0", "p1"))
    return bool(2 * yesterday >= now)


def films_of(columns: Columns, top: int) -> Films:
    """Return the films that `popularity_week.sql` or another choice of `popularity_numbers.sql` answers with."""
    ids = column(columns, "tmdb_id").astype(np.int64)
    told = columns or {f"{what}{ago}" for what in "pv" for ago in _AGO}
    p, v = ({ago: column(columns, f"{what}{ago}") for ago in _AGO if f"{what}{ago}" in told} for what in "pv")
    seen = {ago: np.count_nonzero(~np.isnan(p[ago])) for ago in (0, 1, 2) if ago in p}
    compared_days = next((ago for ago in (1, 2) if 2 * seen.get(ago, 0) >= seen[0]), 0)
    return Films(ids, p, v, top, compared_days)


def listed(films: Films, by: Ranking, limit: int) -> tuple[list[tuple[int, Place]], int]:
    """Return the first `limit` films in an order, each with where it stands, and how many could be listed."""
    with np.errstate(all="ignore"):
        key = _KEYS[by](films)
    known = np.flatnonzero(~np.isnan(key))
    first = highest(key, known, limit)
    order = first[descending(key[first], films.ids[first])][:limit]
    return [(int(films.ids[film]), films.place(film)) for film in order.tolist()], len(known)


def _popularity(films: Films) -> Numbers:
    return films.p[0]


def _gainers(films: Films) -> Numbers:
    now, past = films.p[0], films.p[7]
    return np.where((past > 0) & (now > past) & (films.p[1] >= GAINER_FLOOR), 100 * (now - past) / past, np.nan)


def _decliners(films: Films) -> Numbers:
    now, past = films.p[0], films.p[7]
    return np.where((past > 0) & (now < past), 100 * (past - now) / past, np.nan)


def _coefficient(films: Films) -> Numbers:
    now = films.coefficient()
    return np.where(now >= 20, np.minimum(now, 100), np.nan)  # noqa: PLR2004 - as in the registry


def _emerging(films: Films) -> Numbers:
    faster, now = films.acceleration, films.coefficient()
    is_strong = (now > 30) | (~np.isnan(now) & (faster > 5))  # noqa: PLR2004 - as in the registry
    return np.where((faster > 0) & (films.gained / 7 >= 10) & is_strong, faster, np.nan)  # noqa: PLR2004 - as in the registry


def _breakout(films: Films) -> Numbers:
    now, before = np.minimum(films.coefficient(), 100), np.maximum(films.coefficient(14, 7), 0)
    return np.where((now >= 40) & (now > before), now, np.nan)  # noqa: PLR2004 - as in the registry


def _joiners(films: Films) -> Numbers:
    return np.where(films.joined, -films.rank, np.nan)


def _leavers(films: Films) -> Numbers:
    return np.where(films.departed, -films.rank_before, np.nan)


def _risers(films: Films) -> Numbers:
    by = films.rank_before - films.rank
    return np.where((by > 0) & ~films.joined & ~films.departed, by, np.nan)


_KEYS: Final[Mapping[Ranking, Callable[[Films], Numbers]]] = {
    "popularity": _popularity,
    "rank": _popularity,
    "gainers": _gainers,
    "decliners": _decliners,
    "velocity": lambda films: films.gained,
    "acceleration": lambda films: films.acceleration,
    "viral": lambda films: films.viral_score,
    "coefficient": _coefficient,
    "emerging": _emerging,
    "breakout": _breakout,
    "joiners": _joiners,
    "leavers": _leavers,
    "risers": _risers,
}
"""What films are listed by, the highest first; those for which it is NaN are not listed."""
