"""What a hostile HTTP client does, byte by byte: shared by the tests of every server."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Final

TIMEOUT: Final = 30
FOREIGN: Final = (
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
)
"""Headers of a page whose name was pointed at this machine, and of pages that post to it."""


def request(port: int, text: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the server ends the connection."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection:
        with suppress(OSError):
            # The server may have had enough in the middle.
            connection.sendall(text)
        return _rest(connection)


def trickle(port: int, beginning: bytes) -> bytes:
    """Begin a request, send a letter more now and then, and return what has come back once the server ends it."""
    answer, deadline = bytearray(), time.monotonic() + TIMEOUT
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as connection, suppress(OSError):
        connection.sendall(beginning)
        connection.settimeout(0.02)
        while time.monotonic() < deadline:
            try:
                if not (data := connection.recv(1 << 16)):
                    return bytes(answer)
                answer += data
            except TimeoutError:
                connection.sendall(b"x")
        raise AssertionError(f"the server has waited for {TIMEOUT} s")
    return bytes(answer)


def status(answer: bytes) -> int:
    """Return an answer's status, 0 where there is no answer."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def _rest(connection: socket.socket) -> bytes:
    answer = bytearray()
    with suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            answer += data
    return bytes(answer)
