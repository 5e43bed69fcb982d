"""Sessions: what lasts in one, what lasts for a call alone, and who may use it when."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.clickhouse.requests import error_code, http, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from cinepulse.settings import Settings


@pytest.fixture
def client(clickhouse_settings: Settings) -> Iterator[httpx.Client]:
    """Yield a plain HTTP client of the test's own database."""
    with http(clickhouse_settings) as client:
        yield client


@pytest.fixture
def session() -> str:
    """Return a session id that nobody has used."""
    return uuid4().hex


THREADS = "SELECT getSetting('max_threads')"


def test_set_lasts_in_its_session_alone(client: httpx.Client, session: str) -> None:
    """SET holds for the session's later calls, and for nobody else's."""
    before = run(client, THREADS)
    run(client, "SET max_threads = 1", session_id=session)

    assert run(client, THREADS, session_id=session) == "1\n"
    assert run(client, THREADS) == before


def test_set_without_a_session_is_gone(client: httpx.Client) -> None:
    """Without a session, nothing that a call sets reaches another call."""
    before = run(client, THREADS)
    run(client, "SET max_threads = 1")

    assert run(client, THREADS) == before


@pytest.mark.parametrize(
    "between",
    [
        "SET max_threads = 3",
        "USE information_schema",
        "CREATE TEMPORARY TABLE own (a Int8)",
        "SELECT throwIf(1)",
        "SELECT number, throwIf(number = 150000) FROM numbers(200000) FORMAT JSON",
        "SELECT 1 SETTINGS max_threads = 3",
    ],
)
def test_calls_that_are_alike_find_nothing_of_each_other(client: httpx.Client, between: str) -> None:
    """Without a session, after whatever ran under the same settings, a call finds its own and no table."""
    asked = (
        "SELECT getSetting('max_threads'), currentDatabase(), (SELECT count() FROM system.tables WHERE is_temporary)"
    )
    before = run(client, asked, max_threads="2")

    client.post("/", content=between, params={"max_threads": "2"})
    after = [run(client, asked, max_threads="2") for _ in range(2)]

    assert before == f"2\t{client.params['database']}\t0\n"
    assert after == [before, before]


def test_a_calls_settings_end_with_it(client: httpx.Client, session: str) -> None:
    """In a session a call's settings hold for that call, then the session's own value is back, or the default."""
    run(client, "SET max_block_size = 4321", session_id=session)

    during = run(client, "SELECT getSetting('max_block_size')", session_id=session, max_block_size="99")
    run(client, "SELECT 1", session_id=session, join_use_nulls="1", max_block_size="98")
    failed = client.post("/", content="SELECT throwIf(1)", params={"session_id": session, "max_block_size": "97"})
    after = run(client, "SELECT getSetting('max_block_size'), getSetting('join_use_nulls')", session_id=session)

    assert during == "99\n"
    assert error_code(failed) == 395
    assert after == "4321\tfalse\n"


def test_parameters_end_with_their_call(client: httpx.Client, session: str) -> None:
    """A query parameter is not there for the session's next call."""
    run(client, "SELECT {secret:String}", session_id=session, param_secret="x")

    response = client.post("/", content="SELECT {secret:String}", params={"session_id": session})

    assert error_code(response) == 456


def test_the_database_of_a_call_ends_with_it(client: httpx.Client, session: str) -> None:
    """`database` names the database of one call; USE names that of the session."""
    anywhere = {"session_id": session, "database": "system"}
    assert run(client, "SELECT currentDatabase()", **anywhere) == "system\n"

    run(client, "USE information_schema", session_id=session)
    client.params = client.params.remove("database")
    assert run(client, "SELECT currentDatabase()", session_id=session) == "information_schema\n"
    assert run(client, "SELECT currentDatabase()") == "default\n"


def test_rows_of_a_failed_query_do_not_show_up_later(client: httpx.Client, session: str) -> None:
    """A query that fails after its first rows leaves none of them to the session's next query."""
    failing = "SELECT number, throwIf(number = 150000) FROM numbers(200000) FORMAT JSON"

    response = client.post("/", content=failing, params={"session_id": session, "max_block_size": "1000"})

    assert error_code(response) == 395
    assert run(client, "SELECT 'next' FORMAT Values", session_id=session) == "('next')"


def test_a_session_serves_one_call_at_a_time(client: httpx.Client, session: str) -> None:
    """A second call while the first runs is refused; after it the session is free again."""
    slow = f"SELECT '{session}', sleepEachRow(1) FROM numbers(2) SETTINGS max_block_size = 1"  # noqa: S608 - a test id
    running = f"SELECT count() FROM system.processes WHERE query LIKE 'SELECT \\'{session}%'"  # noqa: S608 - a test id
    thread = Thread(target=run, args=(client, slow), kwargs={"session_id": session})

    thread.start()
    while run(client, running) == "0\n":
        assert thread.is_alive()
    during = client.post("/", content="SELECT 1", params={"session_id": session})
    thread.join()
    after = run(client, "SELECT 1", session_id=session)

    assert error_code(during) == 373
    assert after == "1\n"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"session_check": "1"}, 372),
        ({"session_timeout": "soon"}, 374),
        ({"session_timeout": "99999"}, 374),
    ],
)
def test_sessions_that_cannot_be_are_refused(
    client: httpx.Client, session: str, params: dict[str, str], code: int
) -> None:
    """A session that must exist and does not, and a time-out that is none or too long, get their codes."""
    response = client.post("/", content="SELECT 1", params={"session_id": session, **params})

    assert error_code(response) == code
