from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.local import probes
from cinepulse.local.parts import Part, probe_of
from cinepulse.local.ports import LOOPBACK
from cinepulse.local.probes import HttpProbe, KafkaProbe
from tests.fixtures.kafka import unused_port

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[str]:
    """Return the address of a server that answers with the status that its path names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            self.send_response(int(self.path.removeprefix("/")))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    with HTTPServer((LOOPBACK, 0), Handler) as served:
        thread = Thread(target=served.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{served.server_port}"
        served.shutdown()
        thread.join()


@pytest.fixture
def mute() -> Iterator[int]:
    """Return a port that accepts connections and never answers."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(("status", "works"), [(200, True), (503, False), (404, False)])
def test_only_200_is_health(server: str, status: int, *, works: bool) -> None:
    """A part that answers that it is not ready is not ready."""
    assert HttpProbe(f"{server}/{status}")() is works


def test_a_closed_port_is_no_health() -> None:
    """A part that does not listen yet is no error, only not there."""
    port = unused_port()

    assert not HttpProbe(f"http://{LOOPBACK}:{port}/healthz")()
    assert not KafkaProbe(port)()


def test_silence_is_no_health(mute: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that holds its port and answers nothing does not work, and the probe comes back."""
    monkeypatch.setattr(probes, "PROBE_SECONDS", 0.3)
    probes._http.cache_clear()

    assert not HttpProbe(f"http://{LOOPBACK}:{mute}/healthz")()
    assert not KafkaProbe(mute)()
    probes._http.cache_clear()


def test_a_proxy_of_the_environment_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Probes go to this machine, whatever proxy the rest of the network needs."""
    monkeypatch.setenv("HTTP_PROXY", f"http://{LOOPBACK}:{unused_port()}")
    probes._http.cache_clear()

    assert HttpProbe(f"{server}/200")()


@pytest.mark.real
def test_a_broker_answers(broker: str) -> None:
    """The Kafka probe asks for metadata, again and again with one client."""
    probe = KafkaProbe(int(broker.rpartition(":")[2]))

    assert [probe(), probe()] == [True, True]


def test_a_probe_goes_through_its_text() -> None:
    """What `up` records is what `status` asks."""
    http, kafka = Part("a", (), 1234, "/healthz"), Part("b", (), 4321)

    assert isinstance(probe_of(http.probe_address()), HttpProbe)
    assert isinstance(probe_of(kafka.probe_address()), KafkaProbe)
    assert http.probe_address() == f"http://{LOOPBACK}:1234/healthz"
