"""The metrics of TMDB's numbers that follow from a film's own days. Pure: days in, numbers out.

`measures.POPULARITY` says what each is; `popularity_on` has those of them for SQL that need 15 days at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

WEEK: Final = 7
# A mean of fewer days would say little of the week.
LEAST_DAYS: Final = 4

_CATEGORIES: Final = ((80, "Extremely Viral"), (60, "Highly Viral"), (40, "Moderately Viral"), (20, "Slightly Viral"))
_ENGAGEMENT: Final = ((100, "Viral"), (50, "High"), (20, "Moderate"), (5, "Low"))
_MOMENTUM: Final = ((10, "Surging"), (5, "Rising"), (-5, "Stable"), (-10, "Declining"))
# What a score of Highly Viral and above needs besides, votes a day.
_FAST: Final = 50


@dataclass(frozen=True, slots=True)
class Past:
    """What was seen of a film up to a day.

    `popularity`, `votes`: the last known of each of the last 21 days, by how many days ago; a day without is left out.
    `score`: mean vote of the day. `peak`: the highest popularity ever, None as `peak_day` where none is known.
    """

    seen_at: datetime
    popularity: Mapping[int, float]
    votes: Mapping[int, int]
    score: float | None
    first_day: date | None
    peak: float | None
    peak_day: date | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a film stands among all of a day: its ranks, 1 is the top, and the shares that grew less, 0 to 1."""

    rank: int | None
    rank_before: int | None
    votes_growth_rank: float | None
    popularity_growth_rank: float | None
    compared_days: int


def film_metrics(past: Past, place: Place, day: date, top: int) -> dict[str, Any]:
    """Return every metric of `measures.POPULARITY` of a film on a day; `top`: the places that joiners enter."""
    p, v = past.popularity, past.votes
    p7, p14, v7, v14 = _near(p, 7), _near(p, 14), _near(v, 7), _near(v, 14)
    wow, before = _less(p.get(0), p7), _less(v7, v14)
    gained = _less(v.get(0), v7)
    velocity = None if gained is None else gained / WEEK
    acceleration = None if velocity is None or before is None else velocity - before / WEEK
    coefficient = _coefficient(v7, v.get(0), p7, p.get(0))
    coefficient_before = _coefficient(v14, v7, p14, p7)
    score = _score(place)
    return {
        "seen_at": past.seen_at,
        "popularity": p.get(0),
        "votes": v.get(0),
        "score": past.score,
        "wow": wow,
        "wow_percent": _percent(p7, p.get(0)),
        "vote_velocity": velocity,
        "vote_acceleration": acceleration,
        "engagement": _class(velocity, _ENGAGEMENT, "Minimal"),
        "viral_coefficient": coefficient,
        "viral_coefficient_before": coefficient_before,
        "viral_category": _class(coefficient, _CATEGORIES, "Not Viral"),
        "viral_score": score,
        "viral_score_category": _class(score, _CATEGORIES[0 if (velocity or 0) >= _FAST else 2 :], "Not Viral"),
        "trend": _trend(velocity, wow),
        "emerging": _emerging(acceleration, velocity, coefficient),
        "breakout": _breakout(coefficient, coefficient_before),
        **_days(past, day),
        **_places(place, top),
    }


def _days(past: Past, day: date) -> dict[str, Any]:
    """Return what single days and weeks say."""
    p, v = past.popularity, past.votes
    monday = day.weekday()
    week, this_week = _known(p, range(WEEK)), _known(p, range(monday + 1))
    last_week = _known(p, range(monday + 1, monday + 1 + WEEK))
    gains = [v[ago] - v[ago + 1] for ago in range(WEEK, 2 * WEEK) if ago in v and ago + 1 in v]
    mean = _mean(week) if len(week) >= LEAST_DAYS else None
    dod, dod_percent = _less(p.get(0), p.get(1)), _percent(p.get(1), p.get(0))
    votes_dod, votes_before = _less(v.get(0), v.get(1)), _mean(gains)
    return {
        "dod": dod,
        "dod_percent": dod_percent,
        "mean_7d": mean,
        "deviation_7d": _less(p.get(0), mean),
        "volatility_7d": None if mean is None else _deviation(week, mean),
        "week_mean": _mean(this_week),
        "week_mean_before": _mean(last_week),
        "week_percent": _percent(_mean(last_week), _mean(this_week)),
        "week_peak": max(this_week, default=None),
        "week_low": min(this_week, default=None),
        "momentum": _momentum(p.get(0), dod_percent, past.first_day, day),
        "votes_dod": votes_dod,
        "votes_dod_before": votes_before,
        "engagement_trend": _direction(_less(votes_dod, votes_before)),
        "first_day": past.first_day,
        "peak": past.peak,
        "peak_day": past.peak_day,
    }


