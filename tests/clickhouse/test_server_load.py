"""Many callers at once, large bodies and results, callers that leave: the server stays up and within its limits."""

from __future__ import annotations

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event
from typing import TYPE_CHECKING, Final

import httpx
import psutil
import pytest

from clickhouse.client import connect
from clickhouse.http_runner import QUERY_PLACES
from tests.clickhouse.requests import error_code, http, run
from tests.fixtures.clickhouse import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cinepulse.settings import Settings

BODY_BYTES: Final = 2_000_000
LARGE_BYTES: Final = 300_000_000
DEADLINE_SECONDS: Final = 20
# Endless too, but idle most of the time, so that many of them leave the machine to others.
SLOW: Final = "SELECT sleepEachRow(0.5), 'sipHash64' FROM numbers(1000) SETTINGS max_block_size = 1"
FOREVER: Final = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"


@pytest.fixture
def client(clickhouse_settings: Settings) -> Iterator[httpx.Client]:
    """Yield a plain HTTP client of the test's own database."""
    with http(clickhouse_settings) as client:
        yield client


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Yield a server that takes small bodies only and runs nothing for long."""
    limits = {"CINEPULSE_CLICKHOUSE_BODY_BYTES": str(BODY_BYTES), "CINEPULSE_CLICKHOUSE_QUERY_SECONDS": "20"}
    server = ServerProcess(tmp_path_factory.mktemp("small"), limits)
    server.start()
    yield server
    server.kill()


def wait_until(true: Callable[[], bool]) -> None:
    """Return once `true` does; fails the test when it does not for too long."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running(client: httpx.Client) -> int:
    """Return how many of the endless queries of this test run."""
    others = "query LIKE '%sipHash64%' AND query NOT LIKE '%processes%'"
    return int(run(client, f"SELECT count() FROM system.processes WHERE {others}"))  # noqa: S608 - a constant


