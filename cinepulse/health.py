"""A part's own account of its health, served for probes: `/metrics` and `/healthz` on one port."""

from __future__ import annotations

import io
import sys
import time
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from cinepulse.errors import ConfigurationInvalid
from cinepulse.hosts import MISDIRECTED, HostRule, refusal
from cinepulse.metrics import HEARTBEAT, READY

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable
    from typing import Any

    from cinepulse.settings import Settings

# A loop that has neither worked nor looked for work for this long is stuck: every loop here turns within a few seconds.
STUCK_AFTER_SECONDS: Final = 30.0


# A client that has not asked by then is let go, however slowly it sends.
HEAD_SECONDS: Final = 10.0
# Beside each other; more are let go at once.
CONNECTIONS: Final = 64


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, so that no client keeps a probe waiting."""

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._places = BoundedSemaphore(CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection if there is a place for it."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left, or was too slow: that is no fault of this part."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def server_bind(self) -> None:
        """Bind without asking for the host's name: the look-up can take seconds where there is no name service."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Prompt(io.RawIOBase):
    """Reads from a socket until a moment, and no longer."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come; raises TimeoutError at the end of the time."""
        self._connection.settimeout(max(0.001, self._deadline - time.monotonic()))
        return self._connection.recv_into(buffer)


class _QuietHandler(WSGIRequestHandler):
    def setup(self) -> None:
        """Give the request its time."""
        super().setup()
        self.rfile = io.BufferedReader(_Prompt(self.connection, time.monotonic() + HEAD_SECONDS))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Log nothing: probes come every second."""


def healthy(now: float) -> bool:
    """Return whether the part is ready and its heart beats; `now` in seconds since 1970."""
    ready, beat_at = (next(iter(gauge.collect())).samples[0].value for gauge in (READY, HEARTBEAT))
    return ready == 1 and now - beat_at < STUCK_AFTER_SECONDS


def mark_ready() -> None:
    """Say that the part does its work from now on."""
    beat()
    READY.set(1)


def beat() -> None:
    """Say that the part's loop has just turned."""
    HEARTBEAT.set_to_current_time()


def serve_health(settings: Settings) -> WSGIServer | None:
    """Serve `/healthz` (200 or 503) and `/metrics` from a daemon thread; None where the port is 0.

    Raises ConfigurationInvalid when the port cannot be had.
    """
    if settings.metrics_port == 0:
        return None
    metrics = make_wsgi_app()
    hosts = HostRule(settings.metrics_host, settings.allowed_hosts)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        named = {"host": environ.get("HTTP_HOST", ""), "origin": environ.get("HTTP_ORIGIN", "")}
        if (foreign := hosts.foreign(named)) is not None:
            start_response(f"{MISDIRECTED} Misdirected Request", [("Content-Type", "text/plain; charset=utf-8")])
            return [refusal(foreign).encode()]
        if environ["PATH_INFO"] != "/healthz":
            body: Iterable[bytes] = metrics(environ, start_response)
            return body
        status = HTTPStatus.OK if healthy(time.time()) else HTTPStatus.SERVICE_UNAVAILABLE
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [status.phrase.encode()]

    try:
        server = make_server(settings.metrics_host, settings.metrics_port, app, _Server, _QuietHandler)
    except OSError as error:
        where = f"{settings.metrics_host}:{settings.metrics_port}"
        raise ConfigurationInvalid(f"CINEPULSE_METRICS_PORT: {where} cannot be had: {error.strerror}") from error
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
