"""What is trending: the films of a day or a range, by mentions, beside the period before it.

Formulas: share of voice is n_m / sum of n over all films; the change compares with the same elapsed share of the
period before, so that a morning is set against a morning and never against a whole day.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from cinepulse.clock import MILLISECONDS_PER_DAY, day_of
from clickhouse.ask import ask, ask_over, together
from clickhouse.closed import EPOCH, read_reached
from clickhouse.coverage import REDDIT, Coverage, read_polls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse.client import Client
    from clickhouse.closed import Closer, Reached, State
    from clickhouse.coverage import Polls

ATTRIBUTION: Final = "This product uses the TMDB API but is not endorsed or certified by TMDB."
DAY_ZONE: Final = "UTC"

# The linker's precision-first operating point, measured in docs/linking.md.
CERTAIN: Final = 0.8

# The counts and the polls, and both again for another day.
_BESIDE: Final = 4


@dataclass(frozen=True, slots=True)
class Period:
    """Whole UTC days from `first` to `last`, both within."""

    first: date
    last: date

    @property
    def start_ms(self) -> int:
        """First instant, milliseconds."""
        return (self.first - EPOCH).days * MILLISECONDS_PER_DAY

    @property
    def end_ms(self) -> int:
        """Instant after the last, milliseconds."""
        return ((self.last - EPOCH).days + 1) * MILLISECONDS_PER_DAY

    @property
    def before(self) -> Period:
        """The period of the same length that ends where this begins."""
        length = self.last - self.first + timedelta(days=1)
        return Period(self.first - length, self.first - timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsQuestion:
    """What is asked.

    `now_ms`: the wall time, which only decides which day today is. `closer`: when a day is closed. `community`: only
    mentions there, whatever the name's case. `least_confidence`: only mentions that the linker was at least so sure of,
    0 to 1. `limit`: films at most. `at_ms`: as it was known at that instant, milliseconds; 0 is now.
    """

    now_ms: int
    closer: Closer
    period: Period | None = None
    community: str | None = None
    least_confidence: float = 0.0
    limit: int = 20
    at_ms: int = 0

    @property
    def is_selected(self) -> bool:
        """Whether some of the mentions alone are asked for."""
        return bool(self.community) or self.least_confidence > 0


@dataclass(frozen=True, slots=True)
class FilmTrend:
    """One film in a period.

    `previous`: mentions of the period before up to the same elapsed share, None when nothing is known of it.
    `share_of_voice`: of all mentions of all films in the period, 0 to 1. `popularity`: TMDB's, last known at the
    period's end or first known after it, at `popularity_at`. `revised`: the count of one of its days changed after that
    day was closed.
    """

    rank: int
    tmdb_id: int
    title: str
    year: int | None
    mentions: int
    submissions: int
    comments: int
    previous: int | None
    share_of_voice: float
    communities: int
    popularity: float | None
    popularity_at: datetime | None
    revised: bool = False

    @property
    def change(self) -> int | None:
        """Mentions more than in the period before, None when that is unknown."""
        return None if self.previous is None else self.mentions - self.previous

    @property
    def change_share(self) -> float | None:
        """The change as a share of the period before, None when that is unknown or had no mention."""
        return None if not self.previous else (self.mentions - self.previous) / self.previous


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """How much is known of one UTC day."""

    day: date
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class TrendsReport:
    """The top films of a period, and what the numbers rest on.

    `as_of`: highest event time counted, None without data. `state`: final once its last day is closed in every
    partition. `revised`: counts of a film and day, of any film, that changed after the day was closed. `elapsed_share`:
    how much of the period had passed at `as_of`. `chosen`: why this period: asked for, today, or the latest with data.
    `days`: the coverage of each day that has begun. `previous_coverage`: that of the part of the period before that the
    change compares with. `known_at`: the instant as of which all this was known, None for now.
    """

    period: Period
    chosen: Literal["asked", "today", "latest"]
    community: str | None
    least_confidence: float
    as_of: datetime | None
    state: State
    revised: int
    elapsed_share: float
    mentions: int
    coverage: Coverage
    days: tuple[DayCoverage, ...]
    previous_coverage: Coverage
    films: tuple[FilmTrend, ...]
    known_at: datetime | None = None
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_trends(client: Client, question: TrendsQuestion) -> TrendsReport:
    """Return the top films of the period asked for; without one, of today, or of the latest day with data before it.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    likely = question.period or today(question.now_ms)
    with ThreadPoolExecutor(_BESIDE) as beside:
        counting = beside.submit(_counts, client, likely, question)
        polling = beside.submit(_polls, client, likely, question.at_ms)
        reached = read_reached(client, question.at_ms)
        chosen, period = chosen_period(question.period, question.now_ms, reached)
        if period != likely:
            counting = beside.submit(_counts, client, period, question)
            polling = beside.submit(_polls, client, period, question.at_ms)
        as_of = period.end_ms if reached is None else min(reached.furthest + 1, period.end_ms)
        elapsed = max(0, as_of - period.start_ms)
        counts = counting.result()
        # The polls are longest on their way, and nothing is asked by them.
        facts = _Facts.read(client, counts, period, elapsed, question, reached)
        polls = polling.result()
    furthest = reached.furthest if reached else 0
    coverage, days = polls.over_days(period.start_ms, period.end_ms, furthest)
    before = period.before.start_ms
    return TrendsReport(
        period=period,
        chosen=chosen,
        community=question.community,
        least_confidence=question.least_confidence,
        as_of=None if reached is None else instant(reached.furthest),
        state=reached.state_of(period.last, question.closer) if reached else "provisional",
        revised=facts.revised_film_days,
        elapsed_share=elapsed / (period.end_ms - period.start_ms) if reached else 0.0,
        mentions=counts[0]["all_mentions"] if counts else 0,
        coverage=coverage,
        days=tuple(DayCoverage(instant(start).date(), day) for start, day in days),
        previous_coverage=polls.of(before, before + max(1, elapsed), furthest),
        films=tuple(_film(rank, row, facts) for rank, row in enumerate(counts, start=1)),
        known_at=instant(question.at_ms) if question.at_ms else None,
    )


