"""A shadow database: the tables of the live one, filled by a replay, compared with them, and dropped.

The tables are made by the same migrations, so every query of the live database can be put to the shadow.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from cinepulse.errors import ConfigurationInvalid
from clickhouse.ask import ask, query_text
from clickhouse.batches import Batch, Records
from clickhouse.client import connect
from clickhouse.columnar import Columnar
from clickhouse.decoding import bundles, decode, pieces
from clickhouse.migrate import load_migrations, migrate
from clickhouse.rows import routes
from clickhouse.sqltext import split_statements
from clickhouse.store import Store
from clickhouse.tables import LAST_INSTANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from datetime import date

    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from clickhouse.decoding import Piece
    from schemas.codec import Codec
    from schemas.registry import SchemaIds

# A replay says this often that it is at work, and is taken for dead after so long a silence.
LEASE_SECONDS: Final = 5.0
ABANDONED_SECONDS: Final = 120

BATCH_RECORDS: Final = 20_000
LEAST_BLOCK_RECORDS: Final = 2_000
"""What an insert of its own is made for."""
# Rows of both sides that are compared in one query: a bound on the memory that it takes.
COMPARED_ROWS: Final = 300_000


class Stored(Protocol):
    """A record as it lies, or would lie, in its topic."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def key(self) -> bytes | None:
        """Key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Value."""
        ...

    @property
    def timestamp(self) -> int:
        """Time that its producer gave it, milliseconds."""
        ...


class Days(NamedTuple):
    """UTC days from `first` up to, but not with, `end`."""

    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Scope:
    """What the replay can speak of: these days, of every post or of those noted, of live rows above a revision."""

    days: Days
    every_post: bool
    least_revision: int = 0

    def bound(self, shadow: str) -> dict[str, Any]:
        """Return the parameters of a query."""
        return {"shadow": shadow, "every_post": int(self.every_post), "least_revision": self.least_revision}


