from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from cinepulse import health
from cinepulse.errors import ConfigurationInvalid
from cinepulse.health import STUCK_AFTER_SECONDS, beat, healthy, mark_ready, serve_health
from cinepulse.metrics import HEARTBEAT, READY
from cinepulse.settings import load_settings
from tests.cinepulse.http_attacks import FOREIGN, request, status, trickle
from tests.fixtures.kafka import unused_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def asleep() -> Iterator[None]:
    """Start from, and return to, a part that is not ready."""
    READY.set(0)
    HEARTBEAT.set(0)
    yield
    READY.set(0)
    HEARTBEAT.set(0)


@pytest.fixture
def address() -> Iterator[str]:
    """Address of a health server."""
    port = unused_port()
    server = serve_health(load_settings(metrics_port=port))
    assert server is not None
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()


def test_a_part_is_unhealthy_until_it_is_ready(address: str) -> None:
    """The probe says 503 while a part starts or recovers, 200 once it works."""
    before = httpx.get(f"{address}/healthz")
    mark_ready()
    after = httpx.get(f"{address}/healthz")

    assert (before.status_code, before.text) == (503, "Service Unavailable")
    assert (after.status_code, after.text) == (200, "OK")


def test_a_heart_that_stops_makes_a_part_unhealthy() -> None:
    """A loop that has not turned for half a minute is stuck; one turn makes it healthy again."""
    mark_ready()
    now = time.time()

    assert healthy(now)
    assert healthy(now + STUCK_AFTER_SECONDS - 1)
    assert not healthy(now + STUCK_AFTER_SECONDS + 1)


def test_a_beat_alone_does_not_make_a_part_ready() -> None:
    """A worker that recovers beats, but takes no work for done."""
    beat()

    assert not healthy(time.time())


def test_metrics_are_served_beside_it(address: str) -> None:
    """Prometheus reads the same port."""
    answer = httpx.get(f"{address}/metrics")

    assert answer.status_code == 200
    assert "cinepulse_ready 0.0" in answer.text


def test_a_silent_client_keeps_no_probe_waiting(address: str) -> None:
    """A connection on which nothing is said does not stop the next probe from being answered."""
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        assert httpx.get(f"{address}/healthz", timeout=5).status_code == 503


def test_the_port_is_on_the_loopback_interface(address: str) -> None:
    """Unless told otherwise nobody outside the machine can ask."""
    port = int(address.rpartition(":")[2])
    outside = [
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    ]
    if not outside:
        pytest.skip("this machine has no address but the loopback interface's")

    with pytest.raises(OSError, match="refused"), socket.create_connection((outside[0], port), timeout=5):
        pass


def test_port_zero_serves_nothing() -> None:
    """A part run by hand needs no port."""
    assert serve_health(load_settings(metrics_port=0)) is None


def test_a_taken_port_is_one_line(address: str) -> None:
    """The error names the setting and the address."""
    port = int(address.rpartition(":")[2])

    with pytest.raises(ConfigurationInvalid, match=rf"^CINEPULSE_METRICS_PORT: 127\.0\.0\.1:{port} cannot be had: "):
        serve_health(load_settings(metrics_port=port))


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere"])
def test_foreign_hosts_are_refused(address: str, path: str, headers: dict[str, str]) -> None:
    """A web page can read neither health nor metrics, whatever it makes its browser say."""
    answer = httpx.get(f"{address}{path}", headers=headers)

    assert answer.status_code == 421
    assert "cinepulse_ready" not in answer.text


def test_a_slow_head_is_cut_off(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A client that never ends its request loses its connection, also when bytes keep coming; the log stays clean."""
    monkeypatch.setattr(health, "HEAD_SECONDS", 0.3)
    port = unused_port()
    server = serve_health(load_settings(metrics_port=port))
    assert server is not None

    answer = trickle(port, b"GET /healthz HTTP/1.1\r\n")
    server.shutdown()
    server.server_close()

    assert answer == b""
    assert capfd.readouterr().err == ""


def test_a_huge_head_is_refused(address: str) -> None:
    """Lines and headers have limits."""
    port = int(address.rpartition(":")[2])

    assert status(request(port, b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n")) in (0, 414)
    assert status(request(port, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000 + b"\r\n")) in (0, 431)
    assert httpx.get(f"{address}/metrics").status_code == 200


def test_more_connections_than_places_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent clients take a bounded number of threads, and whoever comes when they leave is served."""
    monkeypatch.setattr(health, "CONNECTIONS", 3)
    port = unused_port()
    server = serve_health(load_settings(metrics_port=port))
    assert server is not None

    silent = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(4)]
    assert silent[3].recv(1) == b""
    for connection in silent:
        connection.close()
    deadline = time.monotonic() + 10
    answer = b""
    while not answer:
        assert time.monotonic() < deadline
        answer = request(port, b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
    server.shutdown()
    server.server_close()

    assert status(answer) == 200
