"""The hours of a film's day, each against the same hour of the same weekday in the four weeks before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.coverage import MILLISECONDS_PER_HOUR
from clickhouse.mention_numbers import BASELINE_DAYS, Reach, shrunk_z

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from clickhouse.mention_trends import Stand

WEEKS: Final = 4
# Of fewer known weeks neither a mean nor a variance says what is usual.
LEAST_WEEKS: Final = 3
WEEK_MS: Final = 7 * MILLISECONDS_PER_DAY


HourCounts: TypeAlias = "Mapping[tuple[date, int], int]"
"""Mentions by UTC day and hour, where there are any."""


@dataclass(frozen=True, slots=True)
class HourTalk:
    """A film's mentions in one hour, by the names of `mention_measures.HOURS`; `hour` 0 to 23, UTC."""

    hour: int
    mentions: int | None
    usual: float | None
    usual_weeks: int
    burst: float | None


def compared_days(day: date) -> list[date]:
    """Return a day and those that its hours are compared with."""
    return [day - timedelta(weeks=weeks) for weeks in range(WEEKS + 1)]


@dataclass(frozen=True, slots=True)
class Hourly:
    """A film's days that are read by the hour, each in its first `cut_ms` milliseconds alone."""

    days: frozenset[date] = frozenset()
    cut_ms: int = 0

    @classmethod
    def of(cls, day: date, elapsed: int) -> Self:
        """Return the days for the hours of a day of which so many milliseconds have passed.

        While it is not over they are those that its metrics compare it with too, since these are cut likewise.
        """
        before = range(BASELINE_DAYS + 1) if elapsed < MILLISECONDS_PER_DAY else ()
        return cls(frozenset([*compared_days(day), *(day - timedelta(days=ago) for ago in before)]), elapsed)


@dataclass(frozen=True, slots=True)
class HoursTold:
    """A film's mentions by the hour, and how far the mentions of days reach that are told by themselves."""

    counts: HourCounts = field(default_factory=dict)
    reaches: Mapping[date, Reach] = field(default_factory=dict)

    @classmethod
    def by(cls, rows: Iterable[Mapping[str, Any]], kept: Collection[date]) -> Self:
        """Return what rows of days tell; `kept`: those of which they do not tell how far their mentions reach."""
        told = list(rows)
        counts = {(row["day"], hour): mentions for row in told for hour, mentions in row["hours"].items()}
        # Of communities a row tells which there are.
        reaches = {
            row["day"]: Reach.of({**row, "communities": len(row["communities"])})
            for row in told
            if row["day"] not in kept
        }
        return cls(counts, reaches)


def hour_talks(stand: Stand, counts: HourCounts) -> tuple[HourTalk, ...]:
    """Return the hours of a day that have begun at the highest event time counted."""
    known = _known(stand)
    days = compared_days(stand.day)
    hours = range(-(-stand.elapsed // MILLISECONDS_PER_HOUR))
    return tuple(_hour_talk(hour, [counts.get((day, hour), 0) for day in days], known[hour::24]) for hour in hours)


def _hour_talk(hour: int, counts: Sequence[int], known: Sequence[bool]) -> HourTalk:
    """Return one hour of a day against those of the weeks before, where these are known; the burst is that of a day."""
    mentions = counts[0]
    others = [count for count, flag in zip(counts[1:], known[1:], strict=True) if flag]
    usual = fmean(others) if others else None
    burst = None
    if known[0] and len(others) >= LEAST_WEEKS:
        burst = shrunk_z(mentions, others)
    return HourTalk(hour, mentions if known[0] or mentions else None, usual, len(others), burst)


def _known(stand: Stand) -> list[bool]:
    """Return by the hour of the day, and 24 more for each week before it, whether what has passed of it is known."""
    flags = []
    for week in range(WEEKS + 1):
        start = stand.period.start_ms - week * WEEK_MS
        for hour in range(24):
            begin = hour * MILLISECONDS_PER_HOUR
            end = min(begin + MILLISECONDS_PER_HOUR, stand.elapsed)
            known = begin < end and stand.polls.is_complete(start + begin, start + end, stand.furthest)
            flags.append(known)
    return flags
