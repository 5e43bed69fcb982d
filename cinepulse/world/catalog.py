"""The films that the loopback TMDB knows: facts from the shipped list, or a catalogue given as CSV."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cinepulse.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TextIO

SHIPPED: Final = Path(__file__).with_name("films.csv")
GZIP_MAGIC: Final = b"\x1f\x8b"
NEEDED_COLUMNS: Final = ("tmdb_id", "title")


@dataclass(frozen=True, slots=True)
class Film:
    """One film; an unknown text is "", an unknown number 0, as TMDB writes them.

    `release_date`: ISO day. `genre_ids`: TMDB's. `popularity` and `vote_count`: where the world starts from.
    """

    tmdb_id: int
    title: str
    original_title: str
    original_language: str
    release_date: str
    genre_ids: tuple[int, ...]
    director: str
    popularity: float
    vote_count: int
    vote_average: float
    imdb_id: str
    aliases: tuple[str, ...]

    @property
    def year(self) -> str:
        """The release year, "" when unknown."""
        return self.release_date[:4]


@dataclass(frozen=True, slots=True)
class Films:
    """A loaded catalogue: the films by id, and how many rows were skipped because no film could be read from them."""

    by_id: Mapping[int, Film]
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.by_id)


def load_films(path: Path = SHIPPED) -> Films:
    """Read a CSV catalogue, plain or gzip; of two rows with one id the first counts.

    Columns: `tmdb_id` and `title`; optionally `original_title`, `original_language`, `release_date` (or `year`),
    `genre_ids` ("[1, 2]" or "1|2"), `director`, `popularity`, `vote_count`, `vote_average`, `imdb_id`, and `aliases` or
    `alt_titles` ("|" between them).

    Raises ConfigurationInvalid when the file cannot be read or lacks a needed column.
    """
    try:
        with _open_text(path) as lines:
            return _read(csv.reader(lines), path)
    except (OSError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise ConfigurationInvalid(f"catalogue {path}: {error}") from error


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as probe:
        packed = probe.read(2) == GZIP_MAGIC
    binary = gzip.open(path, "rb") if packed else path.open("rb")  # noqa: SIM115 - the text layer closes it
    return io.TextIOWrapper(binary, encoding="utf-8-sig", newline="")


def _read(rows: Iterator[list[str]], path: Path) -> Films:
    header = next(rows, list[str]())
    missing = [name for name in NEEDED_COLUMNS if name not in header]
    if missing:
        raise ConfigurationInvalid(f"catalogue {path}: no column {' or '.join(missing)}")
    by_id: dict[int, Film] = {}
    skipped = 0
    for row in rows:
        film = film_of(dict(zip(header, row, strict=False)))
        if film is None:
            skipped += 1
        else:
            by_id.setdefault(film.tmdb_id, film)
    return Films(by_id, skipped)


def film_of(row: Mapping[str, str]) -> Film | None:
    """Return the film of one CSV row, None when it has no id or no title."""
    tmdb_id, title = _whole(row.get("tmdb_id")), row.get("title", "").strip()
    if tmdb_id <= 0 or not title:
        return None
    return Film(
        tmdb_id=tmdb_id,
        title=title,
        original_title=row.get("original_title") or title,
        # Few languages and genre sets repeat over a whole catalogue: shared objects keep it small.
        original_language=sys.intern(row.get("original_language") or "en"),
        release_date=row.get("release_date") or "",
        genre_ids=_genre_ids(row.get("genre_ids") or ""),
        director=row.get("director") or "",
        popularity=_number(row.get("popularity")),
        vote_count=_whole(row.get("vote_count")),
        vote_average=_number(row.get("vote_average")),
        imdb_id=row.get("imdb_id") or "",
        aliases=_parts(row.get("aliases") or row.get("alt_titles") or ""),
    )


_GENRE_SETS: Final[dict[str, tuple[int, ...]]] = {}


def _genre_ids(text: str) -> tuple[int, ...]:
    found = _GENRE_SETS.get(text)
    if found is None:
        digits = text.strip("[]").replace("|", ",").split(",")
        found = _GENRE_SETS[text] = tuple(int(part) for part in digits if part.strip().isdecimal())
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip()) if text else ()


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _whole(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return int(_number(text))
