"""Which alerts a destination has taken: a small durable record, so that a restart sends none of them again."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# Kafka repeats what was not committed, which is a few alerts; this many cover a topic that is read from its begin.
KEPT: Final = 100_000

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS delivered (
    number INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (destination, id)
)
"""
INSERT: Final = "INSERT OR IGNORE INTO delivered (destination, id) VALUES (?, ?)"
FIND: Final = "SELECT 1 FROM delivered WHERE destination = ? AND id = ?"
PRUNE: Final = """
DELETE FROM delivered WHERE destination = ?1
AND number <= (SELECT max(number) FROM delivered WHERE destination = ?1) - ?2
"""


class Delivered:
    """The record of one destination, in a file of its own: after a kill, opening one repairs it; for one thread.

    `kept`: how many ids, the latest.
    """

    def __init__(self, path: Path, destination: str, *, kept: int = KEPT) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(SCHEMA)
        self._destination = destination
        self._kept = kept

    def has(self, identity: str) -> bool:
        """Return whether the destination has taken this alert."""
        return self._database.execute(FIND, (self._destination, identity)).fetchone() is not None

    def add(self, identity: str) -> None:
        """Note that it has."""
        self._database.execute(INSERT, (self._destination, identity))
        self._database.execute(PRUNE, (self._destination, self._kept))

    def close(self) -> None:
        """Close the file."""
        self._database.close()
