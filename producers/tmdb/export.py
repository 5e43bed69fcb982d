"""The daily export: every film's id, original title and popularity in one gzip file of JSON lines.

https://developer.themoviedb.org/docs/daily-id-exports: made from 07:00 UTC, there by 08:00, kept for three months.
"""

from __future__ import annotations

import gzip
import heapq
import json
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.errors import InvalidRecord, Poison, SourceUnavailable
from producers.fields import INT_MAX, Fields, ignore
from producers.tmdb.client import TitleMissing
from schemas.events import Movie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from producers.tmdb.client import TmdbClient

# Today's file may be late or missing; one of the last week is still a catalogue.
DAYS_BACK: Final = 7

# A row has some 150 bytes.
MAX_LINE_BYTES: Final = 64 * 1024
MAX_TITLE_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Export:
    """A day's file, still compressed."""

    day: date
    body: bytes

    @property
    def observed_at(self) -> int:
        """The instant that its snapshots bear: the start of the UTC day in its name, epoch milliseconds.

        The same for every run, so that reading a file twice repeats records and does not add any.
        """
        return round(datetime.combine(self.day, time(), UTC).timestamp()) * MILLISECONDS_PER_SECOND


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One film of the export; ordered by popularity."""

    popularity: float
    tmdb_id: int
    original_title: str = field(compare=False)

    def movie(self, observed_at: int) -> Movie:
        """Return the film with what little the export tells."""
        return Movie(
            tmdb_id=self.tmdb_id,
            title=self.original_title,
            original_title=self.original_title,
            popularity=self.popularity,
            observed_at=observed_at,
            source="export",
        )


async def latest_export(client: TmdbClient, today: date, *, after: date | None = None) -> Export | None:
    """Return the newest file of the last week that is later than `after`; None when there is none.

    Raises SourceUnavailable.
    """
    for days_back in range(DAYS_BACK + 1):
        day = today - timedelta(days=days_back)
        if after is not None and day <= after:
            return None
        try:
            return Export(day, await client.file(f"p/exports/movie_ids_{day:%m_%d_%Y}.json.gz"))
        except TitleMissing:
            continue
    return None


def export_rows(body: bytes, wrong: Callable[[str], None] = ignore) -> Iterator[Row | Poison | None]:
    """Yield each line's film, why it can be none, or None for one that is left out: adult or without popularity.

    Raises SourceUnavailable when the file is not gzip or is cut off; the rows before are good.
    """
    for line in _lines(body):
        if line.strip():
            yield export_row(line, wrong)


class MostPopular:
    """The `size` most popular of the rows it is shown, in bounded memory."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[Row] = []

    def show(self, row: Row) -> None:
        """Consider a row."""
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, row)
        elif row > self._heap[0]:
            heapq.heapreplace(self._heap, row)

    def rows(self) -> list[Row]:
        """Return the rows kept, most popular first."""
        return sorted(self._heap, reverse=True)


def export_row(line: bytes, wrong: Callable[[str], None] = ignore) -> Row | Poison | None:
    """Return a line's film, why it can be none, or None for one that is left out: adult or without popularity."""
    try:
        raw: Any = json.loads(line)
    except (ValueError, RecursionError):
        return InvalidRecord("an export line that is not JSON", reason="not_json")
    data = Fields(raw, wrong)
    tmdb_id = data.integer("id", 1, INT_MAX)
    if tmdb_id is None:
        return InvalidRecord("an export line without an id", reason="missing_id")
    title, popularity = data.text("original_title", MAX_TITLE_CHARS), data.number("popularity", 0)
    if data.flag("adult") or popularity is None:
        return None
    if title is None or not title.strip():
        return InvalidRecord(f"film {tmdb_id} has no title in the export", reason="missing_title")
    return Row(popularity, tmdb_id, title.strip())


def _lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines, in pieces where one is longer than any row, so that a small file cannot swell in memory."""
    try:
        with gzip.open(BytesIO(body)) as file:
            while line := file.readline(MAX_LINE_BYTES):
                yield line
    except (EOFError, OSError, zlib.error) as error:
        raise SourceUnavailable(f"the export is not a whole gzip file: {error}") from None
