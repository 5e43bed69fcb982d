"""Who the embedded server does not answer: every path, every way to send a password, heads and bodies without end."""

from __future__ import annotations

import gzip
import sys
import zlib
from base64 import b64encode
from struct import Struct
from typing import TYPE_CHECKING, Final

import httpx
import lz4.frame
import psutil
import pytest

from cinepulse.deadlines import PromptHttp
from clickhouse.cityhash import city_hash_128
from clickhouse.server import _config
from tests.cinepulse.http_attacks import FOREIGN, request, status
from tests.clickhouse.requests import error_code, http, run
from tests.fixtures.clickhouse import PASSWORD, ServerProcess

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


OPEN: Final = ("/ping", "/replicas_status", "/")
"""What ClickHouse itself answers to anybody, with no more than `Ok.`."""
NOT_THERE: Final = ("/play", "/dashboard", "/metrics", "/binary", "/merges", "/js/uplot.js", "/?%00", "/../store", "//")
QUERY: Final = {"query": "SELECT 'served'"}
BODY_BYTES: Final = 4_000_000
BOMB_BYTES: Final = 400_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Yield a server of the module's own, which takes small bodies and one name beyond loopback's."""
    limits = {"CINEPULSE_CLICKHOUSE_BODY_BYTES": str(BODY_BYTES), "CINEPULSE_ALLOWED_HOSTS": "films.example"}
    server = ServerProcess(tmp_path_factory.mktemp("strangers"), limits)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def anybody(server: ServerProcess) -> Iterator[httpx.Client]:
    """Yield a client without user and password."""
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def user(server: ServerProcess) -> Iterator[httpx.Client]:
    """Yield a client with the right password."""
    with http(server.settings) as client:
        client.params = client.params.remove("database")
        yield client


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", [*OPEN, *NOT_THERE])
def test_foreign_hosts_get_nowhere(user: httpx.Client, path: str, headers: dict[str, str]) -> None:
    """No path answers a page that names or comes from elsewhere, not even with the right password."""
    answer = user.get(path, headers=headers)
    query = user.post(path, headers=headers, params=QUERY)

    assert (answer.status_code, query.status_code) == (421, 421)
    assert "served" not in query.text


def test_an_allowed_name_is_answered(user: httpx.Client) -> None:
    """The name that the settings allow is, in Host and in Origin."""
    headers = {"Host": "films.example", "Origin": "https://films.example"}

    assert user.post("/", headers=headers, params=QUERY).text == "served\n"


@pytest.mark.parametrize("path", OPEN)
def test_what_is_open_tells_nothing(anybody: httpx.Client, path: str) -> None:
    """Probes need no password, and say only that the server is there."""
    answer = anybody.get(path)

    assert (answer.status_code, answer.text) == (200, "Ok.\n")
    assert "x-clickhouse-server-display-name" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", NOT_THERE)
def test_there_are_no_other_doors(anybody: httpx.Client, path: str) -> None:
    """ClickHouse's pages for people and for Prometheus are not there; nor is anything that a path could climb to."""
    answer = anybody.get(path, params=QUERY)

    assert answer.status_code in (403, 404)
    assert "served" not in answer.text


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
@pytest.mark.parametrize("password", [None, "", "wrong", PASSWORD[:-1], PASSWORD + "x", PASSWORD.upper()])
def test_no_method_runs_a_query_without_the_password(anybody: httpx.Client, method: str, password: str | None) -> None:
    """Whatever the method, a query needs exactly the password."""
    auth = None if password is None else ("cinepulse", password)
    answer = anybody.request(method, "/", params=QUERY, auth=auth)

    assert answer.status_code in (403, 405)
    assert "served" not in answer.text
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "send",
    [
        {"params": {**QUERY, "user": "cinepulse", "password": "wrong"}},
        {"params": {**QUERY, "user": "default"}},
        {"params": QUERY, "headers": {"X-ClickHouse-User": "cinepulse", "X-ClickHouse-Key": "wrong"}},
        {"params": {**QUERY, "user": "cinepulse", "password": PASSWORD}, "headers": {"X-ClickHouse-User": "eve"}},
        {"params": QUERY, "headers": {"X-ClickHouse-User": "cinepulse", "X-ClickHouse-SSL-Certificate-Auth": "on"}},
        {"params": QUERY, "headers": {"Authorization": "Bearer " + PASSWORD}},
        {"params": QUERY, "headers": {"Authorization": "Basic " + b64encode(b"cinepulse").decode()}},
        {"params": QUERY, "headers": {"Authorization": "never http"}},
        {"params": {**QUERY, "session_id": "s"}},
        {"params": {**QUERY, "quota_key": "k", "role": "admin"}},
    ],
)
def test_no_way_to_name_a_user_goes_round_the_password(anybody: httpx.Client, send: dict[str, dict[str, str]]) -> None:
    """Each of ClickHouse's ways is checked, and one right way does not heal a wrong one."""
    answer = anybody.get("/", **send)  # type: ignore[arg-type]  # parameters and headers by name

    assert (answer.status_code, error_code(answer)) == (403, 516)
    assert "served" not in answer.text
    assert PASSWORD not in answer.text


