"""A producer's memory: one SQLite file in the data directory, written only after Kafka has confirmed.

So a kill at any moment loses nothing: what was not written down is fetched and sent again.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from cinepulse.errors import DataDirectoryBusy, StackUnavailable
from cinepulse.logging import get_logger

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

log = get_logger(__name__)

FOLDER: Final = "producers"

# What was forgotten on request must not come back with a topic that was made anew.
KEPT: Final = ("forgotten",)

META: Final = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"


class Database:
    """An SQLite file that this process alone writes.

    Args:
        path: the file; made with its folder when missing.
        schema: script of `CREATE ... IF NOT EXISTS` statements.

    Raises:
        DataDirectoryBusy: another process uses the file.
        StackUnavailable: the file is damaged.
    """

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = FileLock(path.with_suffix(".lock"))
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise DataDirectoryBusy(f"another producer uses {path}: stop it first") from None
        try:
            self.connection = sqlite3.connect(path)
            # In WAL mode NORMAL survives every crash of the process. A crash of the machine may undo the latest
            # commits, which sends records twice and loses none.
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self.connection.executescript(META + schema)
        except sqlite3.DatabaseError as error:
            self._lock.release()
            raise StackUnavailable(f"{path} is damaged ({error}): remove it, and the source is read again") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.connection.close()
        self._lock.release()

    def get(self, name: str) -> str | None:
        """Return a remembered fact."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, value: str) -> None:
        """Remember a fact; the caller commits."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def bind(self, identity: str) -> None:
        """Tie the memory to the topic it tells of, and forget all when that is another one.

        Otherwise a topic made anew would stay without what the former one had.
        """
        known = self.get("topic")
        if known == identity:
            return
        if known is not None:
            log.warning("producer.memory_reset", path=str(self.path), reason="the topic is not the one remembered")
        with self.connection:
            names = self.connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            for name in {name for (name,) in names}.difference(KEPT):
                self.connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - the schema's own table names
            self.put("topic", identity)
