"""What the Reddit poller remembers: seen ids, the newest time, due re-checks, dropped communities.

No text and no author: those live in `reddit.posts` alone, for 48 hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from producers.database import FOLDER, Database
from producers.reddit.forgotten import Seen
from producers.reddit.records import Stub

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from schemas.events import PostKind

# A listing holds about 1000 items; half as many again bridges items that vanish from it.
SEEN_KEPT: Final = 1500

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS listings (
    id TEXT PRIMARY KEY,
    newest_at INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    listing TEXT NOT NULL,
    identity TEXT NOT NULL,
    UNIQUE (listing, identity)
);
CREATE TABLE IF NOT EXISTS rechecks (
    fullname TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    subreddit TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    score INTEGER NOT NULL,
    thread_id TEXT,
    due_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rechecks_due ON rechecks (due_at);
CREATE TABLE IF NOT EXISTS forgotten (digest TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dropped (
    subreddit TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    retry_at INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A community that is left out of the listings; instants in milliseconds since 1970-01-01 UTC."""

    subreddit: str
    reason: str
    since: int
    retry_at: int


@dataclass(frozen=True, slots=True)
class Recheck:
    """A post to look at again at `due_at`, milliseconds since 1970-01-01 UTC."""

    stub: Stub
    due_at: int


class RedditState(Database):
    """The poller's memory; every writing method is one transaction."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir / FOLDER / "reddit.sqlite", SCHEMA)

    def seen(self, listing: str) -> AbstractSet[str]:
        """Return the identities of the items last seen in a listing, about 1500; what was forgotten is among them."""
        rows = self.connection.execute("SELECT identity FROM seen WHERE listing = ?", (listing,))
        return Seen({identity for (identity,) in rows}, self._forgotten())

    def _forgotten(self) -> set[str]:
        return {digest for (digest,) in self.connection.execute("SELECT digest FROM forgotten")}

    def newest_at(self, listing: str) -> int | None:
        """Return the event time up to which a listing has been read; None before its first poll."""
        row = self.connection.execute("SELECT newest_at FROM listings WHERE id = ?", (listing,)).fetchone()
        return None if row is None else row[0]

    def polled_before(self, listing: str) -> bool:
        """Return whether a poll of the listing was ever confirmed."""
        row = self.connection.execute("SELECT 1 FROM listings WHERE id = ?", (listing,)).fetchone()
        return row is not None

    def save_poll(
        self,
        listing: str,
        identities: Iterable[str],
        newest_at: int | None,
        rechecks: Iterable[Recheck],
    ) -> None:
        """Remember a poll that Kafka has confirmed: `identities` of its new items, oldest first."""
        with self.connection:
            # Forgotten while the poll was under way: it is not to be written down again.
            forgotten = Seen(set(), self._forgotten())
            identities = [identity for identity in identities if identity not in forgotten]
            self.connection.executemany(
                "INSERT OR IGNORE INTO seen (listing, identity) VALUES (?, ?)", [(listing, name) for name in identities]
            )
            self.connection.execute(
                "DELETE FROM seen WHERE listing = ?1 AND position <="
                " (SELECT position FROM seen WHERE listing = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2)",
                (listing, SEEN_KEPT),
            )
            self.connection.execute(
                "INSERT INTO listings VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET"
                " newest_at = coalesce(max(newest_at, excluded.newest_at), newest_at, excluded.newest_at)",
                (listing, newest_at),
            )
            self._schedule(self._unforgotten(rechecks))

    def due_rechecks(self, now: int, limit: int) -> list[Stub]:
        """Return up to `limit` posts whose time has come, longest overdue first."""
        rows = self.connection.execute(
            "SELECT fullname, kind, subreddit, created_at, score, thread_id FROM rechecks WHERE due_at <= ?"
            " ORDER BY due_at LIMIT ?",
            (now, limit),
        )
        return [
            Stub(fullname, cast("PostKind", kind), subreddit, created_at, score, thread_id)
            for fullname, kind, subreddit, created_at, score, thread_id in rows
        ]

    def next_recheck_at(self) -> int | None:
        """Return when the next re-check is due; None when there is none."""
        row = self.connection.execute("SELECT min(due_at) FROM rechecks").fetchone()
        return None if row is None else row[0]

    def plan_rechecks(self, planned: Iterable[Recheck]) -> None:
        """Remember posts that are about to be sent, to look at them again; one that is due already stays due then."""
        with self.connection:
            self._schedule(self._unforgotten(planned), "INSERT OR IGNORE")

    def save_rechecks(self, done: Iterable[str], again: Iterable[Recheck]) -> None:
        """Remember confirmed re-checks: `done` need none any more, `again` are due once more."""
        with self.connection:
            self.connection.executemany("DELETE FROM rechecks WHERE fullname = ?", [(name,) for name in done])
            self._schedule(self._unforgotten(again))

    def dropped(self) -> list[Dropped]:
        """Return the communities that are left out."""
        return [Dropped(*row) for row in self.connection.execute("SELECT * FROM dropped ORDER BY subreddit")]

    def drop(self, dropped: Dropped) -> None:
        """Leave a community out; one that is already out keeps the time since when."""
        with self.connection:
            self.connection.execute(
                "INSERT INTO dropped VALUES (?, ?, ?, ?) ON CONFLICT (subreddit) DO UPDATE SET"
                " reason = excluded.reason, retry_at = excluded.retry_at",
                (dropped.subreddit, dropped.reason, dropped.since, dropped.retry_at),
            )

    def readmit(self, subreddit: str) -> None:
        """Take a community back."""
        with self.connection:
            self.connection.execute("DELETE FROM dropped WHERE subreddit = ?", (subreddit,))

    def _unforgotten(self, rechecks: Iterable[Recheck]) -> list[Recheck]:
        forgotten = Seen(set(), self._forgotten())
        return [recheck for recheck in rechecks if recheck.stub.fullname not in forgotten]

    def _schedule(self, rechecks: Iterable[Recheck], how: str = "INSERT OR REPLACE") -> None:
        rows = [
            (s.fullname, s.kind, s.subreddit, s.created_at, s.score, s.thread_id, recheck.due_at)
            for recheck in rechecks
            for s in (recheck.stub,)
        ]
        self.connection.executemany(f"{how} INTO rechecks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
