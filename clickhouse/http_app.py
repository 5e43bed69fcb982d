"""The ASGI application: ClickHouse's HTTP interface (https://clickhouse.com/docs/interfaces/http) over an Engine."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from threading import Semaphore
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from anyio import CapacityLimiter, fail_after, to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cinepulse.logging import get_logger
from clickhouse.engine import EngineError, Outcome
from clickhouse.http_encoding import negotiate
from clickhouse.http_errors import RequestRefused, status_of
from clickhouse.http_exchange import HELD_BYTES, Exchange
from clickhouse.http_request import read_call
from clickhouse.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from cinepulse.clock import Clock
    from clickhouse.auth import Guard
    from clickhouse.engine import Engine
    from clickhouse.http_exchange import Answer
    from clickhouse.http_request import Call

LOG = get_logger(__name__)

DISPLAY_NAME: Final = "cinepulse"
# Statements beside each other; more wait for one to end. Inserts from bodies do not count, so reads cannot hold them up.
QUERY_SLOTS: Final = 16
# Each is mostly a thread that waits for the engine.
_WORKER_THREADS: Final = 64
# A client that sends nothing of its body for so long is gone.
_IDLE_SECONDS: Final = 60.0
# The engine ends a query at its own time limit; one that overruns by this much is stopped from outside.
_OVERRUN_SECONDS: Final = 5.0

_CONTENT_TYPES: Final = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONStrings": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "XML": "application/xml; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
    "RowBinaryWithNamesAndTypes": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "ArrowStream": "application/octet-stream",
}


class Interface:
    """Answers requests; `app` is the ASGI application."""

    def __init__(self, engine: Engine, guard: Guard, clock: Clock) -> None:
        self._engine = engine
        self._guard = guard
        self._sessions = Sessions(engine, clock)
        self._slots = Semaphore(QUERY_SLOTS)
        self._threads = CapacityLimiter(_WORKER_THREADS)
        self.app = Starlette(
            routes=[
                Route("/ping", self._ok),
                Route("/replicas_status", self._ok),
                Route("/", self._root, methods=["GET", "POST"]),
            ]
        )

    def close(self) -> None:
        """End every session; the engine can close then."""
        self._sessions.close()

    async def _ok(self, request: Request) -> Response:
        try:
            self._guard.check_origin(request.headers)
        except RequestRefused as error:
            return self._failure(error)
        return PlainTextResponse("Ok.\n")

    async def _root(self, request: Request) -> Any:
        if request.method == "GET" and "query" not in request.query_params:
            return await self._ok(request)
        exchange: Exchange | None = None
        try:
            self._guard.check_origin(request.headers)
            self._guard.check(request.headers, request.query_params)
            call = read_call(request.method, request.query_params.multi_items(), request.headers)
            exchange = self._exchange(request, call)
            return _Reply(self, exchange, await self._run(request, exchange))
        except (RequestRefused, EngineError) as error:
            if exchange is not None:
                await self.in_thread(exchange.close)
            return self._failure(error, exchange.call.query_id if exchange else None)
        except BaseException:
            if exchange is not None:
                exchange.close()
            raise

    def _exchange(self, request: Request, call: Call) -> Exchange:
        return Exchange(
            self._engine,
            self._sessions,
            self._slots,
            call,
            content_encoding=request.headers.get("content-encoding", "").lower(),
            content_type=request.headers.get("content-type", ""),
            coding=negotiate(request.headers.get("accept-encoding", "")) if call.compressed else "",
        )

    async def _run(self, request: Request, exchange: Exchange) -> Answer:
        """Feed the body to the exchange and return its answer."""
        held: list[bytes] = []
        async for chunk in _chunks(request):
            held.append(chunk)
            if sum(map(len, held)) >= HELD_BYTES:
                await self.in_thread(exchange.step, held, last=False)
                held = []
        async with self.watched(exchange, request.receive):
            answer = await self.in_thread(exchange.step, held, last=True)
        assert answer is not None  # noqa: S101 - for the type checker: the last step always answers
        return answer

    async def in_thread(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Run a blocking step in a worker thread; it is waited for even when the request is cancelled."""
        return await to_thread.run_sync(lambda: function(*arguments, **options), limiter=self._threads)

    @asynccontextmanager
    async def watched(self, exchange: Exchange, receive: Receive) -> AsyncIterator[None]:
        """Stop the exchange's statement when its client leaves or it overruns the time limit."""

        async def watch() -> None:
            limit = self._engine.limits.query_seconds + _OVERRUN_SECONDS
            with suppress(TimeoutError):
                with fail_after(limit):
                    while (await receive())["type"] != "http.disconnect":
                        pass
            while True:
                # The statement may not have begun, or be between two stages: ask until the exchange is over.
                await to_thread.run_sync(self._engine.stop_call, exchange.name)
                await asyncio.sleep(0.5)

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    def headers(self, query_id: str | None) -> dict[str, str]:
        """Return the headers of every answer."""
        return {
            "X-ClickHouse-Server-Display-Name": DISPLAY_NAME,
            "X-ClickHouse-Query-Id": query_id or "",
            "X-ClickHouse-Timezone": self._engine.timezone,
        }

    def _failure(self, error: RequestRefused | EngineError, query_id: str | None = None) -> Response:
        status = error.status if isinstance(error, RequestRefused) else status_of(error.name)
        headers = {**self.headers(query_id), "X-ClickHouse-Exception-Code": str(error.code)}
        if status in (401, 403) and error.name in ("REQUIRED_PASSWORD", "AUTHENTICATION_FAILED"):
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        return PlainTextResponse(f"{self.told(error)}\n", status, headers)

    def told(self, error: RequestRefused | EngineError) -> str:
        """Return an error's text as the server's clients expect it, with the version at its end."""
        text = error.message
        return text if "(version" in text else f"{text} (version {self._engine.version} (official build))"


