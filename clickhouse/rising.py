"""What is rising or fading right now: the talk of a window against the time before it.

A film's expected mentions are its own of the time before, times the volume: how the typical film's mentions compare.
So an outage of the poller or the quiet of a night, which every film has alike, makes none of them rise or fade.
`measures.NOW` has the formulas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from clickhouse.ask import ask, together
from clickhouse.closed import read_reached
from clickhouse.coverage import REDDIT, Coverage, read_polls
from clickhouse.film_names import read_names
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, instant, year_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from clickhouse.client import Client
    from clickhouse.film_names import FilmNames

Direction = Literal["rising", "fading"]

HOUR_SECONDS: Final = 3_600.0
WEEK_SECONDS: Final = 7 * 86_400.0

# A name needs so many mentions, seen or expected: fewer are chance.
SUPPORT: Final = 8
# The talk of a film swings by a tenth without a reason, however many take part.
SWING: Final = 0.1
BURST_SCORE: Final = 4.0
BURST_RATIO: Final = 3.0
RISE_SCORE: Final = 3.0
RISE_RATIO: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RisingQuestion:
    """What is asked: the last `window` seconds of event time, against the `before` seconds before them."""

    by: Direction = "rising"
    window: float = HOUR_SECONDS
    before: float = WEEK_SECONDS
    limit: int = 20


@dataclass(frozen=True, slots=True)
class RisingFilm:
    """A film's talk, by the names of `measures.NOW`."""

    tmdb_id: int
    title: str
    year: int | None
    now: int
    before: int
    volume: float
    expected: float
    ratio: float
    score: float
    state: str


@dataclass(frozen=True, slots=True)
class RisingReport:
    """The films that rise or fade most, and what the numbers rest on.

    `as_of`: highest event time counted, the window's end; None without data. `coverage` is of the window,
    `before_coverage` of the time before it, both None without data.
    """

    by: Direction
    window_seconds: float
    before_seconds: float
    as_of: datetime | None
    coverage: Coverage | None
    before_coverage: Coverage | None
    films: tuple[RisingFilm, ...]
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_rising(client: Client, question: RisingQuestion) -> RisingReport:
    """Return the films that rise, or fade, most.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    reached = read_reached(client)
    if reached is None:
        return RisingReport(question.by, question.window, question.before, None, None, None, ())
    until = reached.furthest
    since = until - round(question.window * 1_000)
    begin = since - round(question.before * 1_000)
    first, last = instant(begin).date(), instant(until).date()
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    rows, polls = together(
        lambda: _rows(client, question, {"from_ms": begin, "since_ms": since, "until_ms": until}, days, reached.kept),
        lambda: read_polls(client, REDDIT, begin, until + 1, counted=False),
    )
    names = read_names(client, [row["tmdb_id"] for row in rows])
    return RisingReport(
        by=question.by,
        window_seconds=question.window,
        before_seconds=question.before,
        as_of=instant(until),
        coverage=polls.of(since + 1, until + 1, until + 1),
        before_coverage=polls.of(begin + 1, since + 1, until + 1),
        films=tuple(_film(row, names) for row in rows),
    )


def _rows(
    client: Client, question: RisingQuestion, window: dict[str, int], days: list[date], kept: frozenset[date]
) -> list[dict[str, Any]]:
    return ask(
        client,
        "rising",
        **window,
        by=question.by,
        kept=[day for day in days if day in kept],
        rows=[day for day in days if day not in kept],
        limit=question.limit,
        support=SUPPORT,
        swing=SWING,
        burst_score=BURST_SCORE,
        burst_ratio=BURST_RATIO,
        rise_score=RISE_SCORE,
        rise_ratio=RISE_RATIO,
    )


def _film(row: dict[str, Any], names: FilmNames) -> RisingFilm:
    return RisingFilm(
        tmdb_id=row["tmdb_id"],
        title=names.title(row["tmdb_id"]),
        year=year_of(names.release_date(row["tmdb_id"])),
        now=row["now"],
        before=row["before"],
        volume=row["volume"],
        expected=row["expected"],
        ratio=row["ratio"],
        score=row["score"],
        state=row["state"],
    )