def today(now_ms: int) -> Period:
    """Return the UTC day that holds an instant, milliseconds."""
    day = EPOCH + timedelta(days=day_of(now_ms))
    return Period(day, day)


def instant(epoch_ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware UTC datetime."""
    return datetime.fromtimestamp(epoch_ms / 1_000, UTC)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known beside the counts, by film; and how many counts were revised after closing, and of which films.

    `is_compared`: whether anything was counted in the period before.
    """

    is_compared: bool
    comparison: dict[int, dict[str, Any]]
    shown: dict[int, dict[str, Any]]
    revised_film_days: int
    revised: frozenset[int]

    @classmethod
    def read(  # noqa: PLR0913, PLR0917 - what the films are compared by
        cls,
        client: Client,
        counts: Sequence[dict[str, Any]],
        period: Period,
        elapsed: int,
        question: TrendsQuestion,
        reached: Reached | None,
    ) -> _Facts:
        ids = [row["tmdb_id"] for row in counts]
        if not ids:
            return cls(False, {}, {}, 0, frozenset())
        kept = reached.kept if reached else frozenset()
        comparison, shown, revised, is_compared = together(
            lambda: _compared(client, ids, period, elapsed, question, kept),
            lambda: _shown(client, ids, period, question.at_ms),
            lambda: _revised(client, counts, period, question),
            lambda: _is_counted(client, period.before, question.at_ms, reached),
        )
        at_ms = question.at_ms
        # What was first seen later was not known then.
        unseen = {"popularity": None, "popularity_at_ms": None}
        return cls(
            is_compared,
            comparison,
            {
                row["tmdb_id"]: row | (unseen if at_ms and (row["popularity_at_ms"] or 0) > at_ms else {})
                for row in shown
            },
            *revised,
        )


def _compared(  # noqa: PLR0913, PLR0917 - what the films are compared by
    client: Client, films: list[int], period: Period, elapsed: int, question: TrendsQuestion, kept: frozenset[date]
) -> dict[int, dict[str, Any]]:
    """Return mentions of the period before and the number of communities, by film; a film without any is left out.

    Each day is told by its rows of films where it is kept, and by the mentions elsewhere.
    """
    asked: dict[str, Any] = {
        "films": films,
        "previous_cut_ms": period.before.start_ms + elapsed,
        "first_day": period.first,
    }
    places = _places(period, question, kept)
    # Of whole days nothing has to be looked for within them.
    by_row = "trends_compared_whole" if elapsed == period.end_ms - period.start_ms else "trends_compared_kept"
    by_rows, by_mentions = together(
        lambda: ask(client, by_row, days=places["kept"], **asked) if places["kept"] else [],
        lambda: _compared_by_mentions(client, places["rows"], asked, question) if places["rows"] else [],
    )
    found: dict[int, dict[str, Any]] = {}
    for row in (*by_rows, *by_mentions):
        film = found.setdefault(row["tmdb_id"], {"previous": 0, "communities": set()})
        film["previous"] += row["previous"]
        film["communities"] |= set(row["communities"])
    return {film: {**row, "communities": len(row["communities"])} for film, row in found.items()}


def _compared_by_mentions(
    client: Client, days: list[date], asked: dict[str, Any], question: TrendsQuestion
) -> list[dict[str, Any]]:
    if not (question.is_selected or question.at_ms):
        return ask(client, "trends_compared", days=days, **asked)
    selected = selection(question.community, question.least_confidence, question.at_ms)
    return ask(client, "trends_compared_selected", days=days, **asked, **selected)


def _is_counted(client: Client, period: Period, at_ms: int, reached: Reached | None) -> bool:
    """Return whether there is any count of a period."""
    if reached is not None and not at_ms:
        return reached.is_counted(period.first, period.last)
    (found,) = ask(client, "counted_between", first_day=period.first, last_day=period.last)
    return bool(found["is_counted"])


def _shown(client: Client, films: list[int], period: Period, at_ms: int) -> list[dict[str, Any]]:
    """Return title and popularity of the films at the end of the period, or at an instant within it."""
    if at_ms and at_ms < period.end_ms:
        return ask(client, "films_shown", films=films, at_ms=at_ms)
    shown = ask(client, "films_shown_on", films=films, day=period.last)
    # What TMDB showed later alone is looked for among all that it showed; nearly always there is none.
    known = {row["tmdb_id"] for row in shown if row["popularity"] is not None}
    later = [film for film in films if film not in known]
    rest = ask(client, "films_shown", films=later, at_ms=period.end_ms) if later else []
    return [*(row for row in shown if row["tmdb_id"] in known), *rest]


def _places(period: Period, question: TrendsQuestion, kept: frozenset[date]) -> dict[str, list[date]]:
    """Return by what the days of the period and of that before are told: by rows of films and days, or by mentions."""
    first = period.before.first
    days = [first + timedelta(days=place) for place in range((period.last - first).days + 1)]
    # What was written by an instant may be less of its day.
    whole = [day for day in days if not question.at_ms or Period(day, day).end_ms <= question.at_ms]
    chosen = {day for day in whole if day in kept and not question.is_selected}
    return {"kept": sorted(chosen), "rows": [day for day in days if day not in chosen]}


def _revised(
    client: Client, counts: Sequence[dict[str, Any]], period: Period, question: TrendsQuestion
) -> tuple[int, frozenset[int]]:
    """Return how many counts changed after their day was closed, and of which of the films."""
    if "all_revised_days" in counts[0]:
        films = frozenset(row["tmdb_id"] for row in counts if row["revised_days"])
        return counts[0]["all_revised_days"], films
    if question.at_ms:
        return 0, frozenset()
    ids = [row["tmdb_id"] for row in counts]
    (revised,) = ask(client, "revised_film_days", films=ids, first_day=period.first, last_day=period.last)
    return revised["film_days"], frozenset(revised["films"])


def _polls(client: Client, period: Period, at_ms: int) -> Polls:
    return read_polls(client, REDDIT, period.before.start_ms, period.end_ms, until=at_ms or None)


def chosen_period(
    asked: Period | None, now_ms: int, reached: Reached | None
) -> tuple[Literal["asked", "today", "latest"], Period]:
    """Return the period asked for or else today, or the latest day with data before it; and which of these it is."""
    if asked is not None:
        return "asked", asked
    current = today(now_ms)
    latest = current.first if reached is None or reached.latest_day == EPOCH else reached.latest_day
    return ("latest", Period(latest, latest)) if latest < current.first else ("today", current)


def _counts(client: Client, period: Period, question: TrendsQuestion) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {
        "first_day": period.first,
        "last_day": period.last,
        "limit": question.limit,
    }
    if not question.is_selected:
        if period.first == period.last and not question.at_ms:
            found = ask(client, "trends_counts_day", day=period.first, limit=question.limit)
            return [row for row in found if row["mentions"] > 0]
        return ask_over(client, "trends_counts", counts_within(question.at_ms), at_ms=question.at_ms, **asked)
    selected = selection(question.community, question.least_confidence, question.at_ms)
    return ask(client, "trends_counts_selected", **selected, **asked)


def counts_within(at_ms: int) -> str:
    """Return the name of the query of all films' counts by day: as known at an instant, or now where it is 0."""
    return "counts_within_then" if at_ms else "counts_within"


def selection(community: str | None, least_confidence: float, at_ms: int) -> dict[str, Any]:
    """Return a selection of mentions as the queries take it; `community` None for all, `at_ms` 0 for now."""
    return {"community": community or "", "least_confidence": least_confidence, "at_ms": at_ms}


def _film(rank: int, row: dict[str, Any], facts: _Facts) -> FilmTrend:
    tmdb_id = row["tmdb_id"]
    compared, shown = facts.comparison.get(tmdb_id, {}), facts.shown.get(tmdb_id, {})
    popularity_at = shown.get("popularity_at_ms")
    return FilmTrend(
        rank=rank,
        tmdb_id=tmdb_id,
        title=shown.get("title") or f"film {tmdb_id}",
        year=year_of(shown.get("release_date")),
        mentions=row["mentions"],
        submissions=row["submissions"],
        comments=row["comments"],
        previous=compared["previous"] if facts.is_compared and compared else None,
        share_of_voice=row["mentions"] / row["all_mentions"],
        communities=compared.get("communities", 0),
        popularity=shown.get("popularity"),
        popularity_at=None if popularity_at is None else instant(popularity_at),
        revised=tmdb_id in facts.revised,
    )


def year_of(release_date: str | None) -> int | None:
    """Return the year of an ISO 8601 date, None for anything else."""
    try:
        return date.fromisoformat(release_date).year if release_date else None
    except ValueError:
        return None
