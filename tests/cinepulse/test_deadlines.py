"""uvicorn with a time limit on heads: an echo server in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from cinepulse import deadlines
from cinepulse.deadlines import PromptHttp
from tests.cinepulse.http_attacks import status, trickle

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = 0.3


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """Install none: this is a thread."""


async def _echo(_scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return the port of an echo server that gives a head a third of a second."""
    monkeypatch.setattr(deadlines, "HEAD_SECONDS", QUICK)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(_echo, http=PromptHttp, ws="none", log_config=None, lifespan="off", limit_concurrency=5)
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.mark.parametrize("beginning", [b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "])
def test_a_head_that_does_not_end_is_cut_off(port: int, beginning: bytes) -> None:
    """However slowly bytes come, the connection ends, and nothing is answered."""
    assert trickle(port, beginning) == b""


def test_a_silent_connection_is_cut_off(port: int) -> None:
    """A client that connects and says nothing is let go."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        try:
            assert connection.recv(1) == b""
        except ConnectionResetError:
            return


def test_a_second_head_that_does_not_end_is_cut_off(port: int) -> None:
    """The limit holds for each request of a connection, and the answer before it arrives whole."""
    answer = trickle(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nokGET / HT")

    assert status(answer) == 200
    assert answer.endswith(b"ok")


def test_slow_bodies_and_idle_connections_are_left_alone(port: int) -> None:
    """Once its head is there a request takes its time, and a connection between requests may rest."""

    def slowly() -> Iterator[bytes]:
        yield b"a"
        time.sleep(2 * QUICK)
        yield b"b"

    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        first = client.post("/", content=slowly())
        connection = first.extensions["network_stream"].get_extra_info("socket").getsockname()
        time.sleep(2 * QUICK)
        second = client.post("/", content=b"c")

        assert (first.text, second.text) == ("ab", "c")
        assert second.extensions["network_stream"].get_extra_info("socket").getsockname() == connection


def test_connections_beyond_the_limit_are_told_to_come_later(port: int) -> None:
    """What is too much gets 503 instead of everybody's time."""
    silent = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(5)]
    answer = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
    for connection in silent:
        connection.close()

    assert answer.status_code == 503
