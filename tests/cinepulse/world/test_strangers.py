"""Who the loopback world does not answer, and what it does not let itself be made to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from cinepulse.deadlines import CONNECTIONS, PromptHttp
from cinepulse.settings import Settings
from cinepulse.world.server import server_of
from tests.cinepulse.http_attacks import FOREIGN, request, status
from tests.fixtures.world import running_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.world import RunningWorld

CALLS = [
    ("GET", "/_world/state"),
    ("GET", "/_world/posts"),
    ("GET", "/_world/faults"),
    ("POST", "/_world/start"),
    ("POST", "/_world/faults"),
    ("DELETE", "/_world/faults"),
    ("POST", "/api/v1/access_token"),
    ("GET", "/r/movies/new"),
    ("GET", "/tmdb/3/movie/popular"),
    ("GET", "/tmdb/files/p/exports/movie_ids_01_01_2026.json.gz"),
    ("GET", "/nowhere"),
]


@pytest.fixture(scope="module")
def world() -> Iterator[RunningWorld]:
    """Yield a paused world that the module's tests share."""
    with running_world(seed=1) as running:
        yield running


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_pages_of_other_hosts_are_refused(world: RunningWorld, method: str, path: str, headers: dict[str, str]) -> None:
    """Reddit's side, TMDB's side and above all the admin API answer no page that names or comes from elsewhere."""
    answer = httpx.request(method, world.url + path, headers=headers, trust_env=False)

    assert answer.status_code == 421
    assert world.state()["paused"]


def test_a_name_can_be_allowed() -> None:
    """Behind a proxy of one's own the world answers under its name."""
    with running_world(settings=Settings(allowed_hosts=("films.example",))) as world:
        answers = [
            httpx.get(f"{world.url}/_world/state", headers={"Host": host}, trust_env=False).status_code
            for host in ("films.example", "other.example")
        ]

    assert answers == [200, 421]


def test_a_huge_head_is_refused(world: RunningWorld) -> None:
    """A head without end costs the connection, not the memory."""
    port = int(world.url.rpartition(":")[2])

    assert status(request(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 100_000)) in (0, 400)
    assert world.state()["films"] > 0


def test_the_server_lets_slow_clients_go() -> None:
    """The world is served by the HTTP whose limits `test_deadlines.py` shows."""
    config = server_of(lambda *_: None).config  # type: ignore[arg-type]  # never called

    assert (config.http, config.limit_concurrency) == (PromptHttp, CONNECTIONS)
