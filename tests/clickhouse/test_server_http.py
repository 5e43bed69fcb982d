"""The HTTP interface as curl and other plain clients use it: ways to ask, formats, headers, statuses, codings."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import httpx
import lz4.frame
import pytest

from clickhouse.http_blocks import BlockDecoder, BlockEncoder
from tests.clickhouse.requests import error_code, http, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cinepulse.settings import Settings


@pytest.fixture
def client(clickhouse_settings: Settings) -> Iterator[httpx.Client]:
    """Yield a plain HTTP client of the test's own database."""
    with http(clickhouse_settings) as client:
        yield client


@pytest.fixture
def films(client: httpx.Client) -> str:
    """Return an empty table."""
    run(client, "CREATE TABLE films (id UInt64, title String) ENGINE = MergeTree ORDER BY id")
    return "films"


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_probes_need_no_password(clickhouse_server: Settings, path: str) -> None:
    """A probe gets its answer without credentials."""
    url = f"http://{clickhouse_server.clickhouse_host}:{clickhouse_server.clickhouse_port}{path}"

    assert httpx.get(url, trust_env=False).text == "Ok.\n"


def test_other_paths_are_not_found(client: httpx.Client) -> None:
    """There is nothing but the query path and the probes."""
    assert client.get("/no/such/path").status_code == httpx.codes.NOT_FOUND


def test_other_methods_are_refused(client: httpx.Client) -> None:
    """What is neither a question nor rows is told which methods are."""
    response = client.delete("/")

    assert (response.status_code, response.headers["allow"]) == (httpx.codes.METHOD_NOT_ALLOWED, "GET, HEAD, POST")


def test_query_by_get(client: httpx.Client) -> None:
    """A query in the URL answers tab-separated, and names its format, zone and id."""
    response = client.get("/", params={"query": "SELECT 1, 'a'", "query_id": "my-id"})

    assert response.text == "1\ta\n"
    assert response.headers["x-clickhouse-format"] == "TabSeparated"
    assert response.headers["x-clickhouse-query-id"] == "my-id"
    assert response.headers["x-clickhouse-timezone"] in ("UTC", "Etc/UTC")
    assert response.headers["content-type"] == "text/tab-separated-values; charset=UTF-8"
    assert json.loads(response.headers["x-clickhouse-summary"])["result_rows"] == "1"


def test_a_whole_answer_tells_its_length(client: httpx.Client) -> None:
    """An answer that is complete when it begins comes with its length; one that goes on comes in chunks."""
    client.headers["Accept-Encoding"] = "identity"
    whole = client.post("/", content="SELECT 1")
    empty = client.post("/", content="SELECT 1 WHERE 0")
    large = client.post("/", content="SELECT repeat('x', 999999) FROM numbers(3)", params={"wait_end_of_query": "1"})
    streamed = client.post("/", content="SELECT number FROM numbers(1000000)")

    assert [reply.headers["content-length"] for reply in (whole, empty, large)] == ["2", "0", "3000000"]
    assert [len(reply.content) for reply in (whole, empty, large)] == [2, 0, 3000000]
    assert streamed.headers["transfer-encoding"] == "chunked"
    assert len(streamed.content) == sum(len(str(number)) + 1 for number in range(1000000))


@pytest.mark.usefixtures("films")
def test_get_changes_nothing(client: httpx.Client) -> None:
    """By GET a statement that writes is refused, as ClickHouse does."""
    response = client.get("/", params={"query": "DROP TABLE films"})

    assert error_code(response) == 164
    assert run(client, "EXISTS TABLE films") == "1\n"


def test_readonly_holds_for_the_call(client: httpx.Client, films: str) -> None:
    """readonly=1 refuses writes of that call, also in a session, and of no other."""
    for session in ({}, {"session_id": films}):
        refused = client.post("/", content="INSERT INTO films VALUES (1, 'a')", params={"readonly": "1", **session})
        run(client, "INSERT INTO films VALUES (2, 'b')", **session)

        assert error_code(refused) == 164
    assert run(client, "SELECT id FROM films") == "2\n2\n"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("INSERT INTO films FORMAT CSV", '1,"a"\n2,"b"\n'),
        ("", 'INSERT INTO films FORMAT CSV\n1,"a"\n2,"b"\n'),
        ("INSERT INTO films VALUES", "(1, 'a'), (1 + 1, lower('B'))"),
        ("INSERT INTO films VALUES (1, 'a'),", "(2, 'b')"),
        ("", "INSERT INTO films (title, id) VALUES ('a', 1), ('b', 2);"),
        ("INSERT INTO films FORMAT JSONEachRow", '{"id":1,"title":"a"}{"id":2,"title":"b"}'),
        ("", "INSERT INTO films SELECT number + 1, ['a', 'b'][number + 1] FROM numbers(2)"),
        ("INSERT INTO {table:Identifier} FORMAT TSV", "1\ta\n2\tb\n"),
    ],
)
def test_inserts_in_every_form(client: httpx.Client, films: str, query: str, body: str) -> None:
    """The statement and its rows may come in the URL, in the body, or in both."""
    params = {"query": query, "param_table": films} if query else {}
    response = client.post("/", params=params, content=body)

    assert response.status_code == httpx.codes.OK, response.text
    assert run(client, "SELECT id, title FROM films ORDER BY id") == "1\ta\n2\tb\n"


