"""Takes posts out of the tables for good, and lets retracted mentions really go.

A retracted mention is a row with `is_deleted` beside the rows that it hides; `FINAL` shows none of them, and the engine
keeps all of them until it happens to merge their parts, and the tombstone for ever. A TTL cannot remove them: it drops
a tombstone from its own part while the row that it hides may lie in another, and the mention is back. So rows are
deleted by mutations that wait, those that are hidden first and tombstones last: at no moment anything reappears.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import CinepulseError
from cinepulse.logging import get_logger
from clickhouse.ask import ask, query_text
from clickhouse.sqltext import quote_name
from clickhouse.terms import sweep_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from clickhouse.client import Client

log = get_logger(__name__)

# A retraction is carried out in the tables once it is so old: whatever was read before it is stored by then.
SWEEP_AGE_SECONDS: Final = 6 * 3_600
SWEEP_EVERY_SECONDS: Final = 3_600.0

# The statement returns when the rows are gone from every part.
WAIT: Final = {"mutations_sync": "2"}

FORGOTTEN: Final = "[forgotten]"


@dataclass(frozen=True, slots=True)
class StoredMention:
    """The identity of a stored mention or retraction; `created_at` in milliseconds since 1970-01-01 UTC."""

    tmdb_id: int
    post_id: str
    created_at: int


def mentions_of_posts(client: Client, posts: Sequence[str]) -> list[StoredMention]:
    """Return every mention that the tables hold of these posts, retracted ones included."""
    return [StoredMention(**row) for row in ask(client, "erase_mentions", posts=list(posts))]


def rows_of_posts(client: Client, posts: Sequence[str]) -> dict[str, int]:
    """Return how many rows hold one of these posts' ids, by table, for each table that can."""
    names = list(posts)
    found = {table: _count(client, "erase_count", table=table, posts=names) for table in _tables(client)}
    found["dead_letters"] = _count(client, "erase_letters_count", pattern=_pattern(names)) if names else 0
    return found


def erase_posts(client: Client, posts: Sequence[str]) -> None:
    """Delete every row of these posts, and their ids from the messages of dead letters.

    Returns when they are gone from all parts that a query reads; the engine removes the parts' files within minutes.
    """
    names = list(posts)
    tables = _tables(client) if names else {}
    for table, retracts in tables.items():
        if retracts:
            _command(client, "erase_hidden", table, posts=names)
        _command(client, "erase_all", table, posts=names)
    if names:
        _command(client, "erase_letters", pattern=_pattern(names), instead=FORGOTTEN)


def sweep(client: Client, *, age_seconds: int = SWEEP_AGE_SECONDS) -> int:
    """Delete the mentions retracted more than `age_seconds` ago, and return how many tombstones there were."""
    due = _count(client, "sweep_count", age_seconds=age_seconds)
    if due:
        _command(client, "sweep_hidden", age_seconds=age_seconds)
        _command(client, "sweep_tombstones", age_seconds=age_seconds)
    return due


def sweep_all(client: Client) -> int:
    """Delete what is due, retracted mentions and words, and return how many rows that were."""
    return sweep(client) + sweep_terms(client)


class Sweeper:
    """Sweeps at intervals, in a thread of its own: a mutation may take longer than the sink may stand still.

    `connect` returns a client; what a sweep raises is logged, and the next one comes all the same. `work` is done each
    time and may return how many rows it took away, for the log.
    """

    def __init__(
        self,
        connect: Callable[[], Client],
        *,
        every_seconds: float = SWEEP_EVERY_SECONDS,
        work: Callable[[Client], int | None] = sweep_all,
        name: str = "sweeper",
    ) -> None:
        self._connect = connect
        self._every_seconds = every_seconds
        self._work = work
        self._name = name

    def start(self, stop: Event) -> Thread:
        """Sweep until `stop` is set."""
        thread = Thread(target=self._run, args=(stop,), name=self._name, daemon=True)
        thread.start()
        return thread

    def _run(self, stop: Event) -> None:
        while not stop.wait(self._every_seconds):
            try:
                rows = self._work(self._connect())
            except CinepulseError as error:
                log.warning("sweeper.failed", of=self._name, error=str(error))
            except Exception:
                log.exception("sweeper.failed", of=self._name)
            else:
                if rows:
                    log.info("sweeper.done", of=self._name, rows=rows)


def _tables(client: Client) -> dict[str, bool]:
    """Return the tables with posts in them, and whether they hold retractions."""
    return {row["found_in"]: bool(row["retracts"]) for row in ask(client, "erase_tables")}


def _count(client: Client, query: str, **parameters: Any) -> int:
    (row,) = ask(client, query, **parameters)
    return int(row["found"])


def _command(client: Client, query: str, table: str = "", **parameters: Any) -> None:
    # The embedded engine takes an identifier as a parameter in no ALTER. The name is one that the engine has told.
    statement = query_text(query).replace("{table:Identifier}", quote_name(table))
    client.command(statement, parameters=parameters, settings=WAIT)


def _pattern(posts: Sequence[str]) -> str:
    """Return a regular expression for the posts' ids; no id of another post contains one of them as a whole word."""
    return rf"\b({'|'.join(posts)})\b"
