"""A way to a broker on which what is sent goes slowly, and what is received does not."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Final

from cinepulse.local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES: Final = 16 * 1024


@dataclass(slots=True)
class SlowLink:
    """Forwards connections from one loopback port to another; from `bytes_a_second` on, senders have to wait."""

    port: int
    to_port: int
    bytes_a_second: float
    _free_at: float = 0.0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, stop: asyncio.Event) -> None:
        """Forward until told to stop."""
        server = await asyncio.start_server(self._connected, LOOPBACK, self.port)
        async with server:
            await stop.wait()
        for task in self._tasks:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            back, forth = await asyncio.open_connection(LOOPBACK, self.to_port)
            for task in (self._pump(reader, forth, slowly=True), self._pump(back, writer, slowly=False)):
                started = asyncio.ensure_future(task)
                self._tasks.add(started)
                started.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slowly: bool) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                if slowly:
                    await self._take_turn(len(piece))
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _take_turn(self, size: int) -> None:
        """Wait until all that was sent before has gone through, at the pace of the link."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self.bytes_a_second
        await asyncio.sleep(self._free_at - now)


@contextmanager
def slow_link(port: int, to_port: int, bytes_a_second: float) -> Iterator[None]:
    """Let there be a slow way to a port."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    link = SlowLink(port, to_port, bytes_a_second)
    thread = Thread(target=lambda: loop.run_until_complete(link.serve(stop)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
