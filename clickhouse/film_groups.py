"""The films of a day in groups: by age, by genre, viral ones against the rest; see `film_measures.GROUPS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from clickhouse.ask import ask, together
from clickhouse.listing import Listing, read_with_basis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from clickhouse.client import Client

Grouping = Literal["cohort", "genre", "viral"]

# Of fewer films, one more viral one is a tenth of the genre and more.
LEAST_FILMS: Final = 10
COHORTS: Final = ("Upcoming", "New", "Recent", "Established", "Catalog", None)
SIDES: Final = ("viral", "rest", None)

HEADLINES: Final[Mapping[Grouping, str]] = {
    "cohort": "Films by age",
    "genre": "Genres by viral share",
    "viral": "Viral films against the rest",
}
COLUMNS: Final = (
    *("group", "films", "scored", "viral", "viral_percent", "mean_popularity", "mean_wow_percent"),
    *("mean_vote_velocity", "mean_viral_score", "mean_votes", "mean_score", "mean_age_days"),
)
MONTHLY: Final = ("films_30d", "viral_30d", "viral_percent_30d")
SHOWN: Final[Mapping[Grouping, tuple[str, ...]]] = {
    "cohort": ("group", "films", "viral_percent", "mean_popularity", "mean_wow_percent", "mean_vote_velocity"),
    "genre": ("group", "films", "viral_percent", *MONTHLY[1:], "mean_popularity", "mean_vote_velocity"),
    "viral": (
        *("group", "films", "mean_popularity", "mean_vote_velocity", "mean_viral_score", "mean_score"),
        "mean_age_days",
    ),
}


def read_groups(client: Client, by: Grouping, *, day: date | None, today: date) -> Listing:
    """Return the groups of a day's films; genres with ten films and more, the one with the highest share first.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    basis, rows = read_with_basis(client, day, today, lambda known: _rows(client, by, known))
    return Listing(
        name=by,
        headline=HEADLINES[by],
        basis=basis,
        columns=(*COLUMNS, *MONTHLY) if by == "genre" else COLUMNS,
        shown=SHOWN[by],
        rows=tuple(rows),
        parameters={"least_films": LEAST_FILMS} if by == "genre" else {},
    )


def _rows(client: Client, by: Grouping, day: date) -> list[dict[str, Any]]:
    if by == "genre":
        groups, weeks = together(
            lambda: ask(client, "popularity_groups", day=day, by=by),
            lambda: ask(client, "popularity_genre_weeks", day=day),
        )
        return _genres(groups, weeks)
    order: Sequence[str | None] = COHORTS if by == "cohort" else SIDES
    rows = ask(client, "popularity_groups", day=day, by=by)
    return sorted(rows, key=lambda row: order.index(row["group"]))


def _genres(rows: list[dict[str, Any]], weeks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {row["group"]: row for row in weeks}
    nothing = {"films_30d": 0, "viral_30d": 0, "viral_percent_30d": None}
    whole = [row | known.get(row["group"], nothing) for row in rows if row["films"] >= LEAST_FILMS]
    return sorted(whole, key=lambda row: (-(row["viral_percent"] or 0), -row["films"], row["group"]))
