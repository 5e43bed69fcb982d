"""Trends of TMDB's numbers: what a day's snapshots say of each film, in the order of one of its metrics.

`measures.POPULARITY` says what each metric is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Literal

from clickhouse.ask import ask
from clickhouse.measures import POPULARITY as MEASURES
from clickhouse.trends import ATTRIBUTION, DAY_ZONE, instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from clickhouse.client import Client

Ranking = Literal[
    "popularity",
    "rank",
    "gainers",
    "decliners",
    "velocity",
    "acceleration",
    "viral",
    "coefficient",
    "emerging",
    "breakout",
    "joiners",
    "leavers",
    "risers",
]

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
    (reached,) = ask(client, "popularity_reached", day=question.day)
    day = reached["day"]
    if reached["latest_ms"] is None:
        return PopularityReport(question.by, day, None, "provisional", 0, 0, None, ())
    rows = ask(
        client,
        "popularity_trends",
        day=day,
        by=question.by,
        top=question.top,
        floor=GAINER_FLOOR,
        limit=question.limit,
    )
    compared = {row.pop("compared_days") for row in rows}
    qualified = {row.pop("qualified") for row in rows}
    return PopularityReport(
        by=question.by,
        day=day,
        as_of=None if reached["as_of_ms"] is None else instant(reached["as_of_ms"]),
        state="final" if instant(reached["latest_ms"]).date() > day else "provisional",
        seen=reached["films"],
        seen_before=reached["films_before"],
        compared_days=next(iter(compared), 0) or None,
        films=_whole(client, day, rows),
        qualified=next(iter(qualified), 0),
    )


def _whole(client: Client, day: date, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return the films listed with their titles and with what their own history says of them."""
    if not rows:
        return ()
    ids = [row["tmdb_id"] for row in rows]
    names = {row["tmdb_id"]: row for row in ask(client, "film_names", films=ids)}
    histories = {row["tmdb_id"]: row for row in ask(client, "popularity_history", day=day, films=ids)}
    return tuple(_film(names.get(row["tmdb_id"], {}), row | histories[row["tmdb_id"]]) for row in rows)


def _film(name: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    # The type names UTC, and the client leaves the zone out.
    metrics["seen_at"] = metrics["seen_at"].replace(tzinfo=UTC)
    return {
        "tmdb_id": metrics["tmdb_id"],
        "title": name.get("title") or f"film {metrics['tmdb_id']}",
        "release_date": name.get("release_date"),
        **{measure.name: metrics[measure.name] for measure in MEASURES},
    }
