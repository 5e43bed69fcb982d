"""How far each file was read: written down only once Kafka has confirmed what came before. No text and no author."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Final

from producers.backfill.spans import Spans
from producers.database import FOLDER, Database

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    done INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    elsewhere INTEGER NOT NULL,
    repeated INTEGER NOT NULL,
    broken INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (
    key TEXT NOT NULL,
    feed TEXT NOT NULL,
    day INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (key, feed, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS communities (
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (key, name)
) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Tally:
    """What became of a file's lines: sent, gone since, of another community, a repetition, or broken.

    `lines` are all, blank ones too.
    """

    lines: int = 0
    sent: int = 0
    gone: int = 0
    elsewhere: int = 0
    repeated: int = 0
    broken: int = 0


@dataclass(slots=True)
class FileProgress:
    """How far a file was read, and what is known of it for its coverage; `communities` are those worth telling of."""

    key: str
    name: str
    tally: Tally = field(default_factory=Tally)
    done: bool = False
    spans: Spans = field(default_factory=Spans)
    communities: set[str] = field(default_factory=set)


class BackfillState(Database):
    """The memory of one kind of backfill; every writing method is one transaction."""

    def __init__(self, data_dir: Path, kind: str) -> None:
        super().__init__(data_dir / FOLDER / f"backfill_{kind}.sqlite", SCHEMA)

    def load(self, key: str, name: str) -> FileProgress:
        """Return how far a file was read; `name` is what a file is called that is not known yet."""
        progress = FileProgress(key, name)
        row = self.connection.execute(
            "SELECT done, lines, sent, gone, elsewhere, repeated, broken FROM files WHERE key = ?", (key,)
        ).fetchone()
        if row is not None:
            progress.done, progress.tally = bool(row[0]), Tally(*row[1:])
            days = self.connection.execute("SELECT feed, day, first_at, last_at FROM days WHERE key = ?", (key,))
            progress.spans = Spans({(feed, day): (first, last) for feed, day, first, last in days})
            names = self.connection.execute("SELECT name FROM communities WHERE key = ?", (key,))
            progress.communities = {name for (name,) in names}
        return progress

    def save(self, progress: FileProgress) -> None:
        """Remember how far a file was read; to be called once Kafka has confirmed everything up to there."""
        key, spans = progress.key, progress.spans
        with self.connection:
            self.connection.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, progress.name, progress.done, *astuple(progress.tally)),
            )
            self.connection.executemany(
                "INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?)",
                [(key, feed, day, *spans.days[feed, day]) for feed, day in spans.changed],
            )
            self.connection.executemany(
                "INSERT OR IGNORE INTO communities VALUES (?, ?)", [(key, name) for name in progress.communities]
            )
        spans.changed.clear()

    def forget(self, key: str) -> None:
        """Forget a file, so that it is read from its first line."""
        with self.connection:
            for table in ("files", "days", "communities"):
                self.connection.execute(f"DELETE FROM {table} WHERE key = ?", (key,))  # noqa: S608 - own names
