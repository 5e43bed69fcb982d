"""Films' days side by side: mentions, share of voice, popularity and votes, as known now or as known then.

A day without a mention is a true zero where enough of the day is known, and unknown elsewhere: coverage decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask, ask_over, together
from clickhouse.closed import EPOCH
from clickhouse.coverage import REDDIT, Polls, is_enough, read_polls
from clickhouse.then import ask_then, days_near
from clickhouse.trends import Period, instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.closed import Closer, Reached, State


@dataclass(frozen=True, slots=True)
class FilmDay:
    """A film on one UTC day.

    `mentions`: None where too little of the day is known to call it zero. `share_of_voice`: of all mentions of all
    films on the day, 0 to 1, None without any. `popularity`, `votes`: TMDB's last of the day, None where the film was
    not seen. `coverage_share`: how much of the day is known, None where nobody looked; `complete`: whether that is
    enough, None when unknown.
    """

    day: date
    mentions: int | None
    share_of_voice: float | None
    popularity: float | None
    votes: int | None
    state: State
    coverage_share: float | None
    complete: bool | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the days of some films are made of.

    `counted`: the films' counts, as the query of `counts_query` answers. `sums`: mentions of all films on each day.
    `popularity`: TMDB's last numbers of the films' days, as queries/history_popularity.sql answers.
    """

    counted: Sequence[dict[str, Any]]
    sums: Mapping[date, int]
    popularity: Sequence[dict[str, Any]]


def last_days(count: int, *, reached: Reached | None, now_ms: int) -> Period:
    """Return the `count` days up to today, or up to the latest day with a mention where that lies before."""
    last = instant(now_ms).date()
    if reached is not None and reached.latest_day != EPOCH:
        last = min(last, reached.latest_day)
    return Period(last - timedelta(days=count - 1), last)


def read_history(  # noqa: PLR0913 - what a day's numbers rest on
    client: Client,
    films: Sequence[int],
    period: Period,
    *,
    reached: Reached | None,
    closer: Closer,
    at_ms: int = 0,
) -> dict[int, tuple[FilmDay, ...]]:
    """Return each film's days of the period, in order, one for every day.

    `reached`: how far the counts have come. `at_ms`: as it was known at that instant, milliseconds; 0 is now.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    until = at_ms or None
    numbers, polls = together(
        lambda: read_numbers(client, films, period, at_ms=at_ms),
        lambda: read_polls(client, REDDIT, period.start_ms, period.end_ms, until=until, counted=False),
    )
    return days_of(films, period, numbers, polls, reached=reached, closer=closer)


def read_numbers(  # noqa: PLR0913 - what a day's numbers are read by
    client: Client,
    films: Sequence[int],
    period: Period,
    *,
    at_ms: int = 0,
    counted: Sequence[dict[str, Any]] | None = None,
    shares_from: date | None = None,
) -> Numbers:
    """Return the numbers of films on the days of a period.

    `at_ms`: as they were known at that instant, milliseconds; 0 is now. `counted`: the films' counts where they are
    read already, of the period at least. `shares_from`: the first day whose sums are read, None for all.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    asked: dict[str, Any] = {"first_day": period.first, "last_day": period.last, "at_ms": at_ms}
    told = together(
        lambda: ask(client, counts_query(at_ms), films=list(films), **asked) if counted is None else counted,
        lambda: read_sums(client, period.first if shares_from is None else shares_from, period.last, at_ms),
        lambda: ask(client, "history_popularity_then" if at_ms else "history_popularity", films=list(films), **asked),
    )
    return Numbers(*told)


def days_of(  # noqa: PLR0913 - what a day's numbers rest on
    films: Sequence[int],
    period: Period,
    numbers: Numbers,
    polls: Polls,
    *,
    reached: Reached | None,
    closer: Closer,
) -> dict[int, tuple[FilmDay, ...]]:
    """Return each film's days of the period, in order, one for every day; `polls`: what is recorded of Reddit's."""
    counts = {(row["film"], row["day"]): row for row in numbers.counted}
    seen = {(row["tmdb_id"], row["day"]): row for row in numbers.popularity}
    found: dict[int, list[FilmDay]] = {film: [] for film in films}
    open_day = reached.first_open_day(closer) if reached else 0
    for start in range(period.start_ms, period.end_ms, MILLISECONDS_PER_DAY):
        day = instant(start).date()
        share = polls.share(start, start + MILLISECONDS_PER_DAY, reached.furthest if reached else 0)
        closed = (day - EPOCH).days < open_day
        total = numbers.sums.get(day, 0)
        for film, days in found.items():
            days.append(_day(day, share, total, counts.get((film, day)), seen.get((film, day)), closed=closed))
    return {film: tuple(days) for film, days in found.items()}


def read_sums(client: Client, first: date, last: date, at_ms: int = 0) -> dict[date, int]:
    """Return the mentions of all films on each day that has any count, as they were known at an instant unless it is 0.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    asked = {"first_day": first, "last_day": last}
    if not at_ms:
        return {row["day"]: row["mentions"] for row in ask_over(client, "history_sums", "counts_within", **asked)}
    near = [day for day in days_near(at_ms) if first <= day <= last]
    sums: Counter[date] = Counter()
    for row in ask_then(client, "history_sums_changed", "history_sums_then", near, at_ms=at_ms, **asked):
        sums[row["day"]] += row["mentions"]
    return sums


def counts_query(at_ms: int) -> str:
    """Return the name of the query of films' counts by day: as they were known at an instant, or now where it is 0."""
    return "history_counts" if at_ms else "history_films"


def _day(  # noqa: PLR0913 - a day's parts
    day: date,
    known: float | None,
    total: int,
    counted: dict[str, Any] | None,
    seen: dict[str, Any] | None,
    *,
    closed: bool,
) -> FilmDay:
    mentions = counted["mentions"] if counted else 0
    told = mentions if mentions > 0 or is_enough(known) else None
    return FilmDay(
        day=day,
        mentions=told,
        share_of_voice=None if told is None or not total else told / total,
        popularity=seen["popularity"] if seen else None,
        votes=seen["votes"] if seen else None,
        state="final" if closed or (counted and counted["is_final"]) else "provisional",
        coverage_share=known,
        complete=is_enough(known),
    )
