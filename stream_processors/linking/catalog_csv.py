"""A catalogue file's rows as films."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from cinepulse.errors import ConfigurationInvalid
from schemas.events import Movie

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REQUIRED = ("tmdb_id", "title")


def read_movies(lines: Iterable[str]) -> Iterator[Movie]:
    """Return the films of a CSV with a header; columns beyond those of a film are ignored, missing ones are unknown.

    `alt_titles` holds titles separated by `|`. A row without a usable id or title is left out. Raises
    ConfigurationInvalid when the header lacks a column that every film needs.
    """
    rows = csv.DictReader(lines)
    missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
    if missing:
        raise ConfigurationInvalid(f"the catalogue has no column {', '.join(missing)}; it needs {', '.join(REQUIRED)}")
    for row in rows:
        tmdb_id = _number(row["tmdb_id"])
        if tmdb_id is None or not row["title"]:
            continue
        votes = _number(row.get("vote_count"))
        yield Movie(
            tmdb_id=int(tmdb_id),
            title=row["title"],
            original_title=row.get("original_title") or None,
            original_language=row.get("original_language") or None,
            alternative_titles=_several(row.get("alt_titles")),
            directors=_several(row.get("directors")),
            cast=_several(row.get("cast")),
            release_date=row.get("release_date") or row.get("year") or None,
            imdb_id=row.get("imdb_id") or None,
            popularity=_number(row.get("popularity")),
            vote_count=None if votes is None else int(votes),
            vote_average=_number(row.get("vote_average")),
            observed_at=0,
            source="file",
        )


def _several(cell: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (cell or "").split("|") if part.strip())


def _number(cell: str | None) -> float | None:
    try:
        number = float(cell or "")
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None  # noqa: PLR2004 - also refuses NaN and infinity