def test_a_password_is_compared_in_constant_time(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both user and password go through the comparison that takes the same time wherever they differ."""
    from clickhouse import auth

    compared: list[tuple[bytes, bytes]] = []

    def note(given: bytes, wanted: bytes) -> bool:
        compared.append((given, wanted))
        return given == wanted

    monkeypatch.setattr(auth, "compare_digest", note)
    guard = auth.Guard("cinepulse", PASSWORD, server.settings.clickhouse_host)
    guard.check({}, {"user": "cinepulse", "password": PASSWORD})

    assert compared == [(b"cinepulse", b"cinepulse"), (PASSWORD.encode(), PASSWORD.encode())]


def test_a_head_without_end_is_refused(server: ServerProcess, user: httpx.Client) -> None:
    """A line or headers beyond a mebibyte cost the connection, and the server goes on."""
    port = server.settings.clickhouse_port
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\n"

    assert status(request(port, b"GET /?query=" + b"x" * 3_000_000)) in (0, 400)
    assert status(request(port, head + b"A: b\r\n" * 500_000)) in (0, 400)
    assert status(request(port, head + b"Content-Length: -1\r\n\r\n")) == 400
    assert status(request(port, head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n")) == 400
    assert status(request(port, head + b"Host: evil.example\r\n\r\n")) == 400
    assert status(request(port, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")) == 400
    assert run(user, "SELECT 1") == "1\n"


def test_a_body_without_its_password_is_not_read(server: ServerProcess, user: httpx.Client) -> None:
    """A refused request's body is not taken in, however long it says it is."""
    head = (
        b"POST /?query=INSERT HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n"
    )

    assert status(request(server.settings.clickhouse_port, head + b"x" * 200_000)) == 403
    assert run(user, "SELECT 1") == "1\n"


def zstd_bomb(size: int) -> bytes:
    """Return a zstd frame of `size` zeros."""
    return bytes(zstd.compress(bytes(size)))


def blocks_bomb(size: int) -> bytes:
    """Return ClickHouse's own blocks, each of zeros, `size` in all."""
    import lz4.block

    plain = bytes(1 << 20)
    data: bytes = lz4.block.compress(plain, store_size=False)
    rest = Struct("<BII").pack(0x82, 9 + len(data), len(plain)) + data
    return (Struct("<QQ").pack(*city_hash_128(rest)) + rest) * (size >> 20)


BOMBS: Final[dict[str, Callable[[int], bytes]]] = {
    "gzip": lambda size: gzip.compress(bytes(size), 6),
    "deflate": lambda size: zlib.compress(bytes(size), 6),
    "lz4": lambda size: bytes(lz4.frame.compress(bytes(size))),
    "zstd": zstd_bomb,
    "blocks": blocks_bomb,
}


@pytest.mark.parametrize("coding", sorted(BOMBS))
def test_a_bomb_is_defused(server: ServerProcess, user: httpx.Client, coding: str) -> None:
    """A small body that unpacks to a hundred times the limit is refused, takes no memory and stores nothing."""
    body = BOMBS[coding](BOMB_BYTES)
    assert len(body) < BODY_BYTES
    process = psutil.Process(server.pid)
    before = process.memory_info().rss
    params = {"query": "INSERT INTO FUNCTION null('a String') FORMAT TSV", "input_format_parallel_parsing": "0"}
    headers = {}
    if coding == "blocks":
        params["decompress"] = "1"
    else:
        headers["Content-Encoding"] = coding

    answer = user.post("/", params=params, content=body, headers=headers)

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE, answer.text
    assert process.memory_info().rss - before < BOMB_BYTES / 4
    assert run(user, "SELECT 1") == "1\n"


def test_the_server_lets_slow_clients_go(server: ServerProcess) -> None:
    """The server runs on the HTTP whose limits `tests/cinepulse/test_deadlines.py` shows."""

    def interface(*_: object) -> None:
        """Answer nothing: it is never called."""

    config = _config(interface, "127.0.0.1", server.settings.clickhouse_port)  # type: ignore[arg-type]  # see above

    assert (config.http, config.limit_concurrency) == (PromptHttp, 4096)
