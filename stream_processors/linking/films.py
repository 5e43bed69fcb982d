"""The columns of a film that linking needs, cleaned of what sources get wrong."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stream_processors.linking.aliases import Kind
from stream_processors.linking.tokens import fold_name

if TYPE_CHECKING:
    from schemas.events import Movie

DATE: Final = re.compile(r"(1[89]\d\d|20\d\d|21\d\d)(?:-(\d\d)-(\d\d))?")
MAX_TITLE: Final = 200
"""Longer titles are not names but mistakes or jokes."""
MAX_ALTERNATIVES: Final = 40
MAX_VOTES: Final = 10_000_000
UNTRACKED_VOTES_MAX: Final = 40.0
VOTES_PER_POPULARITY: Final = 2.0
RECENT_FROM: Final = 2023.8
"""Films released since then have few votes for the attention they get."""
RECENT_FACTOR: Final = 4.0


@dataclass(frozen=True, slots=True)
class Film:
    """A film as the index keeps it.

    `released`: year with fraction, NaN when unknown. `prior`: log(1 + votes), estimated from popularity when nobody
    has counted votes.
    """

    tmdb_id: int
    title: str
    released: float
    prior: float
    popularity: float
    english: bool
    people: frozenset[str]
    words: int


def film_of(movie: Movie) -> Film:
    """Return what linking keeps of a catalogue record."""
    released = year_fraction(movie.release_date)
    popularity = movie.popularity if movie.popularity is not None and movie.popularity > 0 else 0.0
    return Film(
        tmdb_id=movie.tmdb_id,
        title=movie.title,
        released=released,
        prior=_prior(movie.vote_count, popularity, released),
        popularity=popularity if math.isfinite(popularity) else 0.0,
        english=movie.original_language in (None, "", "en"),
        words=len(fold_name(movie.title[:MAX_TITLE])),
        people=frozenset(surname for name in (*movie.directors, *movie.cast) for surname in fold_name(name)[-1:]),
    )


def titles_of(movie: Movie) -> list[tuple[str, Kind]]:
    """Return the film's usable titles with their kinds, each once."""
    titles: dict[str, Kind] = {}
    if movie.title and len(movie.title) <= MAX_TITLE:
        titles[movie.title] = Kind.TITLE
    if movie.original_title and len(movie.original_title) <= MAX_TITLE:
        titles.setdefault(movie.original_title, Kind.ORIGINAL)
    for title in movie.alternative_titles[:MAX_ALTERNATIVES]:
        if title and len(title) <= MAX_TITLE:
            titles.setdefault(title, Kind.ALTERNATIVE)
    return list(titles.items())


def year_fraction(date: str | None) -> float:
    """Return an ISO date, or a year alone, as a year with fraction; NaN when there is none."""
    match = DATE.match(date or "")
    if match is None:
        return math.nan
    year, month, day = match.groups()
    if month is None:
        return int(year) + 0.5
    return int(year) + min((int(month) - 1) / 12 + (int(day) - 1) / 365, 0.999)


def _prior(votes: int | None, popularity: float, released: float) -> float:
    if votes:
        return math.log1p(min(max(votes, 0), MAX_VOTES))
    estimate = min(UNTRACKED_VOTES_MAX, VOTES_PER_POPULARITY * popularity)
    if released > RECENT_FROM:
        estimate *= RECENT_FACTOR
    return math.log1p(estimate)
