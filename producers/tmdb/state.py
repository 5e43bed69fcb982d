"""What the TMDB producer remembers: which films it has published, from which source, and when it saw their details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from producers.database import FOLDER, Database

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS films (
    tmdb_id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    fingerprint BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS details (
    tmdb_id INTEGER PRIMARY KEY,
    asked_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS popularity (
    tmdb_id INTEGER PRIMARY KEY,
    popularity REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS popularity_order ON popularity (popularity);
"""

# SQLite takes at least 999 bound values in a statement, whatever its build.
BOUND: Final = 900


@dataclass(frozen=True, slots=True)
class Published:
    """A film as it was last published: its source and a digest of its content."""

    source: str
    fingerprint: bytes


class TmdbState(Database):
    """The producer's memory; every writing method is one transaction."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir / FOLDER / "tmdb.sqlite", SCHEMA)

    def published(self, tmdb_ids: Iterable[int]) -> dict[int, Published]:
        """Return what was last published of these films; those never published are not among them."""
        wanted = list(tmdb_ids)
        found: dict[int, Published] = {}
        for start in range(0, len(wanted), BOUND):
            part = wanted[start : start + BOUND]
            marks = ",".join("?" * len(part))
            rows = self.connection.execute(
                f"SELECT tmdb_id, source, fingerprint FROM films WHERE tmdb_id IN ({marks})",  # noqa: S608 - only marks
                part,
            )
            found |= {tmdb_id: Published(source, fingerprint) for tmdb_id, source, fingerprint in rows}
        return found

    def save_published(self, films: Iterable[tuple[int, Published]]) -> None:
        """Remember films whose records Kafka has confirmed."""
        with self.connection:
            self.connection.executemany(
                "INSERT OR REPLACE INTO films VALUES (?, ?, ?)",
                [(tmdb_id, film.source, film.fingerprint) for tmdb_id, film in films],
            )

    def save_asked(self, tmdb_ids: Iterable[int], now: int) -> None:
        """Remember whose details were asked for at `now`, epoch milliseconds, whatever the answer was."""
        with self.connection:
            self.connection.executemany(
                "INSERT OR REPLACE INTO details VALUES (?, ?)", [(tmdb_id, now) for tmdb_id in tmdb_ids]
            )

    def save_popularity(self, films: Iterable[tuple[int, float]], *, replace: bool) -> None:
        """Remember popularities; `replace`: films not among them are no longer in the catalogue."""
        with self.connection:
            if replace:
                self.connection.execute("DELETE FROM popularity")
            self.connection.executemany("INSERT OR REPLACE INTO popularity VALUES (?, ?)", films)

    def without_details(self, tracked: int, limit: int, asked_before: int) -> list[int]:
        """Return films of the `tracked` most popular whose details are missing or were asked for long ago.

        The missing first, then the oldest; at most `limit`. `asked_before`: epoch milliseconds.
        """
        rows = self.connection.execute(
            "SELECT tmdb_id FROM (SELECT tmdb_id FROM popularity ORDER BY popularity DESC, tmdb_id LIMIT ?)"
            " LEFT JOIN details USING (tmdb_id) WHERE coalesce(asked_at, 0) < ? ORDER BY coalesce(asked_at, 0), tmdb_id"
            " LIMIT ?",
            (tracked, asked_before, limit),
        )
        return [tmdb_id for (tmdb_id,) in rows]

    def never_asked(self, tmdb_ids: Iterable[int]) -> list[int]:
        """Return those films whose details were never asked for."""
        return [tmdb_id for tmdb_id in tmdb_ids if not self._asked(tmdb_id)]

    def asked(self, tmdb_ids: Iterable[int]) -> list[int]:
        """Return those films whose details were asked for before."""
        return [tmdb_id for tmdb_id in tmdb_ids if self._asked(tmdb_id)]

    def count(self) -> int:
        """Return how many films were ever published."""
        row = self.connection.execute("SELECT count(*) FROM films").fetchone()
        return int(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remember a fact of the producer's own, for example the day of the last export."""
        with self.connection:
            self.put(name, value)

    def _asked(self, tmdb_id: int) -> bool:
        row = self.connection.execute("SELECT 1 FROM details WHERE tmdb_id = ?", (tmdb_id,)).fetchone()
        return row is not None
