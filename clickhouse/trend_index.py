"""Talk and popularity together: the trend index, talk against rating, and films where talk and popularity go apart.

`film_measures.TOGETHER` says what each number is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask, together
from clickhouse.closed import read_reached
from clickhouse.kpis import KpiQuestion, read_kpi
from clickhouse.listing import Listing, read_basis
from clickhouse.mention_numbers import BASELINE_DAYS, LEAST_BASELINE_DAYS
from clickhouse.mention_trends import known_days, read_known, stand_of
from clickhouse.trends import Period, instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.closed import Reached

Together = Literal["index", "quadrants", "talked", "untalked"]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of the trend index weighs, together 1; a change of any is another `version`."""

    version: int
    mentions: float
    popularity: float
    votes: float
    authors: float


WEIGHTS: Final = Weights(version=1, mentions=0.45, popularity=0.25, votes=0.20, authors=0.10)

RANKS: Final = ("burst_rank", "popularity_growth_rank", "votes_growth_rank", "authors_rank")
COLUMNS: Final = (
    *(
        "tmdb_id",
        "title",
        "release_date",
        "trend_index",
        *RANKS,
        "burst",
        "popularity_growth",
        "votes_growth",
        "authors",
    ),
    *("mentions", "mentions_rank", "popularity", "popularity_rank", "divergence", "votes", "score"),
    *("weighted_rating", "quadrant"),
)
HEADLINES: Final[Mapping[Together, str]] = {
    "index": "Films by trend index",
    "quadrants": "Talk against rating",
    "talked": "Much talk, little popularity",
    "untalked": "Much popularity, little talk",
}
_APART: Final = ("title", "divergence", "mentions", "mentions_rank", "popularity", "popularity_rank")
SHOWN: Final[Mapping[Together, tuple[str, ...]]] = {
    "index": ("title", "trend_index", *RANKS),
    "quadrants": ("quadrant", "title", "mentions", "weighted_rating", "score", "votes"),
    "talked": _APART,
    "untalked": _APART,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TogetherQuestion:
    """What is asked: `day` None for the latest that both sources have reached; `limit`: films, a quadrant each."""

    by: Together
    today: date
    day: date | None = None
    limit: int = 20


def read_together(client: Client, question: TogetherQuestion) -> Listing:
    """Return the films that TMDB showed on a day by what talk and popularity say of them together.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    reached, basis = together(lambda: read_reached(client), lambda: read_basis(client, question.day, question.today))
    if question.day is None and reached is not None and instant(reached.furthest).date() < basis.day:
        basis = read_basis(client, instant(reached.furthest).date(), question.today)
    rating = KpiQuestion(name="weighted-rating", today=question.today, day=basis.day, limit=1)
    rated, known = together(lambda: read_kpi(client, rating).parameters, lambda: _known(client, basis.day, reached))
    rows = ask(
        client,
        "trend_index",
        by=question.by,
        day=basis.day,
        limit=question.limit,
        m=rated["m"] or 0.0,
        c=rated["c"] or 0.0,
        least_days=LEAST_BASELINE_DAYS,
        of_mentions=WEIGHTS.mentions,
        of_popularity=WEIGHTS.popularity,
        of_votes=WEIGHTS.votes,
        of_authors=WEIGHTS.authors,
        **known,
    )
    return Listing(
        name=question.by,
        headline=HEADLINES[question.by],
        basis=basis,
        columns=COLUMNS,
        shown=SHOWN[question.by],
        rows=_titled(client, rows),
        parameters=_parameters(question.by, rows, known, rated),
        note=None
        if known["known"][0]
        else "Talk of the day is not known well enough: its mentions are no whole number.",
    )


def _parameters(
    by: Together, rows: list[dict[str, Any]], known: Mapping[str, Any], rated: Mapping[str, object]
) -> dict[str, object]:
    """Return what the numbers were computed with."""
    found: dict[str, object] = {"qualified": rows[0]["qualified"] if rows else 0, "usual_days": known["month_days"]}
    if by == "index":
        found["weights"] = (
            f"v{WEIGHTS.version}: {WEIGHTS.mentions:g} burst, {WEIGHTS.popularity:g} popularity, "
            f"{WEIGHTS.votes:g} votes, {WEIGHTS.authors:g} authors"
        )
    if by == "quadrants":
        medians = {name: rows[0][name] if rows else None for name in ("median_mentions", "median_rating")}
        found |= {**medians, "m": rated["m"], "c": rated["c"]}
    return found


def _known(client: Client, day: date, reached: Reached | None) -> dict[str, Any]:
    """Return which of the day and the 28 before it are known, how much of it has passed, and what tells of each."""
    stand = stand_of(day, 0, reached, read_known(client, Period(day, day), 0))
    kept = reached.kept if reached else frozenset()
    before = [day - timedelta(days=ago) for ago in range(1, BASELINE_DAYS + 1)]
    is_part = stand.elapsed < MILLISECONDS_PER_DAY
    places = {
        "whole": [day] if is_part else [day, *before],
        "kept": [one for one in before if is_part and one in kept],
        "rows": [one for one in before if is_part and one not in kept],
        "kept_day": [day] if day in kept else [],
        "rows_day": [] if day in kept else [day],
    }
    # What the stream has not reached is not known, whatever was polled.
    flags = [int(flag and stand.elapsed > 0) for flag in known_days(stand).flags]
    return {"known": flags, "month_days": sum(flags[1:]), "cut_ms": stand.elapsed, **places}


def _titled(client: Client, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    if not rows:
        return ()
    names = {row["tmdb_id"]: row for row in ask(client, "film_names", films=[row["tmdb_id"] for row in rows])}
    unnamed: dict[str, Any] = {"title": None, "release_date": None}
    whole = []
    for row in rows:
        name = names.get(row["tmdb_id"], unnamed)
        whole.append({**row, "title": name["title"] or f"film {row['tmdb_id']}", "release_date": name["release_date"]})
    return tuple(whole)
