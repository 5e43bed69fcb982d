"""`movie.mentions` through the sink into ClickHouse, beside inserts of the same rows that are in memory already.

The sink reads Kafka, checks and decodes every record, inserts under tokens, keeps its ledger and commits; the peers do
nothing but insert. Everybody writes to a database of its own, made by the same migrations, on the same server.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import clickhouse_connect
import psutil
from prometheus_client import REGISTRY

from benchmarks.suite import mentions
from benchmarks.suite.model import Contender, ContenderFailed, Measured, Stage, Workload
from clickhouse.client import connect
from clickhouse.letters import STAGE as SINK
from clickhouse.migrate import load_migrations, migrate
from clickhouse.rows import Record, mention_row, routes
from clickhouse.service import Setup, build_sink
from clickhouse.store import Store
from clickhouse.tables import INSTANT, MENTIONS
from schemas.codec import Codec
from schemas.publisher import Publisher
from schemas.reader import TopicReader
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.suite.bench import Bench
    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from clickhouse.rows import Row

LOOK_SECONDS: Final = 0.005
LONGEST_SECONDS: Final = 300.0
HASH_BITS: Final = 64

_STORED: Final = """
    SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts
    WHERE database = currentDatabase() AND table = 'mentions' AND active
"""

Digest = tuple[int, int]
"""How many rows, and the sum of their hashes."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A topic of mentions, the rows that they make, and a server to put them on."""

    settings: Settings
    rows: Sequence[Row]
    engine: psutil.Process


@contextmanager
def loaded(bench: Bench, film_like: Workload) -> Iterator[Loaded]:
    """Fill a topic, and decode its records into memory."""
    with film_like.prepare(bench) as topic:
        settings = bench.server.settings.model_copy(
            update={"kafka_bootstrap": topic.bootstrap, "partitions": topic.partitions}
        )
        codec = Codec(ManifestIds())
        with TopicReader(settings, MOVIE_MENTIONS.name, "bench") as reader:
            rows = [
                mention_row(codec, Record(one.key, one.value, one.partition, one.offset, one.timestamp))
                for one in reader.to_end()
            ]
        yield Loaded(settings, rows, psutil.Process(bench.server.pid))


@contextmanager
def database(given: Loaded) -> Iterator[Settings]:
    """Let there be a database with all tables, and views into them."""
    settings = given.settings.model_copy(update={"clickhouse_database": f"sink_{uuid4().hex[:8]}"})
    migrate(settings, load_migrations())
    client = connect(settings)
    try:
        yield settings
    finally:
        client.command("DROP DATABASE {name:Identifier}", parameters={"name": settings.clickhouse_database})
        client.close()


def sink(given: Loaded) -> Measured:
    """Run a sink of a new group until every record of the topic is in the table."""
    with database(given) as settings:
        chosen = routes()
        letters = Publisher.connected(settings, "bench-sink")
        store = Store(connect(settings), uuid4().hex)
        loop = build_sink(Setup(settings, chosen, f"bench-{uuid4().hex}"), store, letters)
        stop = Event()
        thread = Thread(target=loop.run, args=([route.source for route in chosen], stop), daemon=True)
        taken, stored = _processed(), _stored()
        cores = _Cores(given)
        thread.start()
        try:
            _until(lambda: _processed() > taken, thread)
            began = monotonic()
            _until(lambda: _stored() - stored >= len(given.rows), thread)
            seconds = monotonic() - began
        finally:
            stop.set()
            thread.join(LONGEST_SECONDS)
        spent = cores.spent()
        return Measured(len(given.rows), seconds, digest_of(connect(settings)), {**spent, **stored_bytes(settings)})


def stored_bytes(settings: Settings) -> dict[str, float]:
    """Return what a mention takes on ClickHouse's disk."""
    with closing(connect(settings)) as client:
        return {"bytes_a_row": float(client.query(_STORED).result_rows[0][0])}


def insert_rows(given: Loaded) -> Measured:
    """Insert the rows as rows, which is the documented way."""
    return _insert(given, lambda client, rows: client.insert(MENTIONS.name, rows, column_names=MENTIONS.column_names))


