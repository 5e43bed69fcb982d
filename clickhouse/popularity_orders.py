"""The orders of `cinepulse trends --by` that rest on TMDB's numbers: what each lists films by, in SQL.

`measures.POPULARITY` says what each metric is; the expressions are put into `queries/popularity_trends.sql`, where p0,
p1, p7 and p14 are a film's popularity so many days ago and v0, v7 and v14 its votes. Films whose expression is null are
not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from clickhouse.ask import query_text

if TYPE_CHECKING:
    from collections.abc import Mapping

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

# Null where any of the four is: greatest and least pass over null, the sum does not.
_COEFFICIENT: Final = "60 * (v0 - v7) / greatest(v7, 1) + 40 * (p0 - p7) / greatest(p7, 1.)"
_COEFFICIENT_BEFORE: Final = "60 * (v7 - v14) / greatest(v14, 1) + 40 * (p7 - p14) / greatest(p14, 1.)"
_ACCELERATION: Final = "(v0 - v7) / 7 - (v7 - v14) / 7"
_JOINED: Final = "ifNull(rank <= {top:UInt32}, 0) AND compared_days > 0 AND ifNull(rank_before > {top:UInt32}, 1)"
_DEPARTED: Final = "ifNull(rank_before <= {top:UInt32}, 0) AND ifNull(rank > {top:UInt32}, 1)"


@dataclass(frozen=True, slots=True)
class Order:
    """What films are listed by, the highest first: `measure` of a film alone, `key` of that and its places."""

    measure: str = "p0"
    key: str = "measure"


ORDERS: Final[Mapping[Ranking, Order]] = {
    "popularity": Order(),
    "rank": Order(),
    "gainers": Order("if(p7 > 0 AND p0 > p7 AND p1 >= {floor:Float64}, 100 * (p0 - p7) / p7, NULL)"),
    "decliners": Order("if(p7 > 0 AND p0 < p7, 100 * (p7 - p0) / p7, NULL)"),
    "velocity": Order("v0 - v7"),
    "acceleration": Order(_ACCELERATION),
    "viral": Order(key="60 * votes_growth_rank + 40 * popularity_growth_rank"),
    "coefficient": Order(f"if({_COEFFICIENT} >= 20, least(100., {_COEFFICIENT}), NULL)"),
    "emerging": Order(
        f"if({_ACCELERATION} > 0 AND (v0 - v7) / 7 >= 10 AND isNotNull({_COEFFICIENT})"
        f" AND ({_COEFFICIENT} > 30 OR {_ACCELERATION} > 5), {_ACCELERATION}, NULL)"
    ),
    "breakout": Order(
        f"if({_COEFFICIENT} >= 40 AND isNotNull({_COEFFICIENT_BEFORE})"
        f" AND least(100., {_COEFFICIENT}) > greatest(0., {_COEFFICIENT_BEFORE}), least(100., {_COEFFICIENT}), NULL)"
    ),
    "joiners": Order(key=f"if({_JOINED}, -toInt64(rank), NULL)"),
    "leavers": Order(key=f"if({_DEPARTED}, -toInt64(rank_before), NULL)"),
    "risers": Order(
        key=f"if({_JOINED} OR {_DEPARTED} OR rank_before <= rank, NULL, toInt64(rank_before) - toInt64(rank))"
    ),
}


@cache
def order_text(by: Ranking) -> str:
    """Return the query that lists a day's films in an order; nothing of it comes from outside."""
    order = ORDERS[by]
    return (
        query_text("popularity_trends")
        .replace(":measure AS", f"{order.measure} AS")
        .replace(":key AS", order.key + " AS")
    )
