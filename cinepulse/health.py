"""A part's own account of its health, served for probes: `/metrics` and `/healthz` on one port."""

from __future__ import annotations

import time
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from cinepulse.metrics import HEARTBEAT, READY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from cinepulse.settings import Settings

# A loop that has neither worked nor looked for work for this long is stuck: every loop here turns within a few seconds.
STUCK_AFTER_SECONDS: Final = 30.0


class _QuietHandler(WSGIRequestHandler):
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


def serve_health(settings: Settings) -> None:
    """Serve `/healthz` (200 or 503) and `/metrics` from a daemon thread, unless the port is 0."""
    if settings.metrics_port == 0:
        return
    metrics = make_wsgi_app()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/healthz":
            body: Iterable[bytes] = metrics(environ, start_response)
            return body
        status = HTTPStatus.OK if healthy(time.time()) else HTTPStatus.SERVICE_UNAVAILABLE
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain")])
        return [status.phrase.encode()]

    server = make_server(settings.metrics_host, settings.metrics_port, app, WSGIServer, _QuietHandler)
    Thread(target=server.serve_forever, name="health", daemon=True).start()
