"""Trends of TMDB's numbers: what a day's snapshots say of each film, in the order of one of its metrics.

`measures.POPULARITY` says what each metric is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Literal

from clickhouse.ask import ask, together
from clickhouse.film_past import Past, Place, film_metrics
from clickhouse.measures import POPULARITY as MEASURES
from clickhouse.popularity_orders import Ranking, order_text
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from clickhouse.client import Client

__all__ = ["GAINER_FLOOR", "PopularityQuestion", "PopularityReport", "Ranking", "read_popularity"]

# A film that hardly anybody looked at yesterday doubles by chance.
GAINER_FLOOR: Final = 5.0


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
        rows = [] if reached["day"] is None else _listed(client, question, reached["day"])
    else:
        asked = day
        (reached,), rows = together(
            lambda: ask(client, "popularity_reached", day=asked), lambda: _listed(client, question, asked)
        )
    day = reached["day"]
    if reached["latest_ms"] is None:
        return PopularityReport(question.by, day, None, "provisional", 0, 0, None, ())
    return PopularityReport(
        by=question.by,
        day=day,
        as_of=None if reached["as_of_ms"] is None else instant(reached["as_of_ms"]),
        state="final" if instant(reached["latest_ms"]).date() > day else "provisional",
        seen=reached["films"],
        seen_before=reached["films_before"],
        compared_days=(rows[0]["compared_days"] if rows else 0) or None,
        films=_whole(client, day, rows, question.top),
        qualified=rows[0]["qualified"] if rows else 0,
    )


def _listed(client: Client, question: PopularityQuestion, day: date) -> list[dict[str, Any]]:
    """Return the films listed and their places, in order."""
    asked = {"day": day, "top": question.top, "floor": GAINER_FLOOR, "limit": question.limit}
    return list(client.query(order_text(question.by), parameters=asked).named_results())


def _whole(client: Client, day: date, rows: list[dict[str, Any]], top: int) -> tuple[dict[str, Any], ...]:
    """Return the films listed with their titles and their metrics."""
    if not rows:
        return ()
    ids = [row["tmdb_id"] for row in rows]
    named, seen = together(
        lambda: ask(client, "film_names", films=ids), lambda: ask(client, "popularity_history", day=day, films=ids)
    )
    names, pasts = ({row["tmdb_id"]: row for row in found} for found in (named, seen))
    return tuple(_film(names.get(row["tmdb_id"], {}), _past(pasts[row["tmdb_id"]]), row, day, top) for row in rows)


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


def _film(name: dict[str, Any], past: Past, row: dict[str, Any], day: date, top: int) -> dict[str, Any]:
    place = Place(
        row["rank"], row["rank_before"], row["votes_growth_rank"], row["popularity_growth_rank"], row["compared_days"]
    )
    metrics = film_metrics(past, place, day, top)
    return {
        "tmdb_id": row["tmdb_id"],
        "title": name.get("title") or f"film {row['tmdb_id']}",
        "release_date": name.get("release_date"),
        **{measure.name: metrics[measure.name] for measure in MEASURES},
    }
