"""Trends of TMDB's numbers: what a day's snapshots say of each film, in the order of one of its metrics.

`measures.POPULARITY` says what each metric is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Literal

from clickhouse.ask import ask, ask_columns, together
from clickhouse.film_names import read_names
from clickhouse.film_past import Past, Place, film_metrics
from clickhouse.measures import POPULARITY as MEASURES
from clickhouse.popularity_orders import FORTNIGHT, Ranking, films_of, has_yesterday, listed
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from clickhouse.ask import Columns
    from clickhouse.client import Client

__all__ = ["PopularityQuestion", "PopularityReport", "Ranking", "read_popularity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PopularityQuestion:
    """What is asked: `day` None for the latest with a snapshot, `top` the places whose joiners and leavers count."""

    by: Ranking
    day: date | None = None
    limit: int = 20
    top: int = 100


@dataclass(frozen=True, slots=True)
class PopularityReport:
    """The films of a day in an order, and what the numbers rest on.

    `as_of`: last snapshot of the day. `state`: final once a later day was seen. `seen`, `seen_before`: films seen on
    the day and on the day before. `compared_days`: how many days ago the day lies that ranks are compared with, None
    without one. `films`: a film's title and release date, then its metrics by name. `qualified`: films that could be
    listed, whatever the limit.
    """

    by: Ranking
    day: date | None
    as_of: datetime | None
    state: Literal["provisional", "final"]
    seen: int
    seen_before: int
    compared_days: int | None
    films: tuple[dict[str, Any], ...]
    qualified: int = 0
    day_zone: str = DAY_ZONE
    attribution: str = ATTRIBUTION


def read_popularity(client: Client, question: PopularityQuestion) -> PopularityReport:
    """Return the films of a day by one of their metrics.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    day = question.day
    if day is None:
        (reached,) = ask(client, "popularity_reached", day=None)
        numbers = None if reached["day"] is None else _numbers(client, reached["day"], question.by)
    else:
        (reached,), numbers = together(
            lambda: ask(client, "popularity_reached", day=day),
            lambda: _numbers(client, day, question.by),
        )
    if numbers is None or reached["latest_day"] is None:
        return PopularityReport(question.by, reached["day"], None, "provisional", 0, 0, None, ())
    films = films_of(numbers, question.top)
    rows, qualified = listed(films, question.by, question.limit)
    return PopularityReport(
        by=question.by,
        day=reached["day"],
        as_of=None if reached["as_of_ms"] is None else instant(reached["as_of_ms"]),
        state="final" if reached["latest_day"] > reached["day"] else "provisional",
        seen=reached["films"],
        seen_before=reached["films_before"],
        compared_days=(films.compared_days if rows else 0) or None,
        films=_whole(client, reached["day"], rows, question.top),
        qualified=qualified,
    )


def _numbers(client: Client, day: date, by: Ranking) -> Columns:
    """Return the numbers of every film of a day that an order compares."""
    if by not in FORTNIGHT:
        week = ask_columns(client, "popularity_week", "popularity_numbers", day=day)
        if has_yesterday(week):
            return week
    return ask_columns(client, "popularity_fortnight", "popularity_numbers", day=day)


def _whole(client: Client, day: date, rows: list[tuple[int, Place]], top: int) -> tuple[dict[str, Any], ...]:
    """Return the films listed with their titles and their metrics."""
    if not rows:
        return ()
    ids = [tmdb_id for tmdb_id, _ in rows]
    names, seen = together(
        lambda: read_names(client, ids), lambda: ask(client, "popularity_history", day=day, films=ids)
    )
    pasts = {row["tmdb_id"]: row for row in seen}
    return tuple(
        names.titled(_film(tmdb_id, film_metrics(_past(pasts[tmdb_id]), place, day, top))) for tmdb_id, place in rows
    )


def _past(row: dict[str, Any]) -> Past:
    height, peak_day = row["peak"]
    known = row["first_day"] is not None
    return Past(
        # The type names UTC, and the client leaves the zone out.
        seen_at=row["seen_at"].replace(tzinfo=UTC),
        popularity=dict(row["popularity"]),
        votes=dict(row["votes"]),
        score=next(iter(row["score"]), None),
        first_day=row["first_day"],
        peak=-height if known else None,
        peak_day=peak_day if known else None,
    )


def _film(tmdb_id: int, metrics: dict[str, Any]) -> dict[str, Any]:
    return {"tmdb_id": tmdb_id, **{measure.name: metrics[measure.name] for measure in MEASURES}}
