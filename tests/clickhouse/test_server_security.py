"""What a user with the password still may not do: reach the machine beyond the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.clickhouse.requests import error_code, http, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cinepulse.settings import Settings


@pytest.fixture
def client(clickhouse_settings: Settings) -> Iterator[httpx.Client]:
    """Yield a plain HTTP client of the test's own database."""
    with http(clickhouse_settings) as client:
        run(client, "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
        yield client


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file that no answer may show."""
    path = tmp_path / "secret"
    path.write_text("classified", "utf-8")
    return path


READS = [
    "SELECT file('{path}')",
    "SELECT `file`('{path}')",
    "SELECT \"file\"('{path}')",
    r"SELECT `\x66ile`('{path}')",
    "SELECT \u201cfile\u201d('{path}')",
    "SELECT \u2018--\u2019, file('{path}')",
    "SELECT 1 AS a$b$, file('{path}')",
    "SELECT /* ' */ file('{path}') -- '",
    "SELECT arrayMap(file, ['{path}'])",
    "SELECT * APPLY(file) FROM values('a String', '{path}')",
    "WITH file('{path}') AS x SELECT x",
    "EXPLAIN SELECT file('{path}')",
    "DESCRIBE (SELECT file('{path}'))",
    "CREATE FUNCTION read AS (x) -> file(x)",
    "CREATE VIEW v AS SELECT arrayMap({{f:Identifier}}, ['{path}'])",
    "CREATE TABLE x (a String DEFAULT file('{path}')) ENGINE = Memory",
    "INSERT INTO t VALUES (file('{path}'))",
    "INSERT INTO t SETTINGS input_format_values_interpret_expressions = 1 VALUES (file('{path}'))",
    "INSERT INTO t SELECT file('{path}')",
    "INSERT INTO t FROM INFILE '{path}' FORMAT LineAsString",
    "SELECT * FROM file('{path}', 'LineAsString')",
    "SELECT * FROM filesystem('{path}')",
    "SELECT * FROM format(Values, 'a String', $$(file('{path}'))$$)",
    "SELECT * FROM format(concat('Val', 'ues'), 'a String', $$(file('{path}'))$$)",
    "SELECT * FROM format/**/(Values, 'a String', $$(file('{path}'))$$)",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT * FROM _local.`{path}`",
    "SELECT * FROM `{path}`",
    "SELECT * FROM icebergLocal('{path}')",
    "SELECT * FROM sqlite('{path}', 't')",
    "SELECT * FROM python(settings)",
    "SELECT * FROM executable('cat', 'LineAsString', 'a String')",
    "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '{path}'",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{path}'",
    "SELECT 1 FORMAT Protobuf SETTINGS format_schema = '{path}:M'",
    "SET param_f = 'file'",
    "CREATE DATABASE f ENGINE = Filesystem('{path}')",
    "CREATE TABLE f (a String) ENGINE = File('LineAsString', '{path}')",
    "CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path '{path}' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)",
    "ATTACH TABLE f FROM '{path}' (a String) ENGINE = MergeTree ORDER BY a",
    "RESTORE TABLE t FROM File('{path}')",
]


@pytest.mark.parametrize("sql", READS)
def test_no_query_reads_a_file(client: httpx.Client, secret: Path, sql: str) -> None:
    """However a query spells it, the file's content does not come out, and neither does a table of it."""
    response = client.post("/", content=sql.format(path=secret).encode())

    assert response.status_code != httpx.codes.OK
    assert error_code(response) > 0
    assert "classified" not in response.text + run(client, "SELECT * FROM t")


def test_parameters_cannot_name_a_refused_function(client: httpx.Client, secret: Path) -> None:
    """Neither plainly nor escaped can an identifier parameter spell the function; a text parameter is only a text."""
    for value in ("file", "`file`", "\\x66ile"):
        params = {"param_f": value, "param_path": str(secret)}
        response = client.post("/", content="SELECT arrayMap({f:Identifier}, [{path:String}])", params=params)
        assert "classified" not in response.text
        assert response.status_code != httpx.codes.OK

    assert run(client, "SELECT {f:String}", param_f="file") == "file\n"


def test_rows_of_text_may_say_anything(client: httpx.Client) -> None:
    """Words that are refused as names are only words in strings and in rows."""
    run(client, "INSERT INTO t VALUES ('file(1) INTO OUTFILE eval(')")
    run(client, "INSERT INTO t VALUES (lower('PYTHON('))")

    assert run(client, "SELECT a FROM t ORDER BY a") == "file(1) INTO OUTFILE eval(\npython(\n"


WRITES = [
    "SELECT 1 INTO OUTFILE '{path}'",
    "EXPLAIN SELECT 1 INTO OUTFILE '{path}'",
    "SHOW TABLES INTO/**/OUTFILE '{path}'",
    "KILL QUERY WHERE 0 INTO OUTFILE '{path}'",
    "INSERT INTO FUNCTION file('{path}', 'CSV') SELECT 1",
    "BACKUP TABLE t TO File('{path}')",
    "ALTER TABLE t FREEZE WITH NAME '{path}'",
    "CREATE TABLE r (a String) ENGINE = EmbeddedRocksDB(0, '{path}') PRIMARY KEY a",
    "CREATE TABLE d (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = '{path}/')",
    "CREATE TABLE l (a String) ENGINE = FileLog('{path}', 'CSV')",
    "SELECT 1 SETTINGS input_format_record_errors_file_path = '{path}'",
]


@pytest.mark.parametrize("sql", WRITES)
def test_no_query_writes_a_file(client: httpx.Client, tmp_path: Path, sql: str) -> None:
    """However a query spells it, nothing appears outside the engine's own folder."""
    response = client.post("/", content=sql.format(path=tmp_path / "made").encode())

    assert error_code(response) > 0
    assert list(tmp_path.iterdir()) == []


CALLS = [
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/key.csv', 'CSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM redis('127.0.0.1:1', 'a', 'a String')",
    "CREATE TABLE u (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')",
    "CREATE TABLE k (a String) ENGINE = Kafka('127.0.0.1:1', 't', 'g', 'CSV')",
    "CREATE TABLE d (a String) ENGINE = Distributed('c', 'd', 't')",
    "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(HTTP(url 'http://127.0.0.1:1/' format 'TSV')) LAYOUT(FLAT())",
]
ADMINISTRATION = [
    "SYSTEM SHUTDOWN",
    "CREATE USER eve",
    "GRANT ALL ON *.* TO default",
    "SELECT * FROM system.users",
    "EXECUTE AS default SELECT 1",
    "SET max_execution_time = 0",
    "SELECT 1 SETTINGS max_execution_time = 100000",
    "SET max_memory_usage = 0",
    "SELECT demangle(addressToSymbol(1))",
]


@pytest.mark.parametrize("sql", [*CALLS, *ADMINISTRATION])
def test_no_query_calls_out_or_rules(client: httpx.Client, sql: str) -> None:
    """Other hosts, users, grants and the server's own limits are out of reach."""
    response = client.post("/", content=sql)

    assert response.status_code != httpx.codes.OK
    assert error_code(response) in (446, 452, 497)


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1; DROP TABLE t", "DROP TABLE t; SELECT (", "SELECT 1; DROP TABLE t; nonsense (", "exit", "SELECT 1\0"],
)
def test_a_text_is_one_statement(client: httpx.Client, sql: str) -> None:
    """Of several statements none runs, whether they parse or not."""
    response = client.post("/", content=sql.encode())

    assert error_code(response) == 62
    assert run(client, "EXISTS TABLE t") == "1\n"


def test_errors_do_not_show_the_password(client: httpx.Client, clickhouse_settings: Settings) -> None:
    """A refused request's answer does not repeat what it was refused for."""
    for params in ({"user": "eve", "password": "hunter2"}, {"user": "cinepulse", "password": "hunter2"}):
        response = httpx.get(client.base_url, params={"query": "SELECT 1", **params}, trust_env=False)
        assert (response.status_code, error_code(response)) == (403, 516)
        assert "hunter2" not in response.text
        assert clickhouse_settings.clickhouse_password.get_secret_value() not in response.text


def test_foreign_pages_are_refused(client: httpx.Client) -> None:
    """A request whose Host or Origin is another's gets nowhere, with the right password too."""
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        response = client.post("/", content="SELECT 1", headers=headers)

        assert response.status_code == httpx.codes.MISDIRECTED_REQUEST