def _places(place: Place, top: int) -> dict[str, Any]:
    """Return rank, its change, and whether the film joined or left the top."""
    inside = place.rank is not None and place.rank <= top
    was_inside = place.rank_before is not None and place.rank_before <= top
    joined, departed = place.compared_days > 0 and inside and not was_inside, was_inside and not inside
    return {
        "rank": place.rank,
        "rank_before": place.rank_before,
        "rank_change": None if joined or departed else _less(place.rank_before, place.rank),
        "joined": joined,
        "departed": departed,
    }


def _near(values: Mapping[int, float], ago: int) -> Any:
    """Return the value of a day or, where there is none, of the day before it."""
    found = values.get(ago)
    return values.get(ago + 1) if found is None else found


def _less(one: float | None, other: float | None) -> Any:
    return None if one is None or other is None else one - other


def _percent(past: float | None, now: float | None) -> float | None:
    return None if past is None or now is None or past <= 0 else 100 * (now - past) / past


def _known(values: Mapping[int, float], days: range) -> list[float]:
    return [values[ago] for ago in days if ago in values]


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _deviation(values: Sequence[float], mean: float) -> float:
    """Return the standard deviation of a sample."""
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _coefficient(past_votes: int | None, votes: int | None, past: float | None, now: float | None) -> float | None:
    if past_votes is None or votes is None or past is None or now is None:
        return None
    raw = 60 * (votes - past_votes) / max(past_votes, 1) + 40 * (now - past) / max(past, 1.0)
    return max(0.0, min(100.0, raw))


def _score(place: Place) -> float | None:
    if place.votes_growth_rank is None or place.popularity_growth_rank is None:
        return None
    return 60 * place.votes_growth_rank + 40 * place.popularity_growth_rank


def _class(value: float | None, bounds: Sequence[tuple[float, str]], lowest: str) -> str | None:
    """Return the first class whose bound the value reaches."""
    return None if value is None else next((name for bound, name in bounds if value >= bound), lowest)


def _momentum(value: float | None, change: float | None, first: date | None, day: date) -> str | None:
    if value is None:
        return None
    if change is None:
        return "New" if first is not None and first > day - timedelta(days=2) else "Insufficient"
    return next((name for bound, name in _MOMENTUM if change > bound), "Falling")


def _direction(change: float | None) -> str | None:
    if change is None:
        return None
    return "Rising" if change > 0 else "Falling" if change < 0 else "Steady"


def _trend(velocity: float | None, wow: float | None) -> str | None:
    if wow is None:
        return None
    if velocity is not None and velocity > _FAST and wow > 10:  # noqa: PLR2004 - as in the registry
        return "Viral"
    return "Rising" if wow > 5 else "Declining" if wow < -5 else "Stable"  # noqa: PLR2004 - as in the registry


def _emerging(acceleration: float | None, velocity: float | None, coefficient: float | None) -> bool | None:
    if acceleration is None or velocity is None or coefficient is None:
        return None
    return acceleration > 0 and velocity >= 10 and (coefficient > 30 or acceleration > 5)  # noqa: PLR2004 - likewise


def _breakout(now: float | None, before: float | None) -> str | None:
    if now is None or before is None or now < 40 or now <= before:  # noqa: PLR2004 - as in the registry
        return None
    if before < 20:  # noqa: PLR2004 - as in the registry
        return "Major"
    if before < 40 and now >= 60:  # noqa: PLR2004 - as in the registry
        return "Strong"
    return "Rapid" if now - before >= 20 else "Steady"  # noqa: PLR2004 - as in the registry
