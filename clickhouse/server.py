"""Runs the embedded ClickHouse server: the engine on the data directory, its HTTP interface on one address."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from cinepulse.clock import SystemClock
from cinepulse.errors import StackUnavailable
from cinepulse.logging import get_logger
from clickhouse.auth import Guard
from clickhouse.engine import Engine, Limits
from clickhouse.http_app import Interface

if TYPE_CHECKING:
    from cinepulse.settings import Settings

LOG = get_logger(__name__)

DATA_FOLDER: Final = "clickhouse"
"""Below the data directory: all that the engine stores."""

# What runs at a stop is given this long to end; then its connections are closed.
_STOP_SECONDS: Final = 5


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises DataDirectoryBusy when another server has the data open, ConfigurationInvalid for an empty password on an
    address that other machines reach, StackUnavailable when the port is taken.
    """
    import uvicorn

    limits = Limits(
        memory_bytes=settings.clickhouse_memory_bytes,
        query_seconds=settings.clickhouse_query_seconds,
        body_bytes=settings.clickhouse_body_bytes,
    )
    password = settings.clickhouse_password.get_secret_value()
    guard = Guard(settings.clickhouse_user, password, settings.clickhouse_host)
    # uvicorn raises the signal once more when it has stopped; then nothing is left to do.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    engine = Engine(settings.data_dir / DATA_FOLDER, limits)
    interface = Interface(engine, guard, SystemClock())
    config = uvicorn.Config(
        interface.app,
        host=settings.clickhouse_host,
        port=settings.clickhouse_port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
        lifespan="off",
    )
    LOG.info("clickhouse.serving", version=engine.version, host=config.host, port=config.port)
    server = uvicorn.Server(config)
    try:
        server.run()
    except SystemExit:
        # uvicorn's way to say that it could not bind; its own log line says why.
        raise StackUnavailable(f"port {config.port} of {config.host} is taken: set CINEPULSE_CLICKHOUSE_PORT") from None
    finally:
        interface.close()
        engine.close()
    LOG.info("clickhouse.stopped")