def test_reads_and_inserts_run_beside_each_other(clickhouse_settings: Settings) -> None:
    """Writers and readers share the server: every confirmed row is there, every read sees whole inserts."""
    client = connect(clickhouse_settings)
    client.command("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
    done = Event()

    def write(writer: int) -> int:
        for batch in range(5):
            rows = [[(writer * 5 + batch) * 1000 + row] for row in range(1000)]
            client.insert("t", rows, column_names=["id"])
        return 5000

    def read() -> set[int]:
        counts = set()
        while not done.is_set():
            counts.add(client.query("SELECT count() FROM t").first_row[0])
        return counts

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        written = sum(pool.map(write, range(4)))
        done.set()
        seen = set().union(*(reader.result() for reader in readers))

    assert client.query("SELECT count(), uniqExact(id) FROM t").first_row == (written, written)
    assert {count % 1000 for count in seen} == {0}


def test_long_reads_hold_up_neither_probes_nor_inserts(client: httpx.Client, clickhouse_settings: Settings) -> None:
    """With every place for queries taken and more readers waiting, probes and inserts still go through."""
    run(client, "CREATE TABLE t (id UInt64) ENGINE = Memory")
    started = Barrier(QUERY_PLACES + 5)

    def read() -> None:
        with http(clickhouse_settings) as reader, suppress(httpx.ReadTimeout):
            started.wait()
            reader.post("/", content=SLOW, timeout=httpx.Timeout(10, read=1.5))

    with ThreadPoolExecutor(QUERY_PLACES + 4) as pool:
        readers = [pool.submit(read) for _ in range(QUERY_PLACES + 4)]
        started.wait()
        while not all(reader.done() for reader in readers):
            probe = client.get("/ping")
            insert = client.post("/", params={"query": "INSERT INTO t FORMAT TSV"}, content="1\n")

            assert probe.text == "Ok.\n"
            assert insert.status_code == httpx.codes.OK, insert.text
    wait_until(lambda: running(client) == 0)


def test_a_query_ends_when_its_client_leaves(client: httpx.Client, clickhouse_settings: Settings) -> None:
    """A reader that closes its connection stops the query, before its first rows and among them."""
    streamed = "SELECT sipHash64(number) FROM numbers(1000000000000)"
    for sql in (FOREVER, streamed):
        with http(clickhouse_settings) as leaving:
            leaving.timeout = httpx.Timeout(30, read=1)
            try:
                with leaving.stream("POST", "/", content=sql, params={"wait_end_of_query": "0"}) as response:
                    # Kept: an iterator that nobody holds closes its connection.
                    chunks = response.iter_raw()
                    next(chunks)
                    assert running(client) == 1
            except httpx.ReadTimeout:
                assert sql == FOREVER

        wait_until(lambda: running(client) == 0)


def test_a_large_result_takes_little_memory(small_server: ServerProcess) -> None:
    """A result much larger than what the server holds streams through it."""
    process = psutil.Process(small_server.pid)
    size, before, peak = 0, process.memory_info().rss, 0

    with http(small_server.settings) as client:
        client.params = client.params.remove("database")
        sql = "SELECT number, toString(number) FROM numbers(100000000)"
        with client.stream("POST", "/", content=sql) as response:
            for chunk in response.iter_raw():
                size += len(chunk)
                peak = max(peak, process.memory_info().rss - before)
                if size > LARGE_BYTES:
                    break

    assert size > LARGE_BYTES
    assert peak < LARGE_BYTES / 2


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_body_over_the_limit_is_refused(small_server: ServerProcess, coding: str) -> None:
    """A body over the limit gets 413, counted as sent and as decompressed, with and without its length told."""
    rows = b"x" * (BODY_BYTES + 1)
    body = gzip.compress(rows) if coding else rows
    params = {"query": "INSERT INTO FUNCTION null('a String') FORMAT TSV"}

    with http(small_server.settings) as client:
        client.params = client.params.remove("database")
        for content in (body, iter([body])):
            headers = {"Content-Encoding": coding} if coding else {}
            response = client.post("/", params=params, content=content, headers=headers)
            assert response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE, response.text
        assert run(client, "SELECT 1") == "1\n"


def test_a_body_at_the_limit_is_taken(small_server: ServerProcess) -> None:
    """The limit itself is allowed."""
    body = b"x" * (BODY_BYTES - 1) + b"\n"

    with http(small_server.settings) as client:
        client.params = client.params.remove("database")
        params = {"query": "INSERT INTO FUNCTION null('a String') FORMAT TSV"}
        response = client.post("/", params=params, content=body)

    assert response.status_code == httpx.codes.OK, response.text


def test_the_servers_time_limit_holds_without_asking(tmp_path: Path) -> None:
    """A query that asks for no limit ends at the server's, with ClickHouse's code; asking for more is refused."""
    server = ServerProcess(tmp_path, {"CINEPULSE_CLICKHOUSE_QUERY_SECONDS": "1"})
    server.start()
    with http(server.settings) as client:
        client.params = client.params.remove("database")
        response = client.post("/", content=FOREVER)
        more = client.post("/", content="SELECT 1", params={"max_execution_time": "1.5"})
    server.kill()

    assert (response.status_code, error_code(response)) == (408, 159)
    assert error_code(more) == 452


def test_memory_has_a_limit(client: httpx.Client) -> None:
    """A query that wants all memory fails alone, and the server goes on."""
    response = client.post("/", content="SELECT groupArray(repeat(toString(number), 100)) FROM numbers(100000000)")

    assert error_code(response) == 241
    assert run(client, "SELECT 1") == "1\n"


def test_an_insert_cut_off_on_its_way_stores_nothing(client: httpx.Client, clickhouse_settings: Settings) -> None:
    """A client that dies in the middle of a body leaves no part of it."""
    run(client, "CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")

    def broken() -> Iterator[bytes]:
        yield b"1\n" * 100_000
        raise ConnectionResetError

    with http(clickhouse_settings) as dying, pytest.raises(ConnectionResetError):
        dying.post("/", params={"query": "INSERT INTO t FORMAT TSV"}, content=broken())

    wait_until(lambda: run(client, "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t%'") == "0\n")
    assert run(client, "SELECT count() FROM t") == "0\n"
