"""The metrics of TMDB's numbers in plain Python, written from their formulas and not from the query.

Slow and simple: one film, one day, one metric at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

N = TypeVar("N", int, float)
Seen = tuple[float | None, int | None, float | None]
"""Popularity, votes and mean vote of one film on one day."""

NOTHING: Seen = (None, None, None)
BOUNDS = ((80, "Extremely Viral"), (60, "Highly Viral"), (40, "Moderately Viral"), (20, "Slightly Viral"))


@dataclass
class History:
    """What was seen of films, by film and day."""

    seen: dict[int, dict[date, Seen]] = field(default_factory=dict)

    def add(self, tmdb_id: int, day: date, numbers: Seen) -> None:
        """Note a day's numbers of a film."""
        self.seen.setdefault(tmdb_id, {})[day] = numbers

    def popularity(self, tmdb_id: int, day: date) -> float | None:
        """Return a film's popularity on a day."""
        return self.seen[tmdb_id].get(day, NOTHING)[0]

    def votes(self, tmdb_id: int, day: date) -> int | None:
        """Return a film's votes on a day."""
        return self.seen[tmdb_id].get(day, NOTHING)[1]


def ago(day: date, days: int) -> date:
    """Return the calendar day so many days before."""
    return day - timedelta(days=days)


def tolerant(of: Callable[[int, date], N | None], tmdb_id: int, day: date) -> N | None:
    """Return a value of a day or, where there is none, of the day before it."""
    value = of(tmdb_id, day)
    return of(tmdb_id, ago(day, 1)) if value is None else value


def less(one: float | None, other: float | None) -> float | None:
    """Return the difference, None when either is unknown."""
    return None if one is None or other is None else one - other


def percent(past: float | None, now: float | None) -> float | None:
    """Return by how many percent a value has grown."""
    return None if past is None or now is None or past <= 0 else 100 * (now - past) / past


def coefficient(past_votes: int | None, votes: int | None, past: float | None, now: float | None) -> float | None:
    """Return the viral coefficient."""
    if past_votes is None or votes is None or past is None or now is None:
        return None
    raw = 60 * (votes - past_votes) / max(past_votes, 1) + 40 * (now - past) / max(past, 1)
    return min(100.0, max(0.0, raw))


def category(value: float | None) -> str | None:
    """Return the class of a viral coefficient."""
    if value is None:
        return None
    return next((name for bound, name in BOUNDS if value >= bound), "Not Viral")


def percent_ranks(values: dict[int, float | None]) -> dict[int, float]:
    """Return the percent rank of each known value: the share of the others that are lower."""
    known = [value for value in values.values() if value is not None]
    others = max(len(known) - 1, 1)
    return {key: sum(other < value for other in known) / others for key, value in values.items() if value is not None}


def ranks(values: dict[int, float | None]) -> dict[int, int]:
    """Return the place of each film whose value is known, the highest first and the lower id among equals."""
    known = sorted((-value, key) for key, value in values.items() if value is not None)
    return {key: place for place, (_, key) in enumerate(known, 1)}


def metrics_of_day(history: History, day: date, top: int) -> dict[int, dict[str, Any]]:
    """Return every metric of every film that was seen on the day or ranks on the day compared with."""
    compared = _compared(history, day)
    before = {film: history.popularity(film, ago(day, compared)) if compared else None for film in history.seen}
    films = [
        film
        for film in history.seen
        if any(value is not None for value in history.seen[film].get(day, NOTHING)[:2]) or before[film] is not None
    ]
    rows = {film: _alone(history, film, day) for film in films}
    votes_growth: dict[int, float | None] = {film: _votes_growth(history, film, day) for film in films}
    value_growth: dict[int, float | None] = {film: _value_growth(history, film, day) for film in films}
    by_votes, by_value = percent_ranks(votes_growth), percent_ranks(value_growth)
    now, then = ranks({film: row["popularity"] for film, row in rows.items()}), ranks(before)
    for film, row in rows.items():
        score = 60 * by_votes[film] + 40 * by_value[film] if film in by_votes and film in by_value else None
        fast = row["vote_velocity"] is not None and row["vote_velocity"] >= 50
        capped = score if score is None or fast else min(score, 59.9)
        rank, rank_before = now.get(film), then.get(film)
        inside, was_inside = rank is not None and rank <= top, rank_before is not None and rank_before <= top
        joined, departed = bool(compared) and inside and not was_inside, was_inside and not inside
        change = less(rank_before, rank)
        row |= {
            "viral_score": score,
            "viral_score_category": category(capped),
            "rank": rank,
            "rank_before": rank_before,
            "rank_change": None if joined or departed else change,
            "joined": joined,
            "departed": departed,
        }
    return rows


def _compared(history: History, day: date) -> int:
    def seen(days: int) -> int:
        return sum(history.popularity(film, ago(day, days)) is not None for film in history.seen)

    return next((days for days in (1, 2) if seen(days) >= 0.5 * seen(0)), 0)


