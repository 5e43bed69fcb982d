"""A film's days in a row, as forecasts need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from clickhouse.ask import ask, together
from clickhouse.closed import read_reached
from clickhouse.coverage import REDDIT, read_polls
from clickhouse.history import counts_query
from clickhouse.listing import read_latest
from clickhouse.trends import Period, instant

if TYPE_CHECKING:
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.coverage import Polls

HISTORY_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Series:
    """A film's values on consecutive UTC days up to `last`, the oldest first; None is unknown. `last` None: no data."""

    last: date | None
    values: tuple[float | None, ...]

    @property
    def known(self) -> int:
        """Days with a value."""
        return sum(value is not None for value in self.values)


def read_mention_series(client: Client, tmdb_id: int, at_ms: int = 0) -> Series:
    """Return a film's mentions on the last 90 whole days.

    `at_ms`: as it was known at that instant, milliseconds; 0 is now. A day without a mention is a true zero where the
    polls know the day, and a day that they do not know is unknown, whatever was found on it.
    """
    reached = read_reached(client, at_ms)
    if reached is None:
        return Series(None, ())
    # The day that the stream has reached is not over.
    last = instant(reached.furthest).date() - timedelta(days=1)
    days = _days(last)
    period = Period(days[0], last)
    asked: dict[str, Any] = {"films": [tmdb_id], "first_day": days[0], "last_day": last, "at_ms": at_ms}
    polls: Polls
    polls, rows = together(
        lambda: read_polls(client, REDDIT, period.start_ms, period.end_ms, until=at_ms or None, counted=False),
        lambda: ask(client, counts_query(at_ms), **asked),
    )
    counted = {row["day"]: row["mentions"] for row in rows}

    def known(day: date) -> bool:
        own = Period(day, day)
        return polls.is_complete(own.start_ms, own.end_ms, reached.furthest)

    return Series(last, tuple(counted.get(day, 0) if known(day) else None for day in days))


def read_popularity_series(client: Client, tmdb_id: int, until: date | None = None) -> Series:
    """Return a film's popularity on the last 90 days, up to the latest with a snapshot of any film.

    `until`: up to this day at most.
    """
    latest = read_latest(client)
    if latest is None:
        return Series(None, ())
    last = min(latest, until or latest)
    days = _days(last)
    rows = ask(client, "film_popularity_days", tmdb_id=tmdb_id, first_day=days[0], last_day=last)
    seen = {row["day"]: row["value"] for row in rows}
    return Series(last, tuple(seen.get(day) for day in days))


def _days(last: date) -> list[date]:
    return [last - timedelta(days=ago) for ago in range(HISTORY_DAYS - 1, -1, -1)]
