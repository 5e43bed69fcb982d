"""The server's life: started twice, stopped, killed in the middle of inserts, and started again."""

from __future__ import annotations

import random
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import httpx
import pytest

from cinepulse.errors import DatabaseUnavailable
from clickhouse.client import connect
from tests.clickhouse.requests import http, run
from tests.fixtures.clickhouse import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 2000
KILLS = 3


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Yield a started server of the test's own."""
    server = ServerProcess(tmp_path)
    server.start()
    yield server
    server.kill()


def test_no_confirmed_row_is_lost_to_a_kill(server: ServerProcess) -> None:
    """Killed again and again among inserts, the server has every confirmed row; a retry under its token adds none."""
    settings = server.settings.model_copy(update={"clickhouse_database": "default"})
    connect(settings).command(
        "CREATE TABLE t (batch UInt64, row UInt64) ENGINE = MergeTree ORDER BY (batch, row) "
        "SETTINGS non_replicated_deduplication_window = 1000"
    )
    confirmed: list[int] = []
    chance = random.Random(7)  # noqa: S311 - picks moments, guards nothing

    def insert(batch: int) -> None:
        rows = [[batch, row] for row in range(ROWS)]
        token = {"insert_deduplication_token": f"batch-{batch}"}
        connect(settings).insert("t", rows, column_names=["batch", "row"], settings=token)
        confirmed.append(batch)

    def insert_until_killed(first: int) -> None:
        with suppress(DatabaseUnavailable):
            for batch in range(first, first + 1000):
                insert(batch)

    for kill in range(KILLS):
        before = len(confirmed)
        writer = Thread(target=insert_until_killed, args=(kill * 1000,))
        writer.start()
        while len(confirmed) < before + chance.randint(3, 12):
            assert writer.is_alive(), server.log
        server.kill()
        writer.join()
        server.start()
        insert(confirmed[-1])
        insert(confirmed[-1] + 1)

    counts = dict(connect(settings).query("SELECT batch, count() FROM t GROUP BY batch").result_rows)
    assert set(confirmed) <= set(counts)
    assert set(counts.values()) == {ROWS}


def test_a_second_server_on_the_same_data_says_so(server: ServerProcess) -> None:
    """The data belong to one server: another one ends with one clear line, and the first goes on."""
    second = ServerProcess(server.settings.data_dir)
    process = second.spawn()

    assert process.wait(30) == 1
    assert "another ClickHouse server has" in second.log
    assert "Traceback" not in second.log
    assert server.answers()


def test_a_taken_port_is_told(server: ServerProcess, tmp_path: Path) -> None:
    """A server that cannot listen ends with the setting to change."""
    second = ServerProcess(tmp_path / "other")
    second.settings = second.settings.model_copy(update={"clickhouse_port": server.settings.clickhouse_port})
    process = second.spawn()

    assert process.wait(30) == 1
    assert "CINEPULSE_CLICKHOUSE_PORT" in second.log
    assert "Traceback" not in second.log


def test_a_stop_is_clean_and_the_data_stay(server: ServerProcess) -> None:
    """SIGTERM ends the server with 0; temporary things are gone after it, tables are not."""
    with http(server.settings) as client:
        client.params = client.params.remove("database")
        run(client, "CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
        run(client, "INSERT INTO t VALUES (1)")
        run(client, "CREATE TEMPORARY TABLE x (id UInt64)", session_id="s")

        code = server.stop()
        server.start()

        assert code == 0
        assert run(client, "SELECT count() FROM t") == "1\n"
        assert client.post("/", content="SELECT * FROM x", params={"session_id": "s"}).status_code == 404


def test_a_stop_while_it_starts_is_not_lost(server: ServerProcess) -> None:
    """SIGTERM at any moment after the engine begins to open ends the server with 0."""
    server.stop()
    (server.settings.data_dir / "clickhouse" / "server.lock").unlink(missing_ok=True)
    process = server.spawn()
    while not (server.settings.data_dir / "clickhouse" / "server.lock").exists():
        assert process.poll() is None, server.log

    assert server.stop() == 0


def test_a_stop_does_not_wait_for_a_long_query(server: ServerProcess) -> None:
    """A running query is stopped with the server, within the time that a stack gives its parts."""
    forever = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
    statuses: list[int] = []

    def ask() -> None:
        with http(server.settings) as client, suppress(httpx.TransportError):
            client.params = client.params.remove("database")
            statuses.append(client.post("/", content=forever).status_code)

    thread = Thread(target=ask)
    thread.start()
    with http(server.settings) as client:
        client.params = client.params.remove("database")
        while run(client, "SELECT count() FROM system.processes") == "1\n":
            assert thread.is_alive()
        code = server.stop()
    thread.join()

    assert code == 0
    assert httpx.codes.OK not in statuses


def test_an_address_that_others_reach_needs_a_password(tmp_path: Path) -> None:
    """Without a password the server refuses to listen on anything but loopback, before it opens the data."""
    server = ServerProcess(
        tmp_path,
        {"CINEPULSE_CLICKHOUSE_HOST": "0.0.0.0", "CINEPULSE_CLICKHOUSE_PASSWORD": ""},  # noqa: S104 - refused
    )

    assert server.spawn().wait(30) == 2
    assert "CINEPULSE_CLICKHOUSE_PASSWORD" in server.log
    assert not (tmp_path / "clickhouse").exists()


def test_a_path_with_any_characters_works(tmp_path: Path) -> None:
    """The data directory's name may have what URLs, SQL and XML treat as special."""
    server = ServerProcess(tmp_path / "R&D 100% + <films> 'ü'?")
    server.start()
    with http(server.settings) as client:
        client.params = client.params.remove("database")
        run(client, "CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
        version = run(client, "SELECT version()")
    server.kill()

    assert version.count(".") == 3
    assert (server.settings.data_dir / "clickhouse" / "store" / "metadata").is_dir()
