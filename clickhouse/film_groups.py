"""The films of a day in groups: by age, by genre, viral ones against the rest; see `film_measures.GROUPS`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from clickhouse.ask import ask, ask_columns, together
from clickhouse.film_ranks import beside
from clickhouse.group_numbers import cohorts, greatest_coefficients, month_of, places_of, seen_films
from clickhouse.listing import Listing, read_with_basis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from clickhouse.ask import Columns
    from clickhouse.client import Client

Grouping = Literal["cohort", "genre", "viral"]

# Of fewer films, one more viral one is a tenth of the genre and more.
LEAST_FILMS: Final = 10
# Three of the weeks that end within 30 days end on this day, or 7 or 14 days before it.
MONTH_DAYS: Final = 21

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
        return _genres(client, day)
    numbers, catalogue = together(lambda: _numbers(client, day), lambda: ask_columns(client, "film_ages", day=day))
    seen = seen_films(numbers)
    (ages,) = beside(seen.ids, catalogue, ("age_days",), np.nan)
    groups = cohorts(ages) if by == "cohort" else seen.sides()
    return [seen.row(group, films, ages) for group, films in groups.items() if len(films)]


def _genres(client: Client, day: date) -> list[dict[str, Any]]:
    numbers, before, catalogue, genres = together(
        lambda: _numbers(client, day),
        lambda: _numbers(client, day - timedelta(days=MONTH_DAYS)),
        lambda: ask_columns(client, "film_ages", day=day),
        lambda: ask(client, "films_by_genre"),
    )
    seen = seen_films(numbers)
    (ages,) = beside(seen.ids, catalogue, ("age_days",), np.nan)
    ids, coefficients = greatest_coefficients(numbers, before)
    rows = []
    for genre in genres:
        of_genre = np.array(genre["films"], np.int64)
        films = places_of(seen.ids, of_genre)
        if len(films) >= LEAST_FILMS:
            month = month_of(coefficients[places_of(ids, of_genre)])
            rows.append({**seen.row(genre["genre"], films, ages), **month})
    return sorted(rows, key=lambda row: (-(row["viral_percent"] or 0), -row["films"], row["group"]))


def _numbers(client: Client, day: date) -> Columns:
    return ask_columns(client, "popularity_groups", "popularity_numbers", day=day)
