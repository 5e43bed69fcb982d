"""What clickhouse_connect, as it comes, does with the server: the same as with any ClickHouse.

Set CINEPULSE_TEST_CLICKHOUSE_URL to run these against a genuine server.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from clickhouse.failures import RETRYABLE_CODES
from tests.clickhouse.requests import stock_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

    from cinepulse.settings import Settings

COLUMNS = ["id", "title", "seen_at", "day", "tags", "score"]
ROWS: list[list[Any]] = [
    [0, "Dune", datetime(2026, 1, 1, 12, 30, 0, 123000, UTC), date(2026, 1, 1), [], 0.5],
    [1, None, datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1), ["a", "b'c"], -1.0],
    [2**63, "Amélie\t\\'", datetime(2100, 1, 1, tzinfo=UTC), date(2149, 6, 6), [""], 1e300],
]


@pytest.fixture
def client(request: pytest.FixtureRequest, clickhouse_settings: Settings) -> Iterator[Client]:
    """Yield a stock client, with its session; in the compression that a test marked with `each_coding` names."""
    coding = getattr(request, "param", True)
    with stock_client(clickhouse_settings, compress=coding, tz_mode="aware") as client:
        yield client


each_coding = pytest.mark.parametrize(
    "client", [False, "lz4", "zstd", "gzip"], ids=["plain", "lz4", "zstd", "gzip"], indirect=True
)


@pytest.fixture
def films(client: Client) -> str:
    """Return an empty table that drops repeated inserts."""
    client.command(
        "CREATE TABLE films (id UInt64, title Nullable(String), seen_at DateTime64(3, 'UTC'), day Date, "
        "tags Array(String), score Float64) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    return "films"


@each_coding
def test_rows_come_back(client: Client, films: str) -> None:
    """Inserted rows are read back as they were, and the summary counts them."""
    summary = client.insert(films, ROWS, column_names=COLUMNS)

    assert summary.written_rows == len(ROWS)
    assert [list(row) for row in client.query("SELECT * FROM films ORDER BY id").result_rows] == ROWS


@each_coding
def test_an_insert_repeated_under_its_token_is_stored_once(client: Client, films: str) -> None:
    """The same token stores nothing more, another one does."""
    for token in ("a", "a", "b"):
        client.insert(films, ROWS, column_names=COLUMNS, settings={"insert_deduplication_token": token})

    assert client.command("SELECT count() FROM films") == 2 * len(ROWS)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("UInt64", 2**64 - 1),
        ("String", 'it\'s\ta \\ "tést"\n\0 {x:String} -- /*'),
        ("Nullable(String)", None),
        ("Array(String)", ["a", "b'c", "d,e", ""]),
        ("Array(UInt64)", []),
        ("DateTime64(3, 'UTC')", datetime(2026, 2, 28, 23, 59, 59, 999000, UTC)),
        ("Date", date(2026, 2, 28)),
        ("Array(Nullable(Int64))", [1, None]),
        ("Bool", True),
    ],
)
def test_parameters_are_bound(client: Client, kind: str, value: Any) -> None:
    """A bound parameter arrives as the value it is, whatever characters it has."""
    assert client.query(f"SELECT {{value:{kind}}}", parameters={"value": value}).first_row == (value,)


def test_a_long_parameter_is_bound(client: Client) -> None:
    """A parameter too long for a URL travels in a form."""
    value = "Ünïcode;'" * 5000

    assert client.query("SELECT {value:String}", parameters={"value": value}).first_row == (value,)


def test_identifiers_are_bound(client: Client, films: str) -> None:
    """Names of tables can be parameters."""
    assert client.query("SELECT count() FROM {table:Identifier}", parameters={"table": films}).first_row == (0,)


def test_settings_last_for_one_call(client: Client) -> None:
    """A setting given with a call does not reach the client's next call, in its session."""
    changed = client.query("SELECT getSetting('max_threads')", settings={"max_threads": 1}).first_row
    after = client.query("SELECT getSetting('max_threads')").first_row

    assert changed == (1,)
    assert after != (1,)


@each_coding
def test_a_large_result_streams(client: Client) -> None:
    """Blocks of a large result arrive one after the other and are complete."""
    rows = total = blocks = 0
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(500000)") as stream:
        for block in stream:
            rows, total, blocks = rows + len(block), total + sum(row[0] for row in block), blocks + 1

    assert (rows, total) == (500_000, 499_999 * 250_000)
    assert blocks > 1


@each_coding
def test_a_stream_that_fails_says_so(client: Client) -> None:
    """An error after the first blocks reaches the reader of the stream."""
    failing = "SELECT throwIf(number > 1500000, 'too far') FROM numbers(2000000)"

    with pytest.raises(StreamFailureError, match="too far"), client.query_row_block_stream(failing) as stream:
        for _ in stream:
            pass

    assert client.command("SELECT 1") == 1


def test_a_stream_that_is_left_early_frees_its_session(client: Client) -> None:
    """A reader may stop in the middle and go on with other queries."""
    with client.query_row_block_stream("SELECT number FROM numbers(100000000)") as stream:
        first = next(iter(stream))
    client.close_connections()

    assert first[0] == (0,)


