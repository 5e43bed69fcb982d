"""Talk and popularity of a film together: what films are listed by, in SQL, and their numbers from their places.

`film_measures.TOGETHER` says what each number is. The expressions are put into `queries/trend_index.sql`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from clickhouse.ask import query_text

if TYPE_CHECKING:
    from collections.abc import Mapping

Together = Literal["index", "quadrants", "talked", "untalked"]

PARTS: Final = ("burst", "popularity_growth", "votes_growth", "authors")
"""The parts of the trend index."""
RANKED: Final = (*PARTS, "mentions", "popularity")


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of the trend index weighs, together 1; a change of any is another `version`."""

    version: int
    mentions: float
    popularity: float
    votes: float
    authors: float


@dataclass(frozen=True, slots=True)
class Order:
    """What films are listed by, the highest first and null not at all, and the part of which so many are listed."""

    key: str
    part: str = "NULL"


def _rank(name: str) -> str:
    """Return the share of the other films that are lower, where it is known of the film."""
    return f"({name}_place - 1) / greatest({name}_ranked - 1, 1)"


_APART: Final = f"{_rank('mentions')} - {_rank('popularity')}"

ORDERS: Final[Mapping[Together, Order]] = {
    "index": Order(
        f"if({' OR '.join(f'isNull({name})' for name in PARTS)}, NULL,"
        f" {{of_mentions:Float64}} * ({_rank('burst')}) + {{of_popularity:Float64}} * ({_rank('popularity_growth')})"
        f" + {{of_votes:Float64}} * ({_rank('votes_growth')}) + {{of_authors:Float64}} * ({_rank('authors')}))"
    ),
    "quadrants": Order("compared_mentions", "(mentions > median_mentions, weighted_rating > median_rating)"),
    "talked": Order(
        f"if(mentions >= 0 AND {_rank('mentions')} >= 0.75 AND {_rank('popularity')} < 0.5, {_APART}, NULL)"
    ),
    "untalked": Order(
        f"if(mentions >= 0 AND {_rank('popularity')} >= 0.75 AND {_rank('mentions')} < 0.5, -({_APART}), NULL)"
    ),
}


@cache
def listing_text(by: Together, counts: str, authors: str) -> str:
    """Return the query that lists films, over two files of `queries/`; nothing of it comes from outside."""
    sources = f"film_days AS\n(\n{query_text(counts)}),\nfilm_authors AS\n(\n{query_text(authors)})\n"
    order = ORDERS[by]
    text = query_text("trend_index").replace(":key AS", f"{order.key} AS").replace("BY :part", f"BY {order.part}")
    return f"WITH {sources}{text}"


def numbers_of(row: Mapping[str, Any], weights: Weights) -> dict[str, Any]:
    """Return every number of a film, from what `queries/trend_index.sql` tells of it."""
    ranks = {f"{name}_rank": _share(row, name) for name in RANKED}
    parts = [ranks[f"{name}_rank"] for name in PARTS]
    weighted = zip((weights.mentions, weights.popularity, weights.votes, weights.authors), parts, strict=True)
    apart = (ranks["mentions_rank"], ranks["popularity_rank"])
    return {
        **row,
        **ranks,
        "trend_index": None if None in parts else 100 * sum(weight * part for weight, part in weighted),
        "divergence": None if None in apart else 100 * (apart[0] - apart[1]),
        "quadrant": _quadrant(row),
    }


def _share(row: Mapping[str, Any], name: str) -> Any:
    return None if row[name] is None else (row[f"{name}_place"] - 1) / max(row[f"{name}_ranked"] - 1, 1)


def _quadrant(row: Mapping[str, Any]) -> str | None:
    if row["compared_mentions"] is None:
        return None
    is_good = row["weighted_rating"] > row["median_rating"]
    if row["mentions"] > row["median_mentions"]:
        return "Hit" if is_good else "Hype"
    return "Gem" if is_good else "Quiet"
