"""What the catalogue says of films, and which film a name means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import FilmUnknown
from clickhouse.ask import ask
from clickhouse.plain import printable
from clickhouse.trends import year_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse.client import Client

CANDIDATES: Final = 20
_ID: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Film:
    """What the catalogue says of a film; `release_date` is what TMDB gives for a date."""

    tmdb_id: int
    title: str
    original_title: str | None
    year: int | None
    release_date: str | None
    popularity: float | None
    vote_average: float | None
    genres: tuple[str, ...]
    directors: tuple[str, ...]


UNNAMED: Final = Film(0, "", None, None, None, None, None, (), ())
"""A film of which nothing is told."""


def id_of(wanted: str) -> int | None:
    """Return the TMDB id that a text may be; a title may be digits too."""
    return int(wanted) if _ID.fullmatch(wanted) else None


def find_film(client: Client, wanted: str) -> Film:
    """Return the film with that TMDB id, or else with that title, whatever its case and in any of its titles.

    Raises FilmUnknown when none answers, or several do: then the message lists them, with their ids.
    """
    (film,) = find_films(client, [wanted])
    return film


def find_films(client: Client, wanted: Sequence[str]) -> list[Film]:
    """As `find_film`, of several films."""
    ids = {one: tmdb_id for one in wanted if (tmdb_id := id_of(one)) is not None}
    rows = ask(client, "films_by_id", films=list(ids.values())) if ids else []
    by_id = {row["tmdb_id"]: _film(row) for row in rows}
    return [by_id.get(ids.get(one, -1)) or _titled(client, one) for one in wanted]


def _titled(client: Client, wanted: str) -> Film:
    found = ask(client, "movie_by_title", title=wanted.strip(), limit=CANDIDATES) if wanted.strip() else []
    exact = [row for row in found if row["exact"]] or found
    if len(exact) == 1:
        return _film(exact[0])
    if not exact:
        raise FilmUnknown(f"no film answers to {wanted!r}")
    listed = "".join(f"\n  {_candidate(_film(row))}" for row in exact)
    raise FilmUnknown(f"several films answer to {wanted!r}; name one by its id:{listed}")


def _film(row: dict[str, Any]) -> Film:
    return Film(
        tmdb_id=row["tmdb_id"],
        title=row["title"],
        original_title=row["original_title"],
        year=year_of(row["release_date"]),
        release_date=row["release_date"],
        popularity=row["popularity"],
        vote_average=row["vote_average"],
        genres=tuple(row["genres"]),
        directors=tuple(row["directors"]),
    )


def _candidate(film: Film) -> str:
    known_as = f", {film.original_title}" if film.original_title and film.original_title != film.title else ""
    return printable(f"{film.tmdb_id}  {film.title} ({film.year or 'year unknown'}{known_as})")
