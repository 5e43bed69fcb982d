"""The hours of a film's day, each against the same hour of the same weekday in the four weeks before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask
from clickhouse.coverage import MILLISECONDS_PER_HOUR
from clickhouse.mention_numbers import shrunk_z

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse.client import Client
    from clickhouse.mention_trends import Stand

WEEKS: Final = 4
# Of fewer known weeks neither a mean nor a variance says what is usual.
LEAST_WEEKS: Final = 3
WEEK_MS: Final = 7 * MILLISECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class HourTalk:
    """A film's mentions in one hour, by the names of `mention_measures.HOURS`; `hour` 0 to 23, UTC."""

    hour: int
    mentions: int | None
    usual: float | None
    usual_weeks: int
    burst: float | None


def read_mention_hours(client: Client, tmdb_id: int, stand: Stand) -> tuple[HourTalk, ...]:
    """Return the hours of a day that have begun at the highest event time counted.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    hours = range(-(-stand.elapsed // MILLISECONDS_PER_HOUR))
    if not hours:
        return ()
    kept = stand.reached.kept if stand.reached else frozenset()
    days = [stand.day - timedelta(weeks=weeks) for weeks in range(WEEKS + 1)]
    rows = ask(
        client,
        "mention_hours",
        kept=[day for day in days if day in kept],
        rows=[day for day in days if day not in kept],
        day=stand.day,
        film=tmdb_id,
        cut_ms=stand.elapsed,
    )
    counts = {row["place"]: row["mentions"] for row in rows}
    known = _known(stand)
    return tuple(hour_talk(hour, counts, known) for hour in hours)


def hour_talk(hour: int, counts: Mapping[int, int], known: Sequence[bool]) -> HourTalk:
    """Return one hour of a day against those of the weeks before, where these are known.

    `counts` and `known`: by the hour of the day, and 24 more for each week before. The burst is that of a day.
    """
    mentions = counts.get(hour, 0)
    places = range(hour + 24, 24 * (WEEKS + 1), 24)
    others = [counts.get(place, 0) for place in places if known[place]]
    usual = fmean(others) if others else None
    burst = None
    if known[hour] and len(others) >= LEAST_WEEKS:
        burst = shrunk_z(mentions, others)
    return HourTalk(hour, mentions if known[hour] or mentions else None, usual, len(others), burst)


def _known(stand: Stand) -> list[bool]:
    """Return of each hour of the day, and of the same weekdays before it, whether what has passed of it is known."""
    flags = []
    for week in range(WEEKS + 1):
        start = stand.period.start_ms - week * WEEK_MS
        for hour in range(24):
            begin = hour * MILLISECONDS_PER_HOUR
            end = min(begin + MILLISECONDS_PER_HOUR, stand.elapsed)
            known = begin < end and stand.polls.is_complete(start + begin, start + end, stand.furthest)
            flags.append(known)
    return flags