def _votes_growth(history: History, film: int, day: date) -> float | None:
    votes, past = history.votes(film, day), tolerant(history.votes, film, ago(day, 7))
    return None if votes is None or past is None else (votes - past) / (past + 50)


def _value_growth(history: History, film: int, day: date) -> float | None:
    value, past = history.popularity(film, day), tolerant(history.popularity, film, ago(day, 7))
    return None if value is None or past is None else math.log((value + 1) / (past + 1))


def _alone(history: History, film: int, day: date) -> dict[str, Any]:
    """Return the metrics that need no other film."""
    p = [history.popularity(film, ago(day, k)) for k in range(21)]
    v = [history.votes(film, ago(day, k)) for k in range(21)]
    p7, p14 = (tolerant(history.popularity, film, ago(day, k)) for k in (7, 14))
    v7, v14 = (tolerant(history.votes, film, ago(day, k)) for k in (7, 14))
    week = [value for value in p[:7] if value is not None]
    monday = day.weekday()
    this_week = [value for value in p[: monday + 1] if value is not None]
    last_week = [value for value in p[monday + 1 : monday + 8] if value is not None]
    gains = [now - past for now, past in pairwise(v[7:15]) if now is not None and past is not None]
    mean = fmean(week) if len(week) >= 4 else None
    wow, dod_percent = less(p[0], p7), percent(p[1], p[0])
    velocity = None if v[0] is None or v7 is None else (v[0] - v7) / 7
    earlier = None if v7 is None or v14 is None else (v7 - v14) / 7
    acceleration = less(velocity, earlier)
    viral, viral_before = coefficient(v7, v[0], p7, p[0]), coefficient(v14, v7, p14, p7)
    votes_dod, votes_before = less(v[0], v[1]), fmean(gains) if gains else None
    known = {one: numbers[0] for one, numbers in history.seen[film].items() if one <= day and numbers[0] is not None}
    peak = max(known.values(), default=None)
    first = min(known, default=None)
    return {
        "popularity": p[0],
        "votes": v[0],
        "score": history.seen[film].get(day, NOTHING)[2],
        "dod": less(p[0], p[1]),
        "dod_percent": dod_percent,
        "mean_7d": mean,
        "deviation_7d": less(p[0], mean),
        "volatility_7d": stdev(week) if len(week) >= 4 else None,
        "wow": wow,
        "wow_percent": percent(p7, p[0]),
        "week_mean": fmean(this_week) if this_week else None,
        "week_mean_before": fmean(last_week) if last_week else None,
        "week_percent": percent(fmean(last_week), fmean(this_week)) if this_week and last_week else None,
        "week_peak": max(this_week, default=None),
        "week_low": min(this_week, default=None),
        "momentum": _momentum(p[0], dod_percent, first, day),
        "vote_velocity": velocity,
        "vote_acceleration": acceleration,
        "engagement": _engagement(velocity),
        "votes_dod": votes_dod,
        "votes_dod_before": votes_before,
        "engagement_trend": _direction(less(votes_dod, votes_before)),
        "viral_coefficient": viral,
        "viral_coefficient_before": viral_before,
        "viral_category": category(viral),
        "trend": _trend(velocity, wow),
        "emerging": _emerging(acceleration, velocity, viral),
        "breakout": _breakout(viral, viral_before),
        "first_day": first,
        "peak": peak,
        "peak_day": min((one for one, value in known.items() if value == peak), default=None),
    }


def _momentum(value: float | None, change: float | None, first: date | None, day: date) -> str | None:
    if value is None:
        return None
    if change is None:
        return "New" if first is not None and (day - first).days < 2 else "Insufficient"
    bounds = ((10, "Surging"), (5, "Rising"), (-5, "Stable"), (-10, "Declining"))
    return next((name for bound, name in bounds if change > bound), "Falling")


def _engagement(velocity: float | None) -> str | None:
    if velocity is None:
        return None
    bounds = ((100, "Viral"), (50, "High"), (20, "Moderate"), (5, "Low"))
    return next((name for bound, name in bounds if velocity >= bound), "Minimal")


def _direction(change: float | None) -> str | None:
    if change is None:
        return None
    return "Rising" if change > 0 else "Falling" if change < 0 else "Steady"


def _trend(velocity: float | None, wow: float | None) -> str | None:
    if wow is None:
        return None
    if velocity is not None and velocity > 50 and wow > 10:
        return "Viral"
    return "Rising" if wow > 5 else "Declining" if wow < -5 else "Stable"


def _emerging(acceleration: float | None, velocity: float | None, viral: float | None) -> bool | None:
    if acceleration is None or velocity is None or viral is None:
        return None
    return acceleration > 0 and velocity >= 10 and (viral > 30 or acceleration > 5)


def _breakout(now: float | None, before: float | None) -> str | None:
    if now is None or before is None or now < 40 or now <= before:
        return None
    if before < 20:
        return "Major"
    if before < 40 and now >= 60:
        return "Strong"
    return "Rapid" if now - before >= 20 else "Steady"
