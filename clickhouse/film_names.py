"""What films are called in an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clickhouse.ask import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse.client import Client


class FilmNames:
    """Titles and release dates of some films, of which the catalogue may not know every one."""

    def __init__(self, known: Sequence[dict[str, Any]]) -> None:
        self._known = {row["tmdb_id"]: row for row in known}

    def title(self, tmdb_id: int) -> str:
        """Return a film's title, or its number where it has none."""
        return self._of(tmdb_id, "title") or f"film {tmdb_id}"

    def release_date(self, tmdb_id: int) -> str | None:
        """Return the day of a film's release, `2026-10-20`, None where nobody knows."""
        day: str | None = self._of(tmdb_id, "release_date")
        return day

    def titled(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row of a film with its name, which stands behind its number."""
        tmdb_id = row["tmdb_id"]
        named = {"tmdb_id": tmdb_id, "title": self.title(tmdb_id), "release_date": self.release_date(tmdb_id)}
        return {**named, **row}

    def _of(self, tmdb_id: int, name: str) -> Any:
        return self._known.get(tmdb_id, {}).get(name)


def read_names(client: Client, films: Sequence[int]) -> FilmNames:
    """Return what the films are called; none is asked for where there is none.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    return FilmNames(ask(client, "film_names", films=films) if films else [])
