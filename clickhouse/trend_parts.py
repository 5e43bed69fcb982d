"""Talk and popularity of films together: every number of each film of a day, and which of the films are listed.

`film_measures.TOGETHER` says what each number is. Numbers lie in arrays, an element a film; one that is unknown is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from clickhouse.film_ranks import beside, highest, real, shares, shares_among, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from clickhouse.ask import Columns
    from clickhouse.film_ranks import Numbers
    from clickhouse.trend_popularity import Shown

Together = Literal["index", "quadrants", "talked", "untalked"]

PARTS: Final = ("burst", "popularity_growth", "votes_growth", "authors")
"""The parts of the trend index."""
RANKED: Final = (*PARTS, "mentions", "popularity")
LISTED_BY: Final[Mapping[Together, frozenset[str]]] = {
    "index": frozenset(PARTS),
    "quadrants": frozenset(),
    "talked": frozenset({"mentions", "popularity"}),
    "untalked": frozenset({"mentions", "popularity"}),
}
"""The numbers whose ranks, of all films, make the order of each list."""
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
    before it are known; with fewer than `least_days` there is no burst.
    """

    is_known: bool
    month_days: int
    least_days: int
    weights: Weights


@dataclass(frozen=True, slots=True)
class Films:
    """Every number of each film, by name, and what all of them together say; medians are NaN without a film."""

    ids: NDArray[np.int64]
    numbers: Mapping[str, Numbers]
    weights: Weights
    median_mentions: float
    median_rating: float
    _ranks: dict[str, Numbers] = field(default_factory=dict)

    @property
    def is_loud(self) -> NDArray[np.bool_]:
        """Whether a film is mentioned more than the median."""
        return np.greater(self.numbers["mentions"], self.median_mentions)

    @property
    def is_good(self) -> NDArray[np.bool_]:
        """Whether a film is rated better than the median."""
        return np.greater(self.numbers["weighted_rating"], self.median_rating)

    def with_authors(self, authors: Columns) -> Films:
        """Return the films with how many distinct authors mention each.

        `authors`: what `queries/authors_of_kept_day.sql` answers.
        """
        mentions = self.numbers["mentions"]
        (distinct,) = beside(self.ids, authors, ("authors",), np.nan)
        known = np.where(mentions == 0, 0.0, np.where(mentions > 0, distinct, np.nan))
        return replace(self, numbers={**self.numbers, "authors": known})

    def rank(self, name: str) -> Numbers:
        """Return which share of the others each film is above in a number."""
        if name not in self._ranks:
            self._ranks[name] = shares(self.numbers[name])
        return self._ranks[name]

    def index(self) -> Numbers:
        """Return the trend index of each film."""
        return _index([self.rank(part) for part in PARTS], self.weights)

    def rows(self, films: NDArray[np.int64]) -> list[dict[str, Any]]:
        """Return every number of some films, None where it is unknown."""
        numbers = {name: numbers[films] for name, numbers in self.numbers.items()}
        for name in RANKED:
            ranks = self._ranks.get(name)
            numbers[f"{name}_rank"] = shares_among(self.numbers[name], films) if ranks is None else ranks[films]
        numbers["trend_index"] = _index([numbers[f"{part}_rank"] for part in PARTS], self.weights)
        numbers["divergence"] = 100 * (numbers["mentions_rank"] - numbers["popularity_rank"])
        return [
            {
                "tmdb_id": int(self.ids[film]),
                **{name: (whole if name in WHOLE else real)(told[place]) for name, told in numbers.items()},
                "quadrant": self._quadrant(film),
            }
            for place, film in enumerate(films.tolist())
        ]

    def _quadrant(self, place: int) -> str | None:
        if np.isnan(self.numbers["compared"][place]):
            return None
        names = ("Hit", "Hype") if self.is_loud[place] else ("Gem", "Quiet")
        return names[0] if self.is_good[place] else names[1]


def measure(shown: Shown, talk: Columns, rule: Rule, by: Together) -> Films:
    """Return the numbers of the films that TMDB showed, all but their authors, and the ranks of a list.

    `talk`: what `queries/together_talk.sql` answers.
    """
    ids, rating = shown.ids, shown.numbers["weighted_rating"]
    counted, total, squares = beside(ids, talk, ("counted", "total", "squares"), 0)
    with np.errstate(all="ignore"):
        # A film that was not seen on the day is in no rank but of what its votes grew by.
        mentions = np.where(rule.is_known & ~np.isnan(shown.numbers["popularity"]), counted, np.nan)
        numbers = {
            **shown.numbers,
            "mentions": mentions,
            "burst": _burst(mentions, total, squares, rule),
            "compared": np.where((mentions > 0) & ~np.isnan(rating), mentions, np.nan),
        }
        talked_about = np.where(mentions > 0, rating, np.nan)
        medians = _median(numbers["compared"]), _median(talked_about)
    # Here, while authors are still asked for.
    ranks = {name: shares(numbers[name]) for name in LISTED_BY[by] & (numbers.keys() - shown.ranks.keys())}
    return Films(ids, numbers, rule.weights, *medians, {**shown.ranks, **ranks})


def heading(films: Films, by: Together, limit: int) -> tuple[NDArray[np.int64], int]:
    """Return where the films are that head a list, and how many are in it.

    `limit`: how many head it, or each quadrant where the list is of these.
    """
    key = _key(films, by)
    parts = films.is_loud * 2 + films.is_good if by == "quadrants" else np.zeros(len(key), np.int64)
    chosen = np.flatnonzero(~np.isnan(key) & ~np.isnan(films.numbers["popularity"]))
    told = np.unique(parts)
    # All of them need not be put in order for the first of each part.
    first = np.concatenate([chosen[:0], *(highest(key, chosen[parts[chosen] == part], limit) for part in told)])
    rating = films.numbers["weighted_rating"][first]
    order = first[np.lexsort((films.ids[first], np.where(np.isnan(rating), np.inf, -rating), -key[first]))]
    heads = [np.flatnonzero(parts[order] == part)[:limit] for part in told]
    places = np.sort(np.concatenate([*heads, np.empty(0, np.int64)]))
    return order[places], len(chosen)


def _key(films: Films, by: Together) -> Numbers:
    """Return what films are listed by, the highest first and NaN not at all."""
    numbers = films.numbers
    if by == "index":
        return films.index()
    if by == "quadrants":
        return numbers["compared"]
    talk, look = films.rank("mentions"), films.rank("popularity")
    if by == "talked":
        return np.where((talk >= HIGH) & (look < LOW), talk - look, np.nan)
    return np.where((look >= HIGH) & (talk < LOW), look - talk, np.nan)


def _burst(mentions: Numbers, total: Numbers, squares: Numbers, rule: Rule) -> Numbers:
    days = rule.month_days
    if days < rule.least_days:
        return np.full(len(mentions), np.nan)
    mean = total / days
    return (mentions - mean) / np.sqrt((days * squares - total * total) / (days * (days - 1)) + mean + 1)


def _index(ranks: Sequence[Numbers], weights: Weights) -> Numbers:
    burst, popularity, votes, authors = ranks
    parts = (weights.mentions * burst, weights.popularity * popularity, weights.votes * votes)
    return 100 * (parts[0] + parts[1] + parts[2] + weights.authors * authors)


def _median(numbers: Numbers) -> float:
    known = numbers[~np.isnan(numbers)]
    return float(np.median(known)) if len(known) else np.nan
