"""The one client: pinned settings, shared between threads, and errors that say what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from pydantic import SecretStr

from cinepulse.errors import ConfigurationInvalid, DatabaseUnavailable
from clickhouse.client import connect
from tests.fixtures.clickhouse import ServerProcess, unused_port

if TYPE_CHECKING:
    from pathlib import Path

    from cinepulse.settings import Settings


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("async_insert", False),
        ("insert_deduplicate", True),
        ("deduplicate_insert", "enable"),
        ("deduplicate_blocks_in_dependent_materialized_views", True),
        ("max_execution_time", 60),
    ],
)
def test_settings_are_pinned(clickhouse_settings: Settings, setting: str, expected: object) -> None:
    """What an insert promises does not depend on a server's defaults."""
    row = connect(clickhouse_settings).query("SELECT getSetting({name:String})", parameters={"name": setting}).first_row

    assert row == (expected,)


def test_own_settings_go_first(clickhouse_settings: Settings) -> None:
    """A caller can override what is pinned."""
    client = connect(clickhouse_settings, settings={"async_insert": 1, "max_execution_time": 7})

    assert client.query("SELECT getSetting('async_insert'), getSetting('max_execution_time')").first_row == (True, 7)


def test_one_client_serves_many_threads(clickhouse_settings: Settings) -> None:
    """Without a session, threads share a client and run their queries beside each other."""
    client = connect(clickhouse_settings)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: client.command("SELECT {n:UInt8}", {"n": number}), range(40)))

    assert answers == list(range(40))


def test_columns_of_numbers(clickhouse_settings: Settings) -> None:
    """Each column lies in one array of its own type, whether it came in one block or in many, or without a row."""
    client = connect(clickhouse_settings)
    asked = "SELECT toInt64(number) AS n, number / 2 AS half, if(number = 1, nan, 1) AS gap FROM numbers({rows:UInt64})"

    for rows in (3, 200_000):
        found = client.query_columns(asked, parameters={"rows": rows}, settings={"max_block_size": 1_000})
        assert {name: values.dtype for name, values in found.items()} == {"n": np.int64, "half": float, "gap": float}
        assert np.array_equal(found["n"], np.arange(rows))
        assert np.array_equal(found["half"], np.arange(rows) / 2)
        assert np.flatnonzero(np.isnan(found["gap"])).tolist() == [1]
    assert client.query_columns(asked, parameters={"rows": 0}) == {}


def test_columns_raise_as_rows_do(clickhouse_settings: Settings) -> None:
    """A table that is not there is a migration that was not run."""
    with pytest.raises(ConfigurationInvalid, match="cinepulse migrate"):
        connect(clickhouse_settings).query_columns("SELECT 1 AS n FROM nowhere")


def test_nobody_answers(clickhouse_settings: Settings) -> None:
    """A server that is not there is a reason to try again."""
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        connect(clickhouse_settings.model_copy(update={"clickhouse_port": unused_port()}))


def test_the_server_goes_away(tmp_path: Path) -> None:
    """A server that dies under a client is a reason to try again, and works again once it is back."""
    server = ServerProcess(tmp_path)
    server.start()
    client = connect(server.settings, database=None)
    server.kill()

    with pytest.raises(DatabaseUnavailable):
        client.query("SELECT 1")
    server.start()
    assert client.query("SELECT 1").first_row == (1,)
    server.kill()


def test_a_wrong_password_is_configuration(clickhouse_settings: Settings) -> None:
    """What the server does not let in is told by the settings to change, without the password."""
    wrong = clickhouse_settings.model_copy(update={"clickhouse_password": SecretStr("hunter2")})

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_CLICKHOUSE_PASSWORD") as raised:
        connect(wrong)

    assert "hunter2" not in str(raised.value)


def test_a_missing_database_or_table_says_migrate(clickhouse_settings: Settings) -> None:
    """Where the tables are missing, the message names the command that makes them."""
    with pytest.raises(ConfigurationInvalid, match="cinepulse migrate"):
        connect(clickhouse_settings.model_copy(update={"clickhouse_database": "nowhere"})).query("SELECT 1")
    with pytest.raises(ConfigurationInvalid, match="cinepulse migrate"):
        connect(clickhouse_settings).query("SELECT * FROM nowhere")


def test_overload_is_a_reason_to_try_again(clickhouse_settings: Settings) -> None:
    """A query that ran into its time limit may succeed later."""
    client = connect(clickhouse_settings, settings={"max_execution_time": 0.5})

    with pytest.raises(DatabaseUnavailable):
        client.query("SELECT sum(sipHash64(number)) FROM numbers(1000000000000)")


def test_other_errors_stay_clickhouses_own(clickhouse_settings: Settings) -> None:
    """An error in the SQL or in the rows keeps ClickHouse's code."""
    with pytest.raises(DatabaseError) as raised:
        connect(clickhouse_settings).query("SELECT throwIf(1)")

    assert raised.value.code == 395


def test_a_proxy_from_the_environment_is_not_for_loopback(
    clickhouse_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests to this machine stay on it."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")

    assert connect(clickhouse_settings).command("SELECT 1") == 1
