"""TMDB's daily files as popularity snapshots. They come in three forms, each told by its lines.

* TMDB's export of a day, `movie_ids_MM_DD_YYYY.json.gz`: id, title and popularity of every film;
* JSON lines with the fields of `tmdb.popularity`;
* CSV of list snapshots, a header first: `generated_at` or `date`, `list`, `tmdb_id`, `popularity` and more.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_DAY, MILLISECONDS_PER_SECOND, day_of, day_start
from cinepulse.errors import ConfigurationInvalid, InvalidRecord, Poison
from producers.backfill.posts import covering
from producers.backfill.reading import ORIGIN, Read
from producers.fields import INT_MAX, Fields
from producers.reddit.records import FUTURE_TOLERANCE_MS
from producers.tmdb.coerce import MAX_CODE_CHARS, read_movie, read_snapshot
from producers.tmdb.export import Row, export_row
from schemas.events import CoverageKey, TitleSnapshot
from schemas.topics import TMDB_MOVIES, TMDB_POPULARITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cinepulse.clock import Clock
    from producers.backfill.reading import Sending
    from producers.backfill.state import FileProgress
    from schemas.events import Movie, PollReport

TMDB: Final = "tmdb"
EXPORT: Final = "export"
EXPORT_NAME: Final = re.compile(r"(\w+?)_ids_(\d{2})_(\d{2})_(\d{4})\.json")

# Neither TMDB nor its lists are older.
EARLIEST: Final = datetime(2008, 1, 1, tzinfo=UTC)

# Films of one file that the catalogue lacks; a file with more is a catalogue, which the producer reads from TMDB.
MAX_NEW_FILMS: Final = 20_000

# The columns without which a CSV file is not one of list snapshots, and those that name its time.
NEEDED: Final = frozenset({"tmdb_id", "list"})
TIMES: Final = ("generated_at", "observed_at", "date")


def export_day(name: str) -> date | None:
    """Return the day in the name of an export file, None for another name.

    Raises ConfigurationInvalid for an export of something other than films, or a day that is none.
    """
    match = EXPORT_NAME.match(name)
    if match is None:
        return None
    if match[1] != "movie":
        raise ConfigurationInvalid(f"{name}: an export of {match[1]} ids: only films are counted")
    try:
        return date(int(match[4]), int(match[2]), int(match[3]))
    except ValueError:
        raise ConfigurationInvalid(f"{name}: no such day") from None


def instant_of(value: object) -> int | None:
    """Return epoch milliseconds of a whole number or of ISO 8601 text (UTC where it names no zone); None for others."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or len(value) > MAX_CODE_CHARS:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * MILLISECONDS_PER_SECOND)


