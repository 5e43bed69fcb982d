"""Talk and popularity of films together: every number of each film of a day, and which of the films are listed.

`film_measures.TOGETHER` says what each number is. Numbers lie in arrays, an element a film; one that is unknown is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from clickhouse.ask import column
from clickhouse.film_ranks import popularity_growth, real, shares, votes_growth, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from clickhouse.ask import Columns
    from clickhouse.film_ranks import Numbers

Together = Literal["index", "quadrants", "talked", "untalked"]

PARTS: Final = ("burst", "popularity_growth", "votes_growth", "authors")
"""The parts of the trend index."""
RANKED: Final = (*PARTS, "mentions", "popularity")
WHOLE: Final = frozenset({"mentions", "votes"})
"""Numbers that are counts."""
HIGH: Final = 0.75
LOW: Final = 0.5
"""Above and below which ranks two lists go apart."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of the trend index weighs, together 1; a change of any is another `version`."""

    version: int
    mentions: float
    popularity: float
    votes: float
    authors: float


@dataclass(frozen=True, slots=True)
class Rule:
    """What the numbers of a day are computed with.

    `is_known`: whether the day is, so that no mention is a true zero on it. `month_days`: how many of the 28 days
    before it are known; with fewer than `least_days` there is no burst. `m`, `c`: weight and mean of the weighted
    rating.
    """

    is_known: bool
    month_days: int
    least_days: int
    m: float
    c: float
    weights: Weights


@dataclass(frozen=True, slots=True)
class Films:
    """Every number of each film, by name, and what all of them together say; medians are NaN without a film."""

    ids: NDArray[np.int64]
    numbers: Mapping[str, Numbers]
    median_mentions: float
    median_rating: float

    @property
    def is_loud(self) -> NDArray[np.bool_]:
        """Whether a film is mentioned more than the median."""
        return np.greater(self.numbers["mentions"], self.median_mentions)

    @property
    def is_good(self) -> NDArray[np.bool_]:
        """Whether a film is rated better than the median."""
        return np.greater(self.numbers["weighted_rating"], self.median_rating)

    def row(self, place: int) -> dict[str, Any]:
        """Return every number of one film, None where it is unknown."""
        found = {name: (whole if name in WHOLE else real)(numbers[place]) for name, numbers in self.numbers.items()}
        return {"tmdb_id": int(self.ids[place]), **found, "quadrant": self._quadrant(place)}

    def _quadrant(self, place: int) -> str | None:
        if np.isnan(self.numbers["compared"][place]):
            return None
        names = ("Hit", "Hype") if self.is_loud[place] else ("Gem", "Quiet")
        return names[0] if self.is_good[place] else names[1]


def measure(shown: Columns, talk: Columns, authors: Columns, rule: Rule) -> Films:
    """Return the numbers of the films that TMDB showed.

    `shown`, `talk`, `authors`: what is answered by `queries/together_popularity.sql`, `together_talk.sql` and one of
    `authors_of_*.sql`.
    """
    ids = column(shown, "tmdb_id").astype(np.int64)
    now, before, votes, votes_before, score = (
        column(shown, name).astype(np.float64)
        for name in ("popularity", "popularity_before", "votes", "votes_before", "score")
    )
    counted, total, squares = _beside(ids, talk, ("counted", "total", "squares"), 0)
    (distinct,) = _beside(ids, authors, ("authors",), np.nan)
    with np.errstate(all="ignore"):
        # A film that was not seen on the day is in no rank but of what its votes grew by.
        mentions = np.where(rule.is_known & ~np.isnan(now), counted, np.nan)
        rating = np.where(votes > 0, votes / (votes + rule.m) * score + rule.m / (votes + rule.m) * rule.c, np.nan)
        numbers = {
            "popularity": now,
            "votes": votes,
            "score": score,
            "popularity_growth": popularity_growth(now, before),
            "votes_growth": votes_growth(votes, votes_before),
            "weighted_rating": rating,
            "mentions": mentions,
            "burst": _burst(mentions, total, squares, rule),
            "authors": np.where(mentions == 0, 0.0, np.where(mentions > 0, distinct, np.nan)),
            "compared": np.where((mentions > 0) & ~np.isnan(rating), mentions, np.nan),
        }
        numbers |= {f"{name}_rank": shares(numbers[name]) for name in RANKED}
        numbers["trend_index"] = 100 * _index(numbers, rule.weights)
        numbers["divergence"] = 100 * (numbers["mentions_rank"] - numbers["popularity_rank"])
        return Films(ids, numbers, _median(numbers["compared"]), _median(np.where(mentions > 0, rating, np.nan)))


def listed(films: Films, by: Together, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Return the films that head a list, `limit` of each quadrant where it is of these, and how many there are."""
    key = _key(films, by)
    parts = films.is_loud * 2 + films.is_good if by == "quadrants" else np.zeros(len(key), np.int64)
    chosen = np.flatnonzero(~np.isnan(key) & ~np.isnan(films.numbers["popularity"]))
    rating = films.numbers["weighted_rating"][chosen]
    order = chosen[np.lexsort((films.ids[chosen], np.where(np.isnan(rating), np.inf, -rating), -key[chosen]))]
    heads = [np.flatnonzero(parts[order] == part)[:limit] for part in np.unique(parts)]
    places = np.sort(np.concatenate([*heads, np.empty(0, np.int64)]))
    return [films.row(place) for place in order[places].tolist()], len(order)


def _key(films: Films, by: Together) -> Numbers:
    """Return what films are listed by, the highest first and NaN not at all."""
    numbers = films.numbers
    if by == "index":
        return numbers["trend_index"]
    if by == "quadrants":
        return numbers["compared"]
    talk, look = numbers["mentions_rank"], numbers["popularity_rank"]
    if by == "talked":
        return np.where((talk >= HIGH) & (look < LOW), talk - look, np.nan)
    return np.where((look >= HIGH) & (talk < LOW), look - talk, np.nan)


def _beside(ids: NDArray[np.int64], columns: Columns, names: Sequence[str], otherwise: float) -> list[Numbers]:
    """Return columns' values for the films, in their order; `otherwise` for films that the columns do not have."""
    films = column(columns, "tmdb_id")
    if not len(films):
        return [np.full(len(ids), otherwise) for _ in names]
    order = np.argsort(films)
    places = order[np.minimum(np.searchsorted(films, ids, sorter=order), len(films) - 1)]
    is_there = films[places] == ids
    return [np.where(is_there, column(columns, name)[places], otherwise) for name in names]


def _burst(mentions: Numbers, total: Numbers, squares: Numbers, rule: Rule) -> Numbers:
    days = rule.month_days
    if days < rule.least_days:
        return np.full(len(mentions), np.nan)
    mean = total / days
    return (mentions - mean) / np.sqrt((days * squares - total * total) / (days * (days - 1)) + mean + 1)


def _index(numbers: Mapping[str, Numbers], weights: Weights) -> Numbers:
    burst, popularity, votes, authors = (numbers[f"{name}_rank"] for name in PARTS)
    parts = (weights.mentions * burst, weights.popularity * popularity, weights.votes * votes)
    return parts[0] + parts[1] + parts[2] + weights.authors * authors


def _median(numbers: Numbers) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(np.median(known)) if len(known) else np.nan