def insert_columns(given: Loaded) -> Measured:
    """Insert the rows as columns, turned into such beforehand."""

    def insert(client: Any, columns: Sequence[Row]) -> None:
        client.insert(MENTIONS.name, columns, column_names=MENTIONS.column_names, column_oriented=True)

    return _insert(given, insert, turned=True)


def _insert(given: Loaded, insert: Any, *, turned: bool = False) -> Measured:
    size = given.settings.sink_max_rows
    blocks: list[Any] = [given.rows[start : start + size] for start in range(0, len(given.rows), size)]
    if turned:
        blocks = [list(zip(*block, strict=True)) for block in blocks]
    with database(given) as settings:
        client = clickhouse_connect.get_client(
            host=settings.clickhouse_host,
            port=settings.clickhouse_port,
            username=settings.clickhouse_user,
            password=settings.clickhouse_password.get_secret_value(),
            database=settings.clickhouse_database,
        )
        cores = _Cores(given)
        began = monotonic()
        for block in blocks:
            insert(client, block)
        seconds = monotonic() - began
        spent = cores.spent()
        client.close()
        return Measured(len(given.rows), seconds, digest_of(connect(settings)), spent)


def digest_of(client: Client) -> Digest:
    """Return what is in the table of mentions."""
    columns = ", ".join(
        f"toUnixTimestamp64Milli({name})" if INSTANT in kind else name for name, kind in MENTIONS.columns
    )
    answer = client.query(f"SELECT {columns} FROM {MENTIONS.name}")  # noqa: S608 - the contract's own names
    found = digest(answer.result_rows)
    client.close()
    return found


def digest(rows: Sequence[Any]) -> Digest:
    """Return the digest of some rows, the same in any order and only in this process."""
    return len(rows), sum(hash(tuple(row)) for row in rows) % (1 << HASH_BITS)


class _Cores:
    """Tells the processor time of this process and of the server since it was made."""

    def __init__(self, given: Loaded) -> None:
        self._processes = {"cpu_seconds": psutil.Process(), "server_cpu_seconds": given.engine}
        self._before = self._now()

    def spent(self) -> dict[str, float]:
        now = self._now()
        return {name: now[name] - before for name, before in self._before.items()}

    def _now(self) -> dict[str, float]:
        return {name: sum(process.cpu_times()[:2]) for name, process in self._processes.items()}


def _until(true: Any, thread: Thread) -> None:
    deadline = monotonic() + LONGEST_SECONDS
    while not true():
        if not thread.is_alive():
            raise ContenderFailed("the sink has ended")
        if monotonic() > deadline:
            raise ContenderFailed("the sink does not come to its end")
        sleep(LOOK_SECONDS)


def _processed() -> float:
    return REGISTRY.get_sample_value("cinepulse_records_processed_total", {"stage": SINK}) or 0.0


def _stored() -> float:
    return REGISTRY.get_sample_value("cinepulse_sink_rows_total", {"table": MENTIONS.name}) or 0.0


_FILM_LIKE: Final = mentions.workload("film_like", "mentions of 20,000 films over 30 days, in blocks of 50,000 rows")
BAR: Final = 0.8

STAGE: Final = Stage(
    "sink",
    "Mentions from Kafka to rows in ClickHouse, beside inserts of the same rows from memory.",
    "rows/s",
    [Workload(_FILM_LIKE.name, _FILM_LIKE.about, partial(loaded, film_like=_FILM_LIKE))],
    [
        Contender("cinepulse", sink, peer=False, about="from Kafka, checked, under tokens, with ledger and commits"),
        Contender("clickhouse_connect, rows", insert_rows, peer=True, about="client.insert(table, rows)", bar=BAR),
        Contender(
            "clickhouse_connect, columns",
            insert_columns,
            peer=True,
            about="client.insert(table, columns, column_oriented=True)",
            bar=BAR,
        ),
    ],
    lambda given: digest(given.rows),
)
