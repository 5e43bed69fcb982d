"""Whether talk leads popularity, or follows it. Pure: series of days in, a shift and a correlation out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import StatisticsError, correlation
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

FURTHEST_DAYS: Final = 7
LEAST_DAYS: Final = 28
LEAST_CORRELATION: Final = 0.3


@dataclass(frozen=True, slots=True)
class Lead:
    """How many days talk is ahead of popularity, negative where it follows; `r`: the correlation over `pairs` days.

    `days` and `r` are None where nothing can be said; `why` then tells the reason.
    """

    days: int | None
    r: float | None
    pairs: int
    why: str | None = None


def lead(mentions: Sequence[float | None], popularity: Sequence[float | None]) -> Lead:
    """Return the shift k of -7 … 7 days with the highest correlation of d ln(n + 1) on a day and d ln p k days later.

    Both series are of the same consecutive days, None is unknown. A shift needs 28 days on which both changes are
    known, and the correlation an |r| of 0.3; of equal ones the shortest shift is taken, and the lead before the lag.
    """
    talk = _changes([None if n is None else math.log(n + 1) for n in mentions])
    look = _changes([None if p is None or p <= 0 else math.log(p) for p in popularity])
    found: list[tuple[float, int, int]] = []
    most = 0
    for shift in sorted(range(-FURTHEST_DAYS, FURTHEST_DAYS + 1), key=lambda k: (abs(k), -k)):
        pairs = [
            (talk[at], look[at + shift])
            for at in range(len(talk))
            if 0 <= at + shift < len(look) and talk[at] is not None and look[at + shift] is not None
        ]
        most = max(most, len(pairs))
        r = _correlation(pairs) if len(pairs) >= LEAST_DAYS else None
        if r is not None:
            found.append((r, shift, len(pairs)))
    if not found:
        return Lead(None, None, most, "too few days known" if most < LEAST_DAYS else "one of them does not change")
    r, shift, pairs_there = max(found, key=lambda one: one[0])
    if abs(r) < LEAST_CORRELATION:
        return Lead(None, None, pairs_there, "no clear relation")
    return Lead(shift, r, pairs_there)


def _changes(values: Sequence[float | None]) -> list[float | None]:
    return [None if past is None or now is None else now - past for past, now in pairwise(values)]


def _correlation(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    try:
        return correlation([one or 0.0 for one, _ in pairs], [other or 0.0 for _, other in pairs])
    except StatisticsError:
        return None