class Shadow:
    """One shadow database of the database that the settings name.

    Rows wait until there are enough for an insert and are written in a thread of their own, one batch ahead; `settled`
    writes the rest and waits.
    """

    def __init__(self, settings: Settings, name: str, ids: SchemaIds, codec: Codec) -> None:
        self.name = name
        self._settings = settings.model_copy(update={"clickhouse_database": name})
        self._live = connect(settings)
        self._client: Client = connect(self._settings)
        self._store = Store(self._client, name)
        self._codec = codec
        self._columnar = Columnar(ids, codec, least_records=LEAST_BLOCK_RECORDS)
        self._routes = {route.topic.name: route for route in routes()}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._waiting: dict[tuple[str, int, int], Records] = {}
        self._writing: Future[None] | None = None
        self._beat_at = float("-inf")

    @classmethod
    def create(cls, settings: Settings, ids: SchemaIds, codec: Codec) -> Shadow:
        """Make a shadow database, after dropping those whose replay has died.

        Raises DatabaseUnavailable when ClickHouse does not answer, ConfigurationInvalid when there is no database to
        be the shadow of.
        """
        for name in abandoned(settings):
            drop(settings, name)
        name = f"{_prefix(settings)}{token_hex(4)}"
        shadowed = settings.model_copy(update={"clickhouse_database": name})
        live = connect(settings)
        live.command("CREATE DATABASE {database:Identifier}", parameters={"database": name})
        try:
            client = connect(shadowed)
            for statement in split_statements(query_text("shadow_tables")):
                client.command(statement)
            client.command("INSERT INTO shadow_leases (kept) VALUES (0)")
            migrate(shadowed, load_migrations())
            return cls(settings, name, ids, codec)
        except BaseException:
            drop(settings, name)
            raise

    def write(self, topic: str, partition: int, records: Iterable[Stored], epoch: int = 0) -> None:
        """Store records of one partition, in the order of their offsets, as the sink would."""
        waiting = self._waiting.setdefault((topic, partition, epoch), Records())
        for record in records:
            waiting.offsets.append(record.offset)
            waiting.keys.append(record.key)
            waiting.values.append(record.value)
            waiting.timestamps.append(min(max(record.timestamp, 0), LAST_INSTANT))
        while len(waiting) >= BATCH_RECORDS:
            self._submit([self._batch(topic, partition, epoch, waiting.pop_first(BATCH_RECORDS))])
        self.beat()

    def note_posts(self, posts: Iterable[str]) -> None:
        """Note the posts that the log still has."""
        rows = [[post] for post in posts]
        if rows:
            self._client.insert("replayed_posts", rows, column_names=["post_id"], column_type_names=["String"])

    def settled(self) -> None:
        """Return once everything written is stored."""
        waiting, self._waiting = self._waiting, {}
        self._submit([self._batch(*place, records) for place, records in waiting.items() if len(records)])
        self._await_write()

    def beat(self, *, keep: bool = False) -> None:
        """Say that the replay is at work, or with `keep` that the database is to stay."""
        if keep or monotonic() - self._beat_at > LEASE_SECONDS:
            self._beat_at = monotonic()
            self._client.command("INSERT INTO shadow_leases (kept) SELECT {kept:UInt8}", parameters={"kept": int(keep)})

    def compare(self, scope: Scope) -> dict[str, Any]:
        """Compare with the live tables, day by day, and return the totals of `shadow_totals.sql`."""
        self.settled()
        for table in ("mention_differences", "count_differences"):
            self._client.command("TRUNCATE TABLE {table:Identifier}", parameters={"table": table})
        days = scope.days._asdict()
        first_and_end = {"first_day": days["first"], "end_day": days["end"]}
        bound = scope.bound(self.name)
        found = ask(self._live, "shadow_days", shadow=self.name, **first_and_end)
        for first, last in _stretches([(row["day"], row["rows"]) for row in found]):
            for name in ("shadow_mention_differences", "shadow_count_differences"):
                self._live.command(query_text(name), parameters={**bound, "first_day": first, "last_day": last})
            self.beat()
        (totals,) = ask(self._live, "shadow_totals", **bound, **first_and_end)
        return totals

    def listed(self, name: str, limit: int) -> list[dict[str, Any]]:
        """Return the first rows of a listing, `mentions` or `counts`."""
        return ask(self._live, f"shadow_{name}_listed", shadow=self.name, limit=limit)

    def differing_posts(self) -> list[str]:
        """Return the posts of the mentions that differ."""
        return [
            row[0]
            for row in self._client.query("SELECT DISTINCT post_id FROM mention_differences ORDER BY 1").result_rows
        ]

    def close(self) -> None:
        """Let go of it; it stays where it is."""
        self._thread.shutdown()
        self._client.close()
        self._live.close()

    def drop(self) -> None:
        """Drop it, whatever is still being written."""
        self._thread.shutdown(cancel_futures=True)
        self._client.close()
        drop(self._settings, self.name, self._live)
        self._live.close()

    def _batch(self, topic: str, partition: int, epoch: int, records: Records) -> Batch:
        return Batch(self._routes[topic], partition, epoch, records.offsets[0], records.offsets[-1], records)

    def _submit(self, batches: Sequence[Batch]) -> None:
        self._await_write()
        self._writing = self._thread.submit(self._store_batches, batches)

    def _await_write(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _store_batches(self, batches: Sequence[Batch]) -> None:
        """Store batches; small ones of a table share an insert, which makes files for each month that is in it."""
        loose: list[Piece] = []
        for batch in batches:
            block = self._columnar.block_of(batch)
            if block is not None:
                self._store.insert_block(block)
                continue
            whole, _ = decode(batch, self._codec)
            loose += pieces(whole)
        for bundle in bundles(loose):
            self._store.insert(bundle)


def abandoned(settings: Settings) -> list[str]:
    """Return the shadow databases whose replay gives no sign of life any more and did not want them kept."""
    client = connect(settings)
    return [
        row["name"]
        for row in ask(client, "shadow_databases", prefix=_prefix(settings))
        if _is_abandoned(client, row["name"])
    ]


def drop(settings: Settings, name: str, client: Client | None = None) -> None:
    """Drop a shadow database."""
    sure = client or connect(settings)
    sure.command("DROP DATABASE IF EXISTS {database:Identifier} SYNC", parameters={"database": name})


def _is_abandoned(client: Client, name: str) -> bool:
    try:
        (lease,) = ask(client, "shadow_lease", shadow=name)
    except ConfigurationInvalid:
        # Made and left before it had a lease, or dropped this moment.
        return True
    return bool(not lease["kept"] and lease["idle_seconds"] > ABANDONED_SECONDS)


def _stretches(days: Iterable[tuple[date, int]]) -> Iterator[tuple[date, date]]:
    """Return first and last days of stretches of about `COMPARED_ROWS` rows, from days and their rows in order."""
    first: date | None = None
    last: date | None = None
    size = 0
    for day, rows in days:
        first, last, size = first or day, day, size + rows
        if size >= COMPARED_ROWS:
            yield first, last
            first, size = None, 0
    if first is not None and last is not None:
        yield first, last


def _prefix(settings: Settings) -> str:
    return f"{settings.clickhouse_database}_replay_"
