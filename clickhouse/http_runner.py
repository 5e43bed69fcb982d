"""Drives exchanges from the event loop: worker threads, places for queries, stopping what nobody waits for."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from clickhouse.http_errors import RequestRefused
from clickhouse.http_exchange import HELD_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.types import Receive

    from clickhouse.engine import Engine
    from clickhouse.http_exchange import Exchange

T = TypeVar("T")

# Statements beside each other; more wait for a place. Inserts from bodies need none, so reads cannot hold them up.
QUERY_PLACES: Final = 16
_PLACE_SECONDS: Final = 30.0
# Threads mostly wait for the engine. Far more than the places, so that inserts find one.
_THREADS: Final = 64
# A client that sends nothing of its body for so long is gone.
_IDLE_SECONDS: Final = 60.0
# The engine ends a query at its own time limit; one that overruns by this much is stopped from outside.
_OVERRUN_SECONDS: Final = 5.0
_STOP_AGAIN_SECONDS: Final = 0.25


class Runner:
    """Runs exchanges beside each other."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._threads = CapacityLimiter(_THREADS)
        # Not from the workers': stopping must work when all of them are busy.
        self._stoppers = CapacityLimiter(2)
        self._places = asyncio.Semaphore(QUERY_PLACES)
        self._running: set[Exchange] = set()

    @asynccontextmanager
    async def opened(self, exchange: Exchange) -> AsyncIterator[None]:
        """Count the exchange among the running ones, and close it at the end."""
        self._running.add(exchange)
        try:
            yield
        finally:
            if exchange.holds:
                # Shielded: a request that is cancelled must give its session and its handle back all the same.
                await asyncio.shield(asyncio.ensure_future(self.in_thread(exchange.close)))
            self._running.discard(exchange)

    async def feed(self, request: Request, exchange: Exchange) -> bool:
        """Feed the request's body to the exchange; returns whether it is an insert, which needs no place."""
        held, size = [], 0
        async for chunk in _chunks(request):
            held.append(chunk)
            size += len(chunk)
            if size >= HELD_BYTES:
                await self.in_thread(exchange.take, held, last=False)
                held, size = [], 0
        if exchange.is_short(size):
            return exchange.take(held, last=True)
        return await self.in_thread(exchange.take, held, last=True)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places for queries; raises RequestRefused when none comes free in time."""
        try:
            # A time limit takes longer to set than a place that is free to take.
            async with asyncio.timeout(_PLACE_SECONDS) if self._places.locked() else nullcontext():
                await self._places.acquire()
        except TimeoutError:
            message = f"Too many simultaneous queries: {QUERY_PLACES} run, and none ended within {_PLACE_SECONDS:g} s"
            raise RequestRefused("TOO_MANY_SIMULTANEOUS_QUERIES", message, status=503) from None
        try:
            yield
        finally:
            self._places.release()

    async def in_thread(self, function: Callable[..., T], *arguments: object, **options: object) -> T:
        """Run a blocking step in a worker thread."""
        return await to_thread.run_sync(lambda: function(*arguments, **options), limiter=self._threads)

    @asynccontextmanager
    async def watched(self, exchange: Exchange, receive: Receive) -> AsyncIterator[None]:
        """Meanwhile, stop the statement when it overruns its time or, if it only reads, when its client leaves."""
        watcher = asyncio.create_task(self._watch(exchange, receive))
        try:
            yield
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def stop_all(self, after: float) -> None:
        """Stop every running statement once `after` seconds have passed."""
        await asyncio.sleep(after)
        while True:
            for exchange in list(self._running):
                await self._stop(exchange)
            await asyncio.sleep(_STOP_AGAIN_SECONDS)

    async def _watch(self, exchange: Exchange, receive: Receive) -> None:
        limit = self.engine.limits.query_seconds + _OVERRUN_SECONDS
        late = False
        try:
            async with asyncio.timeout(limit):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            late = True
        while True:
            # Again and again: the statement may not have begun, or be between two stages.
            if late or exchange.may_stop:
                await self._stop(exchange)
            await asyncio.sleep(_STOP_AGAIN_SECONDS)

    async def _stop(self, exchange: Exchange) -> None:
        await to_thread.run_sync(exchange.stop, limiter=self._stoppers)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body's chunks; raises RequestRefused when none comes for too long."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RequestRefused("SOCKET_TIMEOUT", "The body stopped coming", status=408) from None
        yield chunk