@pytest.mark.usefixtures("films")
def test_rows_that_would_be_dropped_are_refused(client: httpx.Client) -> None:
    """An insert whose rows go through input() is an error: the engine would store none of them."""
    query = "INSERT INTO films SELECT id, t FROM input('id UInt64, t String') FORMAT TSV"

    assert client.post("/", params={"query": query}, content="1\ta\n").status_code == httpx.codes.FORBIDDEN


def test_a_query_may_be_cut_between_url_and_body(client: httpx.Client) -> None:
    """What is in the URL comes first, the body after it."""
    response = client.post("/", params={"query": "SELECT 1 +"}, content="2")

    assert response.text == "3\n"


def test_forms_bring_parameters(client: httpx.Client) -> None:
    """A multipart form brings the query and its parameters, with text in any script."""
    form = {"query": (None, "SELECT {a:String}, {b:UInt8}"), "param_a": (None, "Амели\\t'"), "param_b": (None, "7")}

    assert client.post("/", files=form).text == "Амели\\t\\'\t7\n"


def test_external_tables_are_refused_clearly(client: httpx.Client) -> None:
    """A form with a file asks for an external table, which this server says it does not have."""
    response = client.post("/", params={"query": "SELECT 1"}, files={"t": ("t.csv", b"1\n")})

    assert response.status_code == httpx.codes.NOT_IMPLEMENTED
    assert "temporary table" in response.text


@pytest.mark.parametrize(
    ("params", "headers", "expected"),
    [
        ({"default_format": "CSV"}, {}, '0,"a"\n'),
        ({}, {"X-ClickHouse-Format": "JSONCompactEachRow"}, '["0", "a"]\n'),
        ({"default_format": "CSV", "query": "SELECT toUInt64(0), 'a' FORMAT TSV"}, {}, "0\ta\n"),
    ],
)
def test_the_format_has_several_sources(
    client: httpx.Client, params: dict[str, str], headers: dict[str, str], expected: str
) -> None:
    """The query's own FORMAT goes before default_format, and that before the header."""
    asked = {"query": "SELECT toUInt64(0), 'a'", "output_format_json_quote_64bit_integers": "1", **params}

    assert client.get("/", params=asked, headers=headers).text == expected


HEADERS = {
    "TabSeparatedWithNames": "a\tb\n",
    "TabSeparatedWithNamesAndTypes": "a\tb\nUInt64\tString\n",
    "CSVWithNames": '"a","b"\n',
    "JSONCompactEachRowWithNamesAndTypes": '["a", "b"]\n["UInt64", "String"]\n',
    "RowBinaryWithNamesAndTypes": "\x02\x01a\x01b\x06UInt64\x06String",
}


@pytest.mark.parametrize(("output", "header"), HEADERS.items())
@pytest.mark.parametrize("rows", [0, 1, 200_000])
def test_headers_come_once(client: httpx.Client, output: str, header: str, rows: int) -> None:
    """A result sent in blocks has one header, also when it has no rows."""
    asked = {"default_format": output, "param_rows": str(rows)}

    body = client.post("/", content="SELECT number AS a, 'x' AS b FROM numbers({rows:UInt64})", params=asked).content

    assert body.startswith(header.encode())
    assert body.count(header.encode()) == 1
    if output.startswith("RowBinary"):
        assert len(body) - len(header) == rows * (8 + 2)
    else:
        assert body.count(b"\n") == header.count("\n") + rows


def test_csv_names_may_hold_line_breaks(client: httpx.Client) -> None:
    """A header whose names are quoted ends where CSV says, in every block."""
    text = run(client, 'SELECT number AS "a\nb""c" FROM numbers(200000) FORMAT CSVWithNames')

    assert text.startswith('"a\nb""c"\n0\n1\n')
    assert text.count("b") == 1


