"""A few films beside each other, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse.closed import read_reached
from clickhouse.history import last_days, read_history
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from clickhouse.client import Client
    from clickhouse.closed import Closer
    from clickhouse.films import Film
    from clickhouse.history import FilmDay
    from clickhouse.trends import Period

FEWEST: Final = 2
MOST: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareQuestion:
    """What is asked: `period` None for the last `days` days, as `last_days` has them.

    `now_ms`: the wall time, which only decides which day today is. `closer`: when a day is closed. `at_ms`: as it was
    known at that instant, milliseconds; 0 is now.
    """

    now_ms: int
    closer: Closer
    period: Period | None = None
    days: int = 30
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """One film and its days, in order, one for every day of the period."""

    film: Film
    days: tuple[FilmDay, ...]

    @property
    def mentions(self) -> int | None:
        """Mentions of the days of which they are known, None where they are of none."""
        known = [day.mentions for day in self.days if day.mentions is not None]
        return sum(known) if known else None

    @property
    def popularity(self) -> float | None:
        """The last popularity known in the period."""
        return next((day.popularity for day in reversed(self.days) if day.popularity is not None), None)

    @property
    def votes_gained(self) -> int | None:
        """Votes of the last day less those of the first of the days on which they are known, None for less than two."""
        known = [day.votes for day in self.days if day.votes is not None]
        return known[-1] - known[0] if len(known) > 1 else None


@dataclass(frozen=True, slots=True)
class CompareReport:
    """Films beside each other. `as_of`: highest event time counted; None without data.

    `known_at`: the instant as of which all this was known, None for now.
    """

    period: Period
    as_of: datetime | None
    films: tuple[Compared, ...]
    known_at: datetime | None = None
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_comparison(client: Client, films: Sequence[Film], question: CompareQuestion) -> CompareReport:
    """Return the films' days side by side.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    reached = read_reached(client, question.at_ms)
    now = question.at_ms or question.now_ms
    period = question.period or last_days(question.days, reached=reached, now_ms=now)
    found = read_history(
        client,
        [film.tmdb_id for film in films],
        period,
        reached=reached,
        closer=question.closer,
        at_ms=question.at_ms,
    )
    return CompareReport(
        period=period,
        as_of=None if reached is None else instant(reached.furthest),
        films=tuple(Compared(film, found[film.tmdb_id]) for film in films),
        known_at=instant(question.at_ms) if question.at_ms else None,
    )
