"""A part's own account of its health, served for probes: `/metrics` and `/healthz` on one port."""

from __future__ import annotations

import time
from http import HTTPStatus
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from cinepulse.errors import ConfigurationInvalid
from cinepulse.metrics import HEARTBEAT, READY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from cinepulse.settings import Settings

# A loop that has neither worked nor looked for work for this long is stuck: every loop here turns within a few seconds.
STUCK_AFTER_SECONDS: Final = 30.0


# A client that connects and says nothing is let go.
IDLE_SECONDS: Final = 10


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, so that no client keeps a probe waiting."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking for the host's name: the look-up can take seconds where there is no name service."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _QuietHandler(WSGIRequestHandler):
    timeout = IDLE_SECONDS

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

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
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