def test_json_is_one_document(client: httpx.Client) -> None:
    """Formats that need a beginning and an end are built whole."""
    document = json.loads(run(client, "SELECT number AS n FROM numbers(200000) FORMAT JSON"))

    assert document["rows"] == 200_000
    assert document["meta"] == [{"name": "n", "type": "UInt64"}]
    assert len(document["data"]) == 200_000


def test_a_document_that_is_too_large_is_refused(client: httpx.Client) -> None:
    """A result that would have to be built whole beyond the limit is an error, not all memory."""
    response = client.post("/", content="SELECT repeat(toString(number % 10), 1000) FROM numbers(200000) FORMAT JSON")

    assert error_code(response) == 396


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("", 400, 62),
        ("SELECT * FROM nowhere", 404, 60),
        ("SELECT * FROM nowhere.nothing", 404, 81),
        ("SELECT 1 SETTINGS nothing = 1", 404, 115),
        ("SELECT 1 FORMAT Nothing", 404, 73),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT sleep(3) SETTINGS max_execution_time = 0.5", 408, 159),
        ("SYSTEM SHUTDOWN", 403, 497),
    ],
)
def test_errors_have_clickhouses_statuses(client: httpx.Client, sql: str, status: int, code: int) -> None:
    """Each class of error has the HTTP status, the code in its header and the text that ClickHouse gives it."""
    response = client.post("/", content=sql)

    assert (response.status_code, error_code(response)) == (status, code)
    assert response.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "(version " in response.text


def test_unknown_settings_of_the_call_are_refused(client: httpx.Client) -> None:
    """A URL parameter that is no setting is an error, and one that is no name at all too."""
    unknown = client.get("/", params={"query": "SELECT 1", "no_such_setting": "1"})
    broken = client.get("/", params={"query": "SELECT 1", "max_threads = 1, readonly": "0"})

    assert (unknown.status_code, error_code(unknown)) == (404, 115)
    assert (broken.status_code, error_code(broken)) == (400, 36)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "lz4", "zstd"])
def test_answers_are_encoded_when_asked(client: httpx.Client, coding: str) -> None:
    """An answer is encoded only when the call allows it, in a coding that the client takes."""
    asked = {"query": "SELECT number FROM numbers(100000)", "wait_end_of_query": "0"}
    plain = client.get("/", params=asked, headers={"Accept-Encoding": coding})
    with client.stream(
        "GET", "/", params={**asked, "enable_http_compression": "1"}, headers={"Accept-Encoding": coding}
    ) as response:
        encoded = b"".join(response.iter_raw())

    assert "content-encoding" not in plain.headers
    assert response.headers["content-encoding"] == coding
    assert len(encoded) < len(plain.content)


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("lz4", lz4.frame.compress)])
def test_bodies_may_be_encoded(client: httpx.Client, coding: str, encode: object) -> None:
    """Statement and rows may come compressed together, also a body of many blocks."""
    assert callable(encode)
    rows = "".join(f"{number}\tfilm {number}\n" for number in range(100_000))
    body = encode(b"INSERT INTO films FORMAT TSV\n" + rows.encode())
    response = client.post("/", content=body, headers={"Content-Encoding": coding})

    assert response.status_code == httpx.codes.OK, response.text
    assert run(client, "SELECT count(), sum(id) FROM films") == "100000\t4999950000\n"


def test_answers_in_clickhouses_own_blocks(client: httpx.Client) -> None:
    """With compress=1, as JDBC clients ask, the answer is a row of ClickHouse's compressed blocks."""
    asked = {"query": "SELECT number FROM numbers(500000)", "compress": "1", "enable_http_compression": "1"}
    response = client.get("/", params=asked)
    decoder = BlockDecoder(10_000_000)

    plain = b"".join(decoder.feed(response.content))

    decoder.finish()
    assert "content-encoding" not in response.headers
    assert plain == b"".join(b"%d\n" % number for number in range(500_000))


@pytest.mark.usefixtures("films")
def test_bodies_in_clickhouses_own_blocks(client: httpx.Client) -> None:
    """With decompress=1 the body is taken as such blocks, and a broken one is refused."""
    encoder = BlockEncoder()
    body = encoder.feed(b"".join(b"%d\tfilm\n" % number for number in range(200_000))) + encoder.finish()
    asked = {"query": "INSERT INTO films FORMAT TSV", "decompress": "1"}

    stored = client.post("/", params=asked, content=body)
    broken = client.post("/", params=asked, content=body[:-1])

    assert stored.status_code == httpx.codes.OK, stored.text
    assert (broken.status_code, error_code(broken)) == (400, 271)
    assert run(client, "SELECT count(), sum(id) FROM films") == "200000\t19999900000\n"


