"""The middleware that lets faults happen to responses: wrong status, wrong body, slow, cut off, reset."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from cinepulse.world.faults import RESPONSE_KINDS
from cinepulse.world.tmdb import ERRORS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from cinepulse.clock import Clock
    from cinepulse.world.faults import Fault, Faults

SLOW_PIECES: Final = 10
HTML: Final = "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
CHALLENGES: Final = {
    "invalid_token": 'Bearer realm="reddit", error="invalid_token"',
    "realm": 'Bearer realm="reddit"',
    "none": None,
}
# TMDB's code for a status where it has one of its own.
TMDB_CODES: Final = {ERRORS[code][0]: code for code in (7, 34, 25)} | {504: 24, 502: 43, 503: 46, 500: 11, 403: 10}


class Sabotage:
    """An ASGI layer that asks the faults before each request; the admin API is never touched."""

    def __init__(self, app: ASGIApp, faults: Faults, clock: Clock) -> None:
        self._app = app
        self._faults = faults
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with the fault that hits it if any."""
        fault = self._fault_of(scope)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind in ("status", "html", "not_json"):
            await self._replacement(fault, scope["path"])(scope, receive, send)
        elif fault.kind == "reset":
            reset(send)
        else:
            await self._app(scope, receive, _Spoiler(fault, send))

    def _fault_of(self, scope: Scope) -> Fault | None:
        if scope["type"] != "http" or scope["path"].startswith("/_world"):
            return None
        query = scope["query_string"].decode("latin-1")
        return self._faults.take(f"{scope['path']}?{query}" if query else scope["path"], RESPONSE_KINDS)

    def _replacement(self, fault: Fault, path: str) -> Response:
        options = fault.options
        if fault.kind == "html":
            return html(int(options.get("status", 200)), "Our CDN was unable to reach our servers")
        if fault.kind == "not_json":
            return Response(str(options.get("body", "upstream connect error")), media_type="application/json")
        status = int(options.get("status", 503))
        headers = self._headers(status, options)
        if options.get("html", status >= HTTPStatus.INTERNAL_SERVER_ERROR and not path.startswith("/tmdb/")):
            return html(status, str(status), headers)
        if path.startswith("/tmdb/"):
            body = {"success": False, "status_code": TMDB_CODES.get(status, 11), "status_message": "Fault on demand."}
        else:
            body = {"message": "Fault on demand", "error": status}
        return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/json")

    def _headers(self, status: int, options: Any) -> dict[str, str]:
        headers = {}
        if status == HTTPStatus.UNAUTHORIZED and (
            challenge := CHALLENGES.get(str(options.get("challenge", "invalid_token")))
        ):
            headers["www-authenticate"] = challenge
        wait = options.get("retry_after")
        if wait is not None and options.get("retry_after_form") == "date":
            headers["retry-after"] = formatdate(self._clock.now_ms() / 1000 + float(wait), usegmt=True)
        elif wait is not None:
            headers["retry-after"] = str(wait)
        return headers


class _Spoiler:
    """A `send` that spoils what passes through."""

    def __init__(self, fault: Fault, send: Send) -> None:
        self._fault = fault
        self._send = send
        self._start: Message = {}
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await getattr(self, f"_{self._fault.kind}")()

    async def _truncated(self) -> None:
        await self._answer(bytes(self._body[: len(self._body) // 2]))

    async def _cut(self) -> None:
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body[: len(self._body) // 2], "more_body": True})
        reset(self._send)

    async def _slow(self) -> None:
        seconds = float(self._fault.options.get("seconds", 5))
        if self._fault.options.get("where") == "headers":
            await asyncio.sleep(seconds)
            await self._answer(bytes(self._body))
            return
        await self._send(self._start)
        pieces = max(1, int(self._fault.options.get("pieces", SLOW_PIECES)))
        size = max(1, -(-len(self._body) // pieces))
        for begin in range(0, len(self._body), size):
            await asyncio.sleep(seconds / pieces)
            piece = bytes(self._body[begin : begin + size])
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _header_decay(self) -> None:
        reset_seconds = str(int(self._fault.options.get("reset", 5)))
        decayed = {"x-ratelimit-remaining": "0.0", "x-ratelimit-used": "1000", "x-ratelimit-reset": reset_seconds}
        await self._answer(bytes(self._body), decayed)

    async def _bad_headers(self) -> None:
        await self._answer(bytes(self._body), {"x-ratelimit-used": "2.0"})

    async def _answer(self, body: bytes, changed: dict[str, str] | None = None) -> None:
        new = {b"content-length": str(len(body)).encode()}
        new |= {name.encode(): text.encode() for name, text in (changed or {}).items()}
        kept = [(name, text) for name, text in self._start["headers"] if name.lower() not in new]
        await self._send({**self._start, "headers": [*kept, *new.items()]})
        await self._send({"type": "http.response.body", "body": body})


def html(status: int, title: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error page as a CDN shows it."""
    return Response(HTML.format(title=title), status_code=status, headers=headers, media_type="text/html")


def reset(send: Send) -> None:
    """Reset the connection under a response: the client sees ECONNRESET, not an orderly end."""
    # ASGI has no way to do this; uvicorn's `send` is a method of the object that holds the connection.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise RuntimeError("the connection cannot be reached to be reset")  # noqa: TRY004 - not an argument's type
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
