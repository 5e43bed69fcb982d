"""Runs the embedded ClickHouse server: the engine on the data directory, its HTTP interface on one address."""

from __future__ import annotations

import asyncio
import signal
from threading import Event
from typing import TYPE_CHECKING, Final

import uvicorn

from cinepulse.clock import SystemClock
from cinepulse.deadlines import PromptHttp
from cinepulse.errors import StackUnavailable
from cinepulse.logging import get_logger
from clickhouse.auth import Guard
from clickhouse.engine import Engine
from clickhouse.engine_config import Limits
from clickhouse.full_disk import FullDisk, open_anew
from clickhouse.http_app import Interface

if TYPE_CHECKING:
    import socket

    from cinepulse.settings import Settings

LOG = get_logger(__name__)

DATA_FOLDER: Final = "clickhouse"
"""Below the data directory: all that the engine stores."""

# At a stop, statements get this long to end by themselves before they are stopped, and requests this long in all.
_FINISH_SECONDS: Final = 3.0
_STOP_SECONDS: Final = 6
# Longer than clients keep idle connections: a request never meets one that is just being closed.
_KEEP_ALIVE_SECONDS: Final = 600
# ClickHouse's own max_connections: clients keep idle ones for long, and many of them are no attack.
_CONNECTIONS: Final = 4096
# Room for a query in the URL, as much as ClickHouse's own http_max_uri_size.
_HEAD_BYTES: Final = 1 << 20


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; after a full disk the process replaces itself by a new one of the same command.

    Raises DataDirectoryBusy when another server has the data open, ConfigurationInvalid for an empty password on an
    address that other machines reach, StackUnavailable when the port is taken.
    """
    host, port = settings.clickhouse_host, settings.clickhouse_port
    password = settings.clickhouse_password.get_secret_value()
    guard = Guard(settings.clickhouse_user, password, host, settings.allowed_hosts)
    limits = Limits(
        memory_bytes=settings.clickhouse_memory_bytes,
        query_seconds=settings.clickhouse_query_seconds,
        body_bytes=settings.clickhouse_body_bytes,
    )
    # Told before uvicorn listens to signals, a stop must not be lost. (uvicorn raises the signal that stopped it once
    # more at its end; then there is nothing left to do.)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = Engine(settings.data_dir / DATA_FOLDER, limits)
    disk = FullDisk(settings.data_dir.absolute() / DATA_FOLDER, SystemClock())
    interface = Interface(engine, guard, SystemClock(), disk)
    LOG.info("clickhouse.starting", version=engine.version, host=host, port=port)
    try:
        _Server(_config(interface, host, port), interface, stop, disk).run()
    except SystemExit:
        # uvicorn's way to say that it cannot listen; its own log line says why.
        message = f"cannot listen on {host}:{port}: set CINEPULSE_CLICKHOUSE_PORT to a free port"
        raise StackUnavailable(message) from None
    finally:
        interface.close()
        engine.close()
    if disk.must_open_anew() and not stop.is_set():
        open_anew()
    LOG.info("clickhouse.stopped")


def _config(interface: Interface, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        interface,
        host=host,
        port=port,
        http=PromptHttp,
        # A fifth off what a small query costs.
        loop="uvloop",
        ws="none",
        limit_concurrency=_CONNECTIONS,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, that stops running statements when it stops, and does not start once `stop` is set.

    It stops by itself after a full disk.
    """

    def __init__(self, config: uvicorn.Config, interface: Interface, stop: Event, disk: FullDisk) -> None:
        super().__init__(config)
        self._disk = disk
        self._interface = interface
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        self.should_exit = self.should_exit or self._stop.is_set()

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop: told to, or because the engine has to open its files anew."""
        return await super().on_tick(counter) or self._disk.must_open_anew()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, let those that run end, stop what takes too long."""
        stopper = asyncio.create_task(self._interface.runner.stop_all(after=_FINISH_SECONDS))
        await super().shutdown(sockets)
        stopper.cancel()
