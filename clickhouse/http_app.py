"""The ASGI application: ClickHouse's HTTP interface (https://clickhouse.com/docs/interfaces/http) over an Engine."""

from __future__ import annotations

import errno
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from clickhouse.engine_handle import EngineError
from clickhouse.http_encoding import negotiate
from clickhouse.http_errors import RequestRefused
from clickhouse.http_exchange import Exchange
from clickhouse.http_reply import Reply, failure
from clickhouse.http_request import read_call
from clickhouse.http_runner import Runner
from clickhouse.sessions import Sessions

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from cinepulse.clock import Clock
    from clickhouse.auth import Guard
    from clickhouse.engine import Engine
    from clickhouse.full_disk import FullDisk
    from clickhouse.http_request import Call

FULL_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_USAGE: Final = "There is nothing here. Queries go to / by GET or POST, probes to /ping.\n"


class Interface:
    """Answers HTTP requests as ClickHouse does; an ASGI application."""

    def __init__(self, engine: Engine, guard: Guard, clock: Clock, disk: FullDisk) -> None:
        self.runner = Runner(engine)
        self._engine = engine
        self._guard = guard
        self._disk = disk
        self._sessions = Sessions(engine, clock)
        routes = [Route(path, self._ping, methods=["GET"]) for path in ("/ping", "/replicas_status")]
        self._others = Starlette(routes=routes, exception_handlers={404: _not_found})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless its Host or Origin is foreign."""
        try:
            self._guard.check_origin(Request(scope).headers)
        except RequestRefused as error:
            await failure(self._engine, error)(scope, receive, send)
            return
        # Routing takes a tenth of the time of a small query.
        await (self._root if scope["path"] == "/" else self._others)(scope, receive, send)

    def close(self) -> None:
        """End every session; the engine can close then."""
        self._sessions.close()

    async def _ping(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse("Ok.\n")

    async def _root(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method not in _METHODS:
            allowed = {"Allow": ", ".join(sorted(_METHODS))}
            await PlainTextResponse("Method Not Allowed", 405, allowed)(scope, receive, send)
            return
        if request.method == "GET" and "query" not in request.query_params:
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        try:
            exchange = self._exchange(request)
        except RequestRefused as error:
            await failure(self._engine, error)(scope, receive, send)
            return
        try:
            async with self.runner.opened(exchange):
                await self._answer(exchange, request, send)
        except (ClientDisconnect, OSError):
            # The client left: what it had asked for is dropped.
            return

    def _exchange(self, request: Request) -> Exchange:
        """Return the exchange for a request; raises RequestRefused for what is wrong with its head."""
        self._guard.check(request.headers, request.query_params)
        call = read_call(request.method, request.query_params.multi_items(), request.headers)
        most = self._engine.limits.body_bytes
        if int(request.headers.get("content-length", "0")) > most:
            raise RequestRefused("TOO_LARGE_SIZE_COMPRESSED", f"The body is over {most} bytes", status=413)
        return Exchange(
            self._engine,
            self._sessions,
            call,
            content_encoding=request.headers.get("content-encoding", "").lower(),
            content_type=request.headers.get("content-type", ""),
            coding=negotiate(request.headers.get("accept-encoding", "")) if _encoded(call) else "",
        )

    async def _answer(self, exchange: Exchange, request: Request, send: Send) -> None:
        runner = self.runner
        try:
            is_insert = await runner.feed(request, exchange)
            async with nullcontext() if is_insert else runner.place():
                async with runner.watched(exchange, request.receive):
                    answer = await runner.in_thread(exchange.run)
                await Reply(runner, exchange, answer)(request.scope, request.receive, send)
        except (RequestRefused, EngineError, OSError) as failed:
            error = _as_told(failed)
            # First, so that a client that has its answer may use its session again.
            await runner.in_thread(exchange.close)
            self._disk.note(error)
            response = failure(self._engine, error, exchange.call.query_id)
            await response(request.scope, request.receive, send)


def _as_told(error: RequestRefused | EngineError | OSError) -> RequestRefused | EngineError:
    """Return an error as the engine tells it; raises one of the system that is not about the disk."""
    if not isinstance(error, OSError):
        return error
    if error.errno not in FULL_DISK:
        raise error
    return RequestRefused("NOT_ENOUGH_SPACE", "There is no room on the disk for the request")


def _encoded(call: Call) -> bool:
    return call.compressed and not call.blocks_out


async def _not_found(_request: Request, _error: Exception) -> PlainTextResponse:
    return PlainTextResponse(_USAGE, 404)
