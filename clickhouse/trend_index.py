"""Talk and popularity together: the trend index, talk against rating, and films where talk and popularity go apart.

`film_measures.TOGETHER` says what each number is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.ask import ask, together
from clickhouse.closed import read_reached
from clickhouse.listing import Listing, read_basis
from clickhouse.mention_numbers import LEAST_BASELINE_DAYS
from clickhouse.mention_trends import known_days, read_stand
from clickhouse.trend_parts import Together, Weights, listing_text, numbers_of
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from clickhouse.client import Client
    from clickhouse.mention_trends import Stand

__all__ = ["COLUMNS", "SHOWN", "WEIGHTS", "Together", "TogetherQuestion", "read_together"]

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
    day = question.day or _latest(client, question.today)
    basis, stand, (rated,) = together(
        lambda: read_basis(client, day, question.today),
        lambda: read_stand(client, day),
        lambda: ask(client, "rating_parameters", day=day),
    )
    known = _known(stand)
    rows = _listed(client, question, stand, known, rated)
    return Listing(
        name=question.by,
        headline=HEADLINES[question.by],
        basis=basis,
        columns=COLUMNS,
        shown=SHOWN[question.by],
        rows=_titled(client, [numbers_of(row, WEIGHTS) for row in rows]),
        parameters=_parameters(question.by, rows, known, rated),
        note=None if known[0] else "Talk of the day is not known well enough: its mentions are no whole number.",
    )


def _parameters(
    by: Together, rows: list[dict[str, Any]], known: Sequence[bool], rated: Mapping[str, object]
) -> dict[str, object]:
    """Return what the numbers were computed with."""
    found: dict[str, object] = {"qualified": rows[0]["qualified"] if rows else 0, "usual_days": sum(known[1:])}
    if by == "index":
        found["weights"] = (
            f"v{WEIGHTS.version}: {WEIGHTS.mentions:g} burst, {WEIGHTS.popularity:g} popularity, "
            f"{WEIGHTS.votes:g} votes, {WEIGHTS.authors:g} authors"
        )
    if by == "quadrants":
        medians = {name: rows[0][name] if rows else None for name in ("median_mentions", "median_rating")}
        found |= {**medians, "m": rated["m"], "c": rated["c"]}
    return found


def _latest(client: Client, today: date) -> date:
    """Return the latest day that both sources have reached, today without any snapshot."""
    reached, basis = together(lambda: read_reached(client), lambda: read_basis(client, None, today))
    shown: date = basis.day
    return shown if reached is None else min(shown, instant(reached.furthest).date())


def _known(stand: Stand) -> list[bool]:
    """Return which of the day and the 28 before it are known."""
    # What the stream has not reached is not known, whatever was polled.
    return [bool(flag and stand.elapsed > 0) for flag in known_days(stand).flags]


def _listed(
    client: Client, question: TogetherQuestion, stand: Stand, known: Sequence[bool], rated: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the films listed. Of a day that is not over, the days before count up to the same time."""
    kept = stand.reached.kept if stand.reached else frozenset()
    before = [stand.day - timedelta(days=ago) for ago, flag in enumerate(known) if flag and ago > 0]
    days: dict[str, Any] = {"whole": [stand.day, *before]}
    if stand.elapsed < MILLISECONDS_PER_DAY:
        parts = {"kept": [day for day in before if day in kept], "rows": [day for day in before if day not in kept]}
        days = {"whole": [stand.day], **parts, "cut_ms": stand.elapsed}
    asked = {
        "day": stand.day,
        "limit": question.limit,
        "m": rated["m"] or 0.0,
        "c": rated["c"] or 0.0,
        "is_known": int(known[0]),
        "month_days": len(before),
        "least_days": LEAST_BASELINE_DAYS,
        "of_mentions": WEIGHTS.mentions,
        "of_popularity": WEIGHTS.popularity,
        "of_votes": WEIGHTS.votes,
        "of_authors": WEIGHTS.authors,
    }
    counts = "counts_of_day_so_far" if "rows" in days else "counts_of_days"
    authors = "authors_of_kept_day" if stand.day in kept else "authors_of_day"
    return list(client.query(listing_text(question.by, counts, authors), parameters={**asked, **days}).named_results())


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
