"""The metrics of a film's mentions on a day, from its counts of that day and of the 28 days before; all pure functions.

`mention_measures.MENTIONS` has the formulas. Only what is listed is reckoned here: which films head an order is found
where the counts are, by `queries/mention_*.sql`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from cinepulse.authors import authors_by

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Days before the day asked for that its burst is reckoned against.
BASELINE_DAYS: Final = 28
# Of fewer known days neither a mean nor a variance says what is usual.
LEAST_BASELINE_DAYS: Final = 7
LEAST_WEEK_DAYS: Final = 4
WEEK: Final = 7
NEVER: Final = 255
"""Stands for no day."""

SURGING: Final = 10
RISING: Final = 5


@dataclass(frozen=True, slots=True)
class KnownDays:
    """Which of a day and the 28 days before it are known.

    `flags`: the day first, then each day before it. `weekday`: that of the day, 1 is Monday.
    """

    flags: tuple[bool, ...]
    weekday: int

    @property
    def baseline(self) -> int:
        """How many of the days before are known."""
        return sum(self.flags[1:])

    @property
    def told(self) -> list[int]:
        """How many days ago the days lie of which something is told: the day, and those before it that are known."""
        return [ago for ago, flag in enumerate(self.flags) if flag or ago == 0]

    def back(self, days: int) -> int:
        """Return how many days ago a day some weeks ago lies: a day more where that very day is unknown."""
        return next((ago for ago in (days, days + 1) if self.flags[ago]), NEVER)


@dataclass(frozen=True, slots=True)
class Counts:
    """Mentions of a film on a day."""

    mentions: int = 0
    submissions: int = 0
    comments: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a film's mentions of a day reach; `authors` None where no mention has an observation of one."""

    communities: int = 0
    engagement_weight: float = 0.0
    authors: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return what a row of `queries/mention_reach.sql` tells."""
        authors = authors_by(row["ranks"]) if row["ranks"] else None
        return cls(row["communities"], row["engagement_weight"], authors)


NOTHING: Final = Counts()
NOWHERE: Final = Reach()


def metrics_of(counted: Mapping[int, Counts], known: KnownDays, all_mentions: int, reach: Reach) -> dict[str, Any]:
    """Return a film's metrics by name, in the registry's order; None is unknown.

    `counted`: by how many days ago. `all_mentions`: of all films on the day.
    """
    on_day = counted.get(0, NOTHING)
    told = known.flags[0] or on_day.mentions > 0
    n = [counted.get(ago, NOTHING).mentions if flag else None for ago, flag in enumerate(known.flags)]
    week_ago, fortnight_ago = (None if back == NEVER else n[back] for back in map(known.back, (WEEK, 2 * WEEK)))
    dod_percent = _percent(n[1], n[0])
    velocity = _divided(_less(n[0], week_ago), WEEK)
    return {
        "mentions": on_day.mentions if told else None,
        "submissions": on_day.submissions if told else None,
        "comments": on_day.comments if told else None,
        "dod": _less(n[0], n[1]),
        "dod_percent": dod_percent,
        **_of_the_week(n),
        "wow": _less(n[0], week_ago),
        "wow_percent": _percent(week_ago, n[0]),
        **_of_iso_weeks(n, known.weekday),
        "momentum": _momentum(n, dod_percent),
        "velocity": velocity,
        "acceleration": _less(velocity, _divided(_less(week_ago, fortnight_ago), WEEK)),
        "share": on_day.mentions / all_mentions if told and all_mentions else None,
        "communities": reach.communities if told else None,
        "engagement_weight": reach.engagement_weight if told else None,
        "authors": None if not told else reach.authors if on_day.mentions else 0.0,
        **_of_the_month(n),
    }


def _of_the_week(n: Sequence[int | None]) -> dict[str, Any]:
    days = _told(n[:WEEK])
    if len(days) < LEAST_WEEK_DAYS:
        return {"mean_7d": None, "deviation_7d": None, "volatility_7d": None}
    mean = sum(days) / len(days)
    return {"mean_7d": mean, "deviation_7d": _less(n[0], mean), "volatility_7d": math.sqrt(_variance(days))}


def _of_iso_weeks(n: Sequence[int | None], weekday: int) -> dict[str, Any]:
    now, before = _told(n[:weekday]), _told(n[weekday : weekday + WEEK])
    mean, mean_before = (sum(days) / len(days) if days else None for days in (now, before))
    return {
        "week_mean": mean,
        "week_mean_before": mean_before,
        "week_percent": _percent(mean_before, mean),
        "week_peak": max(now, default=None),
        "week_low": min(now, default=None),
    }


def _momentum(n: Sequence[int | None], dod_percent: float | None) -> str | None:
    if dod_percent is not None:
        bounds = ((SURGING, "Surging"), (RISING, "Rising"), (-RISING, "Stable"), (-SURGING, "Declining"))
        return next((name for bound, name in bounds if dod_percent > bound), "Falling")
    if n[0] is None:
        return None
    before = _told(n[1:])
    yesterday = n[1] or 0
    enough = len(before) >= LEAST_BASELINE_DAYS
    return "New" if n[0] + yesterday > 0 and enough and sum(before) == yesterday else "Insufficient"


def _of_the_month(n: Sequence[int | None]) -> dict[str, Any]:
    days = _told(n[1:])
    usual = sum(days) / len(days) if days else None
    burst = None
    if n[0] is not None and usual is not None and len(days) >= LEAST_BASELINE_DAYS:
        burst = shrunk_z(n[0], days)
    return {"usual": usual, "usual_days": len(days), "burst": burst}


def shrunk_z(mentions: int, usual: Sequence[int]) -> float:
    """Return how far mentions stand out of at least two usual ones: (n - μ) / √(σ² + μ + 1), σ² of a sample."""
    mean = sum(usual) / len(usual)
    return (mentions - mean) / math.sqrt(_variance(usual) + mean + 1)


def _told(values: Sequence[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _variance(values: Sequence[int]) -> float:
    """Return the variance of a sample. Of whole numbers, so that no digit is lost before the division."""
    return (len(values) * sum(value * value for value in values) - sum(values) ** 2) / (len(values) * (len(values) - 1))


def _less(one: float | None, other: float | None) -> Any:
    return None if one is None or other is None else one - other


def _divided(value: float | None, by: float) -> float | None:
    return None if value is None else value / by


def _percent(past: float | None, now: float | None) -> float | None:
    return None if not past or now is None else 100 * (now - past) / past