class _Reply:
    """An answer on its way to the client."""

    def __init__(self, interface: Interface, exchange: Exchange, answer: Answer) -> None:
        self._interface = interface
        self._exchange = exchange
        self._answer = answer

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, what was held, and the rest as the engine makes it."""
        tag = uuid4().hex[:16]
        await send({"type": "http.response.start", "status": 200, "headers": self._head(tag)})
        in_thread = self._interface.in_thread
        try:
            begin = self._answer.begin
            begin.seek(0)
            while chunk := begin.read(HELD_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            begin.close()
            if self._answer.rest is not None:
                async with self._interface.watched(self._exchange, receive):
                    await self._send_rest(self._answer.rest, send, tag)
            await send({"type": "http.response.body", "body": b""})
        finally:
            await in_thread(self._exchange.close)

    async def _send_rest(self, rest: Any, send: Send, tag: str) -> None:
        try:
            while (chunk := await self._interface.in_thread(next, rest, None)) is not None:
                if chunk:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except EngineError as error:
            message = self._interface.told(error).encode() + b"\n"
            text = b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n" % (
                tag.encode(),
                message,
                len(message),
                tag.encode(),
            )
            body = self._exchange.broken_off(text)
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _head(self, tag: str) -> list[tuple[bytes, bytes]]:
        answer = self._answer
        headers = self._interface.headers(self._exchange.call.query_id)
        headers["X-ClickHouse-Format"] = answer.format
        headers["X-ClickHouse-Summary"] = _summary(answer.outcome or Outcome())
        headers["X-ClickHouse-Exception-Tag"] = tag
        headers["Content-Type"] = _CONTENT_TYPES.get(answer.format, "text/plain; charset=UTF-8")
        if self._exchange.coding:
            headers["Content-Encoding"] = self._exchange.coding
        return [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body's chunks; raises RequestRefused when none comes for too long."""
    stream = request.stream()
    while True:
        try:
            with fail_after(_IDLE_SECONDS):
                yield await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RequestRefused("SOCKET_TIMEOUT", "The body stopped coming", status=408) from None


def _summary(outcome: Outcome) -> str:
    """Return the summary header: numbers as texts, as ClickHouse writes them."""
    fields = asdict(outcome)
    fields["elapsed_ns"] = round(fields.pop("elapsed") * 1e9)
    fields["total_rows_to_read"] = fields["read_rows"]
    return json.dumps({name: str(value) for name, value in fields.items()}, separators=(",", ":"))
