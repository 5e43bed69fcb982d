"""Trends of mentions: what a day's talk says of each film, in the order of one of its metrics.

`measures.MENTIONS` says what each metric is. A film that nobody mentions has no row on a day: whether that is zero or
unknown is decided by how much of the day the polls of Reddit know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask
from clickhouse.closed import read_reached
from clickhouse.coverage import REDDIT, read_polls
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, Period, chosen_period, instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from clickhouse.client import Client
    from clickhouse.closed import Closer, Reached, State
    from clickhouse.coverage import Coverage, Polls

MentionRanking = Literal[
    "burst",
    "share",
    "spread",
    "engagement",
    "authors",
    "mention-velocity",
    "mention-acceleration",
    "mention-gainers",
    "mention-decliners",
]

# Days before the day asked for that its burst is reckoned against.
BASELINE_DAYS: Final = 28
# Of fewer known days neither a mean nor a variance says what is usual.
LEAST_BASELINE_DAYS: Final = 7
# A film with a few mentions a week ago doubles by chance.
GAINER_FLOOR: Final = 5

WEEK: Final = 7
NEVER: Final = 255
"""Stands for no day in the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionQuestion:
    """What is asked.

    `now_ms`: the wall time, which only decides which day today is. `closer`: when a day is closed. `day`: None for
    today, or the latest day with data before it. `community`: only mentions there, whatever the name's case.
    `least_confidence`: only mentions that the linker was at least so sure of, 0 to 1. `limit`: films at most.
    """

    by: MentionRanking
    now_ms: int
    closer: Closer
    day: date | None = None
    community: str | None = None
    least_confidence: float = 0.0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class KnownDays:
    """Which of the day and the 28 days before it are known, as the query wants it.

    `flags`: the day first, then each day before it. `weekday`: that of the day, 1 is Monday.
    """

    flags: tuple[bool, ...]
    weekday: int

    @property
    def baseline(self) -> int:
        """How many of the days before are known."""
        return sum(self.flags[1:])

    def back(self, days: int) -> int:
        """Return how many days ago a day some weeks ago lies: a day more where that very day is unknown."""
        return next((ago for ago in (days, days + 1) if self.flags[ago]), NEVER)

    def parameters(self) -> dict[str, Any]:
        """Return what the query is told of them."""
        return {
            "known": [int(flag) for flag in self.flags],
            "weekday": self.weekday,
            "week_days": sum(self.flags[:WEEK]),
            "iso_days": sum(self.flags[: self.weekday]),
            "iso_days_before": sum(self.flags[self.weekday : self.weekday + WEEK]),
            "month_days": self.baseline,
            "week_back": self.back(WEEK),
            "fortnight_back": self.back(2 * WEEK),
        }


@dataclass(frozen=True, slots=True)
class MentionReport:
    """The films of a day in an order, and what the numbers rest on.

    `chosen`: why this day: asked for, today, or the latest with data. `as_of`: highest event time counted, None without
    data. `state`: final once the day is closed in every partition. `elapsed_share`: how much of the day had passed at
    `as_of`; where that is not all of it, the days before count up to the same time of day. `coverage`: of the day so
    far. `baseline_days`: how many of the 28 days before are known. `films`: a film's title and release date, then its
    metrics by name.
    """

    by: MentionRanking
    day: date
    chosen: Literal["asked", "today", "latest"]
    community: str | None
    least_confidence: float
    as_of: datetime | None
    state: State
    elapsed_share: float
    coverage: Coverage
    baseline_days: int
    films: tuple[dict[str, Any], ...]
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_mention_trends(client: Client, question: MentionQuestion) -> MentionReport:
    """Return the films of a day by one of the metrics of their mentions.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    reached = read_reached(client)
    asked = None if question.day is None else Period(question.day, question.day)
    chosen, period = chosen_period(asked, question.now_ms, reached)
    furthest = reached.furthest if reached else 0
    elapsed = _elapsed(period, reached)
    first = period.start_ms - BASELINE_DAYS * MILLISECONDS_PER_DAY
    polls = read_polls(client, REDDIT, first, period.end_ms)
    known = known_days(polls, period.first, elapsed, furthest)
    coverage, _ = polls.over_days(period.start_ms, period.end_ms, furthest)
    return MentionReport(
        by=question.by,
        day=period.first,
        chosen=chosen,
        community=question.community,
        least_confidence=question.least_confidence,
        as_of=None if reached is None else instant(reached.furthest),
        state=reached.state_of(period.last, question.closer) if reached else "provisional",
        elapsed_share=elapsed / MILLISECONDS_PER_DAY,
        coverage=coverage,
        baseline_days=known.baseline,
        films=_films(client, question, period.first, elapsed, known) if elapsed else (),
    )


def known_days(polls: Polls, day: date, elapsed: int, furthest: int) -> KnownDays:
    """Return which days are known well enough; of the days before, their first `elapsed` milliseconds alone count."""
    own = Period(day, day)
    flags = [polls.of(own.start_ms, own.end_ms, furthest).complete is True]
    for ago in range(1, BASELINE_DAYS + 1):
        start = own.start_ms - ago * MILLISECONDS_PER_DAY
        flags.append(polls.of(start, start + max(1, elapsed), furthest).complete is True)
    return KnownDays(tuple(flags), day.isoweekday())


def _elapsed(period: Period, reached: Reached | None) -> int:
    if reached is None:
        return 0
    return max(0, min(reached.furthest + 1, period.end_ms) - period.start_ms)


def _films(
    client: Client, question: MentionQuestion, day: date, elapsed: int, known: KnownDays
) -> tuple[dict[str, Any], ...]:
    rows = ask(
        client,
        "mention_trends",
        day=day,
        cut_ms=elapsed,
        community=question.community or "",
        least_confidence=question.least_confidence,
        by=question.by,
        floor=GAINER_FLOOR,
        least_days=LEAST_BASELINE_DAYS,
        limit=question.limit,
        **known.parameters(),
    )
    return _titled(client, rows)


def _titled(client: Client, rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    if not rows:
        return ()
    names = {row["tmdb_id"]: row for row in ask(client, "film_names", films=[row["tmdb_id"] for row in rows])}
    unnamed: dict[str, Any] = {"title": None, "release_date": None}
    return tuple(
        {
            "tmdb_id": row["tmdb_id"],
            "title": names.get(row["tmdb_id"], unnamed)["title"] or f"film {row['tmdb_id']}",
            "release_date": names.get(row["tmdb_id"], unnamed)["release_date"],
            **row,
        }
        for row in rows
    )