@dataclass(slots=True)
class SnapshotLines:
    """Reads the lines of one file; `day`: what an export describes; `known`: ids of the films in the catalogue."""

    clock: Clock
    day: date | None
    known: Callable[[], set[int]]
    _columns: tuple[str, ...] | None = None
    _films: dict[int, Movie] = field(default_factory=dict)
    _list: tuple[str, int] = ("", 0)
    _listed: set[int] = field(default_factory=set)

    def read(self, line: bytes) -> Read | Poison | None:
        """Return what a line is, why it can be nothing, or None for a blank one and a header.

        Raises ConfigurationInvalid when the file is of another kind.
        """
        stripped = line.strip()
        if not stripped:
            return None
        if self._columns is not None:
            return self._row(stripped)
        if stripped.startswith(b"{"):
            return self._object(stripped) if b'"tmdb_id"' in stripped else self._exported(stripped)
        columns = _cells(stripped)
        # Only a first line can be a header; a later one that is no object is a broken line.
        if not isinstance(columns, Poison) and "tmdb_id" in columns:
            self._columns = _checked(columns)
            return None
        return InvalidRecord("neither a JSON object nor a CSV header with tmdb_id", reason="not_json")

    def pass_over(self, line: bytes) -> None:
        """Take the header and the films from lines that were sent before."""
        if not line.startswith(b"{"):
            self.read(line)

    def closing(self) -> Iterable[Sending]:
        """Return the films of the lists that the catalogue lacks: what is known there tells more."""
        known = self.known() if self._films else set()
        return [(TMDB_MOVIES, movie.tmdb_id, movie) for movie in self._films.values() if movie.tmdb_id not in known]

    def _object(self, line: bytes) -> Read | Poison:
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            return InvalidRecord(f"not JSON: {error}", reason="not_json")
        return self._snapshot(raw, raw.get("source"), raw.get("observed_at"))

    def _exported(self, line: bytes) -> Read | Poison | None:
        if self.day is None:
            raise ConfigurationInvalid(
                "a line of TMDB's export, and no day: name the file movie_ids_MM_DD_YYYY.json.gz or give --day"
            )
        row = export_row(line)
        if not isinstance(row, Row):
            return row
        first = round(datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC).timestamp()) * 1_000
        snapshot = TitleSnapshot(tmdb_id=row.tmdb_id, observed_at=first, source=EXPORT, popularity=row.popularity)
        return _sent(snapshot)

    def _row(self, line: bytes) -> Read | Poison | None:
        cells = _cells(line)
        if isinstance(cells, Poison):
            return cells
        columns = self._columns or ()
        if len(cells) != len(columns):
            return InvalidRecord(f"{len(cells)} cells, not {len(columns)}", reason="wrong_columns")
        raw: dict[str, Any] = {name: cell for name, cell in zip(columns, cells, strict=True) if cell != ""}
        raw.pop("genre_ids", None)
        time = next((raw[name] for name in TIMES if name in raw), None)
        read = self._snapshot(raw, raw.get("list"), time)
        if isinstance(read, Read) and len(self._films) < MAX_NEW_FILMS:
            movie = read_movie(raw | {"id": raw["tmdb_id"]}, "list", instant_of(time) or 0, {})
            if not isinstance(movie, Poison):
                self._films[movie.tmdb_id] = movie
        return read

    def _snapshot(self, raw: dict[str, Any], source: object, observed: object) -> Read | Poison:
        seen_at = instant_of(observed)
        earliest = EARLIEST.timestamp() * MILLISECONDS_PER_SECOND
        if seen_at is None or seen_at < earliest:
            return InvalidRecord("no time of observation", reason="invalid_observed")
        if seen_at > self.clock.now_ms() + FUTURE_TOLERANCE_MS:
            return InvalidRecord("observed in the future", reason="observed_in_future")
        name = Fields({"source": source}).text("source", MAX_CODE_CHARS)
        if name is None:
            return InvalidRecord("no source or list", reason="missing_source")
        data = Fields(raw)
        rank = data.integer("rank", 1, INT_MAX)
        snapshot = read_snapshot(raw | {"id": raw.get("tmdb_id")}, name, seen_at, rank=rank)
        if isinstance(snapshot, Poison):
            return snapshot
        return _sent(snapshot) if self._is_first(snapshot) else Read("repeated")

    def _is_first(self, snapshot: TitleSnapshot) -> bool:
        """Return whether a list's film comes for the first time: pages shift while they are read, as in live polls."""
        if self._list != (snapshot.source, snapshot.observed_at):
            self._list = (snapshot.source, snapshot.observed_at)
            self._listed.clear()
        if snapshot.tmdb_id in self._listed:
            return False
        # One list has some thousand films at most; an endless one must not fill the memory.
        if len(self._listed) < MAX_NEW_FILMS:
            self._listed.add(snapshot.tmdb_id)
        return True


@dataclass(frozen=True, slots=True)
class SnapshotFiles:
    """TMDB's daily files.

    Args:
        clock: says what lies in the future.
        known: returns the ids of the films in the catalogue.
        day: what an export describes whose name does not say it.
        mend: whether the files are whole, so that coverage may tell of them.
    """

    clock: Clock
    known: Callable[[], set[int]]
    day: date | None = None
    mend: bool = True
    name: str = TMDB

    def key(self, fingerprint: str) -> str:
        """Return what a file is remembered by: its content and the day given for it."""
        return f"{fingerprint}/{self.day or ''}"

    def reader(self, name: str) -> SnapshotLines:
        """Return a reader for a file of that name; raises ConfigurationInvalid for an export of something else."""
        return SnapshotLines(self.clock, export_day(name) or self.day, self.known)

    def worth_telling(self, _community: str) -> bool:
        """Return False: TMDB has no communities."""
        return False

    def coverage(self, progress: FileProgress) -> Iterable[tuple[CoverageKey, PollReport]]:
        """Return one report for each stretch of days of each list."""
        if not self.mend:
            return
        now = self.clock.now_ms()
        for number, (listing, (first, end)) in enumerate(progress.spans.stretches()):
            key = CoverageKey(source=TMDB, listing=listing)
            yield key, covering(now + number, first, end, progress.tally.sent)


def _sent(snapshot: TitleSnapshot) -> Read:
    """Return the line of a snapshot: it stands for its whole day."""
    first = day_start(day_of(snapshot.observed_at))
    sending = (TMDB_POPULARITY, snapshot.tmdb_id, replace(snapshot, origin=ORIGIN))
    return Read("sent", sending, snapshot.source, first, first + MILLISECONDS_PER_DAY - 1)


def _cells(line: bytes) -> Sequence[str] | Poison:
    try:
        return next(csv.reader([line.decode()], strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        return InvalidRecord(f"not CSV: {error}", reason="not_csv")


def _checked(columns: Sequence[str]) -> tuple[str, ...]:
    missing = NEEDED.difference(columns)
    if missing or not set(TIMES).intersection(columns):
        lacks = ", ".join(sorted(missing)) or "generated_at or date"
        raise ConfigurationInvalid(f"the CSV header has no column {lacks}")
    return tuple(columns)
