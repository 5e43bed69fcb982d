"""Answers on their way to the client: the head, what was held, and the rest as the engine makes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from starlette.responses import PlainTextResponse

from cinepulse.logging import get_logger
from clickhouse.engine_handle import EngineError, Outcome
from clickhouse.http_errors import RequestRefused, status_of
from clickhouse.http_exchange import HELD_BYTES
from clickhouse.http_formats import content_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from clickhouse.engine import Engine
    from clickhouse.http_exchange import Answer, Exchange
    from clickhouse.http_runner import Runner

LOG = get_logger(__name__)

DISPLAY_NAME: Final = "cinepulse"
_TAG_LENGTH: Final = 16


class Reply:
    """A successful answer, as an ASGI application of its own."""

    def __init__(self, runner: Runner, exchange: Exchange, answer: Answer) -> None:
        self._runner = runner
        self._exchange = exchange
        self._answer = answer
        self._tag = uuid4().hex[:_TAG_LENGTH]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything; an answer that fails on its way ends with the error, and the connection with it."""
        await self._send_held(send)
        if self._answer.rest is None:
            return
        async with self._runner.watched(self._exchange, receive):
            complete = await self._send_rest(self._answer.rest, send)
        if complete:
            await send({"type": "http.response.body", "body": b""})

    async def _send_held(self, send: Send) -> None:
        """Send the head and what is held; with its length, and no message after it, where that is the whole answer."""
        head, goes_on = self._head(), self._answer.rest is not None
        with self._answer.begin as begin:
            length = begin.tell()
            begin.seek(0)
            if not goes_on:
                head.append((b"content-length", str(length).encode()))
            await send({"type": "http.response.start", "status": 200, "headers": head})
            last = max(length - 1, 0) // HELD_BYTES
            for piece in range(last + 1):
                more = goes_on or piece < last
                await send({"type": "http.response.body", "body": begin.read(HELD_BYTES), "more_body": more})

    async def _send_rest(self, rest: Iterator[bytes], send: Send) -> bool:
        """Send block by block; returns False when the engine failed, after telling the client."""
        try:
            while (chunk := await self._runner.in_thread(next, rest, None)) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except EngineError as error:
            LOG.warning("clickhouse.answer_broken_off", query_id=self._exchange.call.query_id, code=error.code)
            message = f"{told(self._runner.engine, error)}\n".encode()
            text = f"\r\n__exception__\r\n{self._tag}\r\n".encode() + message
            text += f"{len(message)} {self._tag}\r\n__exception__\r\n".encode()
            body = self._exchange.broken_off(text)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            return False
        return True

    def _head(self) -> list[tuple[bytes, bytes]]:
        answer = self._answer
        headers = {
            **common_headers(self._runner.engine, self._exchange.call.query_id),
            "Content-Type": content_type(answer.format),
            "X-ClickHouse-Format": answer.format,
            "X-ClickHouse-Summary": _summary(answer.outcome or Outcome()),
            "X-ClickHouse-Exception-Tag": self._tag,
        }
        if self._exchange.coding:
            headers["Content-Encoding"] = self._exchange.coding
        return [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]


def common_headers(engine: Engine, query_id: str | None) -> Mapping[str, str]:
    """Return the headers of every answer."""
    headers = {"X-ClickHouse-Server-Display-Name": DISPLAY_NAME, "X-ClickHouse-Timezone": engine.timezone}
    return {**headers, "X-ClickHouse-Query-Id": query_id} if query_id else headers


def failure(engine: Engine, error: RequestRefused | EngineError, query_id: str | None = None) -> Response:
    """Return the answer to a request that failed."""
    status = error.status if isinstance(error, RequestRefused) else status_of(error.name)
    headers = {**common_headers(engine, query_id), "X-ClickHouse-Exception-Code": str(error.code)}
    if error.name == "AUTHENTICATION_FAILED":
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return PlainTextResponse(f"{told(engine, error)}\n", status, headers)


def told(engine: Engine, error: RequestRefused | EngineError) -> str:
    """Return an error's text as ClickHouse writes it, with the version at its end."""
    return error.message if "(version" in error.message else f"{error.message} (version {engine.version})"


def _summary(outcome: Outcome) -> str:
    """Return the summary header: numbers as texts, as ClickHouse writes them."""
    fields = asdict(outcome)
    fields["elapsed_ns"] = round(fields.pop("elapsed") * 1e9)
    fields["total_rows_to_read"] = fields["read_rows"]
    return json.dumps({name: str(value) for name, value in fields.items()}, separators=(",", ":"))
