"""The metrics of a day's mentions in plain Python, written from their formulas and not from the query.

Slow and simple: one film, one day, one metric at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import fmean, stdev, variance
from typing import Any

from cinepulse.authors import distinct_authors

Post = tuple[str, int, int | None, int | None]
"""Community, score, comments and author's observation of a post that mentions a film."""


@dataclass
class Talk:
    """How often films were mentioned, which days are known, and the posts of the day asked about."""

    counts: dict[int, dict[date, tuple[int, int]]] = field(default_factory=dict)
    """Submissions and comments, by film and day."""
    known: set[date] = field(default_factory=set)
    posts: dict[int, list[Post]] = field(default_factory=dict)

    def add(self, tmdb_id: int, day: date, submissions: int, comments: int) -> None:
        """Note a film's counts of a day."""
        self.counts.setdefault(tmdb_id, {})[day] = (submissions, comments)

    def counted(self, tmdb_id: int, day: date) -> int:
        """Return the mentions counted, whether the day is known or not."""
        return sum(self.counts[tmdb_id].get(day, (0, 0)))

    def n(self, tmdb_id: int, day: date) -> int | None:
        """Return the mentions of a day: zero where it is known and nobody mentioned the film, None where unknown."""
        return self.counted(tmdb_id, day) if day in self.known else None


def ago(day: date, days: int) -> date:
    """Return the calendar day so many days before."""
    return day - timedelta(days=days)


def less(one: float | None, other: float | None) -> float | None:
    """Return the difference, None when either is unknown."""
    return None if one is None or other is None else one - other


def percent(past: float | None, now: float | None) -> float | None:
    """Return by how many percent a count has grown."""
    return None if past is None or now is None or past == 0 else 100 * (now - past) / past


def metrics_of_day(talk: Talk, day: date) -> dict[int, dict[str, Any]]:
    """Return every metric of every film that was ever mentioned."""
    total = sum(talk.counted(film, day) for film in talk.counts)
    return {film: _of_film(talk, film, day, total) for film in talk.counts}


def _of_film(talk: Talk, film: int, day: date, total: int) -> dict[str, Any]:
    n = [talk.n(film, ago(day, back)) for back in range(29)]
    counted = talk.counted(film, day)
    submissions, comments = talk.counts[film].get(day, (0, 0))
    told = counted > 0 or day in talk.known
    posts = talk.posts.get(film, [])
    week = [one for one in n[:7] if one is not None]
    since_monday = [one for one in n[: day.isoweekday()] if one is not None]
    week_before = [one for one in n[day.isoweekday() : day.isoweekday() + 7] if one is not None]
    month = [one for one in n[1:] if one is not None]
    n7 = n[8] if n[7] is None else n[7]
    n14 = n[15] if n[14] is None else n[14]
    mean = fmean(week) if len(week) >= 4 else None
    this_week, last_week = (fmean(days) if days else None for days in (since_monday, week_before))
    velocity = None if n[0] is None or n7 is None else (n[0] - n7) / 7
    velocity_before = None if n7 is None or n14 is None else (n7 - n14) / 7
    return {
        "mentions": counted if told else None,
        "submissions": submissions if told else None,
        "comments": comments if told else None,
        "dod": less(n[0], n[1]),
        "dod_percent": percent(n[1], n[0]),
        "mean_7d": mean,
        "deviation_7d": less(n[0], mean),
        "volatility_7d": stdev(week) if len(week) >= 4 else None,
        "wow": less(n[0], n7),
        "wow_percent": percent(n7, n[0]),
        "week_mean": this_week,
        "week_mean_before": last_week,
        "week_percent": percent(last_week, this_week),
        "week_peak": max(since_monday, default=None),
        "week_low": min(since_monday, default=None),
        "momentum": _momentum(n),
        "velocity": velocity,
        "acceleration": less(velocity, velocity_before),
        "share": counted / total if told and total else None,
        "communities": len({community for community, *_ in posts}) if told else None,
        "engagement_weight": _weight(posts) if told else None,
        "authors": _authors(posts, counted) if told else None,
        "usual": fmean(month) if month else None,
        "usual_days": len(month),
        "burst": burst(n[0], month),
    }


def burst(now: int | None, before: list[int]) -> float | None:
    """Return the shrunk z of a count among those before it."""
    if now is None or len(before) < 7:
        return None
    return (now - fmean(before)) / math.sqrt(variance(before) + fmean(before) + 1)


def _authors(posts: list[Post], counted: int) -> float | None:
    seen = [observation for *_, observation in posts if observation is not None]
    return distinct_authors(seen) if seen else 0.0 if counted == 0 else None


def _weight(posts: list[Post]) -> float:
    return math.fsum(math.log(1 + max(score, 0) + (comments or 0)) for _, score, comments, _ in posts)


def _momentum(n: list[int | None]) -> str | None:
    if n[0] is None:
        return None
    change = percent(n[1], n[0])
    if change is not None:
        bounds = ((10, "Surging"), (5, "Rising"), (-5, "Stable"), (-10, "Declining"))
        return next((name for bound, name in bounds if change > bound), "Falling")
    before = [one for one in n[2:] if one is not None]
    told = sum(one is not None for one in n[1:])
    fresh = n[0] + (n[1] or 0) > 0 and told >= 7 and not any(before)
    return "New" if fresh else "Insufficient"
