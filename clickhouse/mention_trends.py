"""Trends of mentions: what a day's talk says of each film, in the order of one of its metrics.

`measures.MENTIONS` says what each metric is. A film that nobody mentions has no row on a day: whether that is zero or
unknown is decided by how much of the day the polls of Reddit know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import together
from clickhouse.closed import read_reached
from clickhouse.coverage import REDDIT, read_polls
from clickhouse.mention_numbers import BASELINE_DAYS, KnownDays
from clickhouse.mention_reading import Reading
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, Period, chosen_period, instant, today

if TYPE_CHECKING:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionQuestion:
    """What is asked.

    `now_ms`: the wall time, which only decides which day today is. `closer`: when a day is closed. `day`: None for
    today, or the latest day with data before it. `community`: only mentions there, whatever the name's case.
    `least_confidence`: only mentions that the linker was at least so sure of, 0 to 1. `limit`: films at most. `film`:
    one film alone, 0 for all. `at_ms`: as it was known at that instant, milliseconds; 0 is now.
    """

    by: MentionRanking
    now_ms: int
    closer: Closer
    day: date | None = None
    community: str | None = None
    least_confidence: float = 0.0
    limit: int = 20
    film: int = 0
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class MentionReport:
    """The films of a day in an order, and what the numbers rest on.

    `chosen`: why this day: asked for, today, or the latest with data. `as_of`: highest event time counted, None without
    data. `state`: final once the day is closed in every partition. `elapsed_share`: how much of the day had passed at
    `as_of`; where that is not all of it, the days before count up to the same time of day. `coverage`: of the day so
    far, its polls not counted. `baseline_days`: how many of the 28 days before are known. `films`: a film's title and
    release date, then its metrics by name. `known_at`: the instant as of which all this was known, None for now.
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
    known_at: datetime | None = None
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_mention_trends(client: Client, question: MentionQuestion) -> MentionReport:
    """Return the films of a day by one of the metrics of their mentions.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    stand = read_stand(client, question.day, now_ms=question.now_ms, at_ms=question.at_ms)
    known = known_days(stand)
    coverage, _ = stand.polls.over_days(stand.period.start_ms, stand.period.end_ms, stand.furthest)
    return MentionReport(
        by=question.by,
        day=stand.day,
        chosen=stand.chosen,
        community=question.community,
        least_confidence=question.least_confidence,
        as_of=None if stand.reached is None else instant(stand.furthest),
        state=stand.reached.state_of(stand.day, question.closer) if stand.reached else "provisional",
        elapsed_share=stand.elapsed / MILLISECONDS_PER_DAY,
        coverage=coverage,
        baseline_days=known.baseline,
        films=tuple(_films(client, question, stand, known)),
        known_at=instant(question.at_ms) if question.at_ms else None,
    )


@dataclass(frozen=True, slots=True)
class Stand:
    """A day, how far the stream has come in it, and what is known of it and the 28 days before.

    `elapsed`: how much of the day had passed at the highest event time counted, milliseconds.
    """

    chosen: Literal["asked", "today", "latest"]
    period: Period
    reached: Reached | None
    elapsed: int
    polls: Polls

    @property
    def day(self) -> date:
        """The day."""
        return self.period.first

    @property
    def furthest(self) -> int:
        """Highest event time counted, milliseconds; 0 without data."""
        return self.reached.furthest if self.reached else 0


def read_stand(client: Client, day: date | None, *, now_ms: int = 0, at_ms: int = 0) -> Stand:
    """Return how a day stands; None for today, or the latest day with data before it."""
    likely = today(now_ms) if day is None else Period(day, day)
    reached, polls = together(lambda: read_reached(client, at_ms), lambda: read_known(client, likely, at_ms))
    _, period = chosen_period(None if day is None else likely, now_ms, reached)
    return stand_of(day, now_ms, reached, polls if period == likely else read_known(client, period, at_ms))


def read_known(client: Client, period: Period, at_ms: int) -> Polls:
    """Return how far the polls of Reddit reached on a day and on the days that it is compared with."""
    first = period.start_ms - BASELINE_DAYS * MILLISECONDS_PER_DAY
    return read_polls(client, REDDIT, first, period.end_ms, until=at_ms or None, counted=False)


def stand_of(day: date | None, now_ms: int, reached: Reached | None, polls: Polls) -> Stand:
    """Return how a day stands by what is known of the counts and the polls."""
    chosen, period = chosen_period(None if day is None else Period(day, day), now_ms, reached)
    return Stand(chosen, period, reached, elapsed_of(period, reached), polls)


def known_days(stand: Stand) -> KnownDays:
    """Return which days are known well enough: of the days before, the part alone that has passed of the day."""
    starts = [stand.period.start_ms - ago * MILLISECONDS_PER_DAY for ago in range(BASELINE_DAYS + 1)]
    ends = [stand.period.end_ms, *(start + max(1, stand.elapsed) for start in starts[1:])]
    spans = zip(starts, ends, strict=True)
    flags = tuple(stand.polls.is_complete(start, end, stand.furthest) for start, end in spans)
    return KnownDays(flags, stand.day.isoweekday())


def elapsed_of(period: Period, reached: Reached | None) -> int:
    """Return how much of a day had passed at the highest event time counted, milliseconds."""
    if reached is None:
        return 0
    return max(0, min(reached.furthest + 1, period.end_ms) - period.start_ms)


def _films(client: Client, question: MentionQuestion, stand: Stand, known: KnownDays) -> list[dict[str, Any]]:
    """Return films with their names and metrics, in the order asked for; none of a day that nothing has reached."""
    if not stand.elapsed:
        return []
    reading = Reading(client, question, stand.day, stand.elapsed, kept_days(stand.reached, question.at_ms))
    return reading.measured(reading.listed(known), known)


def kept_days(reached: Reached | None, at_ms: int) -> frozenset[date]:
    """Return the days whose mentions lie in a row a film. What was written by an instant may be less of a day."""
    days = reached.kept if reached else frozenset()
    return days if not at_ms else frozenset(day for day in days if Period(day, day).end_ms <= at_ms)