@pytest.mark.usefixtures("films")
def test_results_without_rows_keep_their_columns(client: Client) -> None:
    """LIMIT 0 tells the columns, and no rows are no error."""
    assert client.query("SELECT id, title FROM films LIMIT 0").column_names == ("id", "title")
    assert client.query("SELECT id FROM films WHERE id = 7").result_rows == []


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nowhere", 60),
        ("SELECT nothing FROM system.one", 47),
        ("SELECT noSuchFunction(1)", 46),
        ("SELEC 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT * FROM nowhere.nothing", 81),
        ("SELECT throwIf(1)", 395),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115),
        ("SELECT toUInt8('x')", 6),
    ],
)
def test_errors_carry_clickhouses_code(client: Client, sql: str, code: int) -> None:
    """A refused or failed query raises DatabaseError with the code that ClickHouse documents."""
    with pytest.raises(DatabaseError) as raised:
        client.command(sql)

    assert raised.value.code == code


@each_coding
def test_a_failed_insert_stores_nothing(client: Client, films: str) -> None:
    """Rows that do not parse fail the insert with its code, and those before them are not stored."""
    with pytest.raises(DatabaseError) as raised:
        client.raw_insert(films, ["id"], b"1\n2\nthree\n", fmt="TSV")

    assert raised.value.code == 27
    assert client.command("SELECT count() FROM films") == 0


@each_coding
def test_an_insert_that_breaks_a_constraint_says_so(client: Client, films: str) -> None:
    """Rows that parse and that the table refuses fail the insert too: what is confirmed is stored, and nothing else."""
    client.command("ALTER TABLE films ADD CONSTRAINT small CHECK id < 10")

    with pytest.raises(DatabaseError) as raised:
        client.insert(films, [[1, "Up"], [50, "Jaws"]], column_names=["id", "title"])
    refused = client.command("SELECT count() FROM films")
    client.insert(films, [[1, "Up"]], column_names=["id", "title"])

    assert raised.value.code == 469
    assert refused == 0
    assert client.command("SELECT count() FROM films") == 1


@each_coding
def test_an_insert_into_too_many_parts_is_to_be_tried_again(client: Client) -> None:
    """A table whose merges lag behind refuses inserts with the code that the sink waits on, and takes them later."""
    client.command(
        "CREATE TABLE crowded (id UInt64) ENGINE = MergeTree ORDER BY id "
        "SETTINGS parts_to_delay_insert = 1, parts_to_throw_insert = 2, max_delay_to_insert = 1, "
        "inactive_parts_to_throw_insert = 0"
    )
    client.command("SYSTEM STOP MERGES crowded")
    client.insert("crowded", [[1]], column_names=["id"])
    client.insert("crowded", [[2]], column_names=["id"])

    with pytest.raises(DatabaseError) as raised:
        client.insert("crowded", [[3]], column_names=["id"])
    refused = client.command("SELECT count() FROM crowded")
    client.command("SYSTEM START MERGES crowded")
    client.command("OPTIMIZE TABLE crowded FINAL")
    client.insert("crowded", [[3]], column_names=["id"])

    assert raised.value.code == 252
    assert raised.value.code in RETRYABLE_CODES
    assert refused == 2
    assert client.command("SELECT count() FROM crowded") == 3


def test_a_query_that_takes_too_long_is_cut_off(client: Client) -> None:
    """A query ends at the time limit that its call sets."""
    with pytest.raises(DatabaseError) as raised:
        client.query("SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", settings={"max_execution_time": 1})

    assert raised.value.code == 159


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("JSONEachRow", b'{"a":0}\n{"a":1}\n'),
        ("CSVWithNames", b'"a"\n0\n1\n'),
        ("TSVWithNamesAndTypes", b"a\nUInt64\n0\n1\n"),
        ("Values", b"(0),(1)"),
    ],
)
def test_raw_queries_come_in_any_format(client: Client, output: str, expected: bytes) -> None:
    """raw_query returns exactly what ClickHouse writes in that format."""
    assert client.raw_query("SELECT number AS a FROM numbers(2)", fmt=output) == expected


@each_coding
def test_raw_inserts_take_compressed_rows(client: Client, films: str) -> None:
    """Rows that are encoded already go in as they are."""
    client.raw_insert(films, ["id", "title"], b'{"id":1,"title":"Up"}\n', fmt="JSONEachRow")

    assert client.query("SELECT id, title FROM films").result_rows == [(1, "Up")]


def test_temporary_tables_live_in_the_session(client: Client, clickhouse_settings: Settings) -> None:
    """A client sees its temporary table in its next calls, another client does not."""
    client.command("CREATE TEMPORARY TABLE seen (id UInt64)")
    client.insert("seen", [[1], [2]], column_names=["id"], column_type_names=["UInt64"], database="")

    assert client.command("SELECT sum(id) FROM seen") == 3
    with stock_client(clickhouse_settings) as other, pytest.raises(DatabaseError) as raised:
        other.command("SELECT sum(id) FROM seen")
    assert raised.value.code == 60


def test_time_zones_are_told(client: Client) -> None:
    """The server's zone is UTC, so that instants come without shift."""
    assert str(client.server_tz) in ("UTC", "Etc/UTC")
    assert client.command("SELECT toString(toDateTime(0))") == "1970-01-01 00:00:00"


def test_the_client_pings(client: Client) -> None:
    """The driver's own probe succeeds."""
    assert client.ping()