def test_waiting_for_the_end_gives_errors_their_status(client: httpx.Client) -> None:
    """With wait_end_of_query a query that fails late is answered with an error, not with half a result."""
    failing = "SELECT number, throwIf(number = 1900000) FROM numbers(2000000)"

    waited = client.post("/", content=failing, params={"wait_end_of_query": "1"})

    assert (waited.status_code, error_code(waited)) == (500, 395)


@pytest.mark.parametrize("output", ["TSV", "CSVWithNames", "RowBinaryWithNames"])
@pytest.mark.parametrize("rows", [0, 1, 100_000, 2_000_000])
def test_waiting_for_the_end_changes_no_rows(client: httpx.Client, rows: int, output: str) -> None:
    """Whether a result is small, large or empty, who waits for its end reads the rows that stream to who does not."""
    sql = "SELECT number, toString(number) AS text FROM numbers({rows:UInt64}) SETTINGS max_threads = 1"
    asked = {"param_rows": str(rows), "default_format": output}

    waited, streamed = (client.post("/", content=sql, params={**asked, "wait_end_of_query": wait}) for wait in "10")

    assert (waited.status_code, streamed.status_code) == (httpx.codes.OK, httpx.codes.OK)
    assert waited.content == streamed.content


def test_the_callers_own_limit_holds(client: httpx.Client) -> None:
    """A caller who wants the first rows alone of what is too much gets those, and is told of no error."""
    limits = {"max_result_bytes": "80000", "result_overflow_mode": "break", "max_block_size": "1000"}

    waited = client.post(
        "/", content="SELECT number FROM numbers(1000000)", params={"wait_end_of_query": "1", **limits}
    )

    assert waited.status_code == httpx.codes.OK
    assert 10_000 <= waited.text.count("\n") < 100_000


def test_an_answer_that_breaks_off_is_no_whole_answer(client: httpx.Client) -> None:
    """Without waiting, the half result ends with the error between tags, and the connection ends without its end."""
    failing = "SELECT number, throwIf(number = 1900000, 'here') FROM numbers(2000000)"
    chunks: list[bytes] = []

    with client.stream("POST", "/", content=failing, params={"wait_end_of_query": "0"}) as response:
        tag = response.headers["x-clickhouse-exception-tag"].encode()
        with pytest.raises(httpx.RemoteProtocolError):
            chunks.extend(response.iter_bytes())

    received = b"".join(chunks)
    assert received.endswith(tag + b"\r\n__exception__\r\n")
    assert b"__exception__\r\n" + tag + b"\r\nCode: 395" in received


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(clickhouse_settings: Settings) -> None:
    """Curl queries by URL and by body, with -u and with headers, and inserts a file."""
    address = f"http://{clickhouse_settings.clickhouse_host}:{clickhouse_settings.clickhouse_port}/"
    user = clickhouse_settings.clickhouse_user
    password = clickhouse_settings.clickhouse_password.get_secret_value()

    def curl(*arguments: str, rows: str = "") -> str:
        command = ["curl", "--silent", "--noproxy", "*", *arguments]
        return subprocess.run(command, input=rows, capture_output=True, text=True, check=True).stdout

    auth = ("--user", f"{user}:{password}")
    database = clickhouse_settings.clickhouse_database
    curl(*auth, address, "--data", f"CREATE TABLE {database}.t (n UInt64) ENGINE = Memory")
    curl(*auth, f"{address}?query=INSERT+INTO+{database}.t+FORMAT+CSV", "--data-binary", "@-", rows="1\n2\n")
    headers = ("--header", f"X-ClickHouse-User: {user}", "--header", f"X-ClickHouse-Key: {password}")

    assert curl(*headers, f"{address}?query=SELECT+sum(n)+FROM+{database}.t") == "3\n"
    assert json.loads(curl(*auth, address, "--data", "SELECT 1 AS one FORMAT JSON"))["data"] == [{"one": 1}]
    assert "Code: 516" in curl(address, "--user", f"{user}:wrong", "--data", "SELECT 1")


def test_a_long_statement_is_taken(client: httpx.Client) -> None:
    """A statement longer than an insert's head may be is one all the same, up to the engine's own limit."""
    numbers = ",".join(map(str, range(60_000)))
    sql = f"SELECT count() FROM numbers(100000) WHERE number IN ({numbers})"  # noqa: S608 - numbers

    refused = client.post("/", content=sql)
    taken = client.post("/", content=sql, params={"max_query_size": "1000000"})

    assert error_code(refused) == 62
    assert taken.text == "60000\n"
