"""Posts that the poller must not bring back, and how `cinepulse forget` takes them out of its memory.

A forgotten post is known by a digest of its fullname: enough to recognise it in a listing, and nothing to read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Set as AbstractSet
from contextlib import closing
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from cinepulse.errors import StackUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

DIGEST_KEY: Final = b"cinepulse forgotten posts"
BUSY_SECONDS: Final = 10.0
TABLES: Final = (("seen", "identity"), ("rechecks", "fullname"))


def digest_of(fullname: str) -> str:
    """Return what a forgotten post is remembered by."""
    return blake2b(fullname.encode("utf-8", "surrogatepass"), digest_size=8, key=DIGEST_KEY).hexdigest()


class Seen(AbstractSet[str]):
    """Identities of items seen before; those that were forgotten count as seen, and are not listed."""

    def __init__(self, identities: AbstractSet[str], forgotten: AbstractSet[str]) -> None:
        self._identities = identities
        self._forgotten = forgotten

    def __contains__(self, identity: object) -> bool:
        if identity in self._identities:
            return True
        return bool(self._forgotten) and isinstance(identity, str) and digest_of(identity) in self._forgotten

    def __iter__(self) -> Iterator[str]:
        return iter(self._identities)

    def __len__(self) -> int:
        return len(self._identities)


class PollerMemory:
    """The poller's SQLite file, opened beside a producer that may be running; the file itself locks.

    Raises StackUnavailable when it is damaged or stays locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def exists(self) -> bool:
        """Return whether there is such a file here."""
        return self.path.exists()

    def count(self, fullnames: Iterable[str]) -> int:
        """Return in how many rows these posts stand."""
        names = list(fullnames)
        with closing(self._connect()) as connection:
            return sum(
                connection.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (name,)).fetchone()[0]  # noqa: S608 - this module's own names
                for table, column in TABLES
                for name in names
            )

    def forget(self, fullnames: Iterable[str]) -> None:
        """Take the posts out, for good: their bytes are overwritten and their digests kept."""
        names = list(fullnames)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            with connection:
                connection.execute("CREATE TABLE IF NOT EXISTS forgotten (digest TEXT PRIMARY KEY) WITHOUT ROWID")
                connection.executemany(
                    "INSERT OR IGNORE INTO forgotten VALUES (?)", [(digest_of(name),) for name in names]
                )
                for table, column in TABLES:
                    connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(name,) for name in names])  # noqa: S608 - as above
            # The log beside the file still holds the pages as they were.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
            found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.DatabaseError as error:
            raise StackUnavailable(f"{self.path} cannot be read ({error})") from None
        if not {table for table, _ in TABLES} <= found:
            connection.close()
            raise StackUnavailable(f"{self.path} is not the memory of a Reddit producer")
        return connection
