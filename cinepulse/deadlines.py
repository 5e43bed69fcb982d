"""uvicorn's HTTP/1.1 with a time limit on a request's head: a client that never ends it is let go ("slowloris")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS: Final = 20.0
"""From a connection's beginning, or from the first byte of a later request, to the end of that request's head."""

CONNECTIONS: Final = 512
"""Most connections that a server works for where it says nothing else; requests on more of them get 503."""


class PromptHttp(H11Protocol):
    """Gives each request's head so much time; idle connections between requests are uvicorn's own matter."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base class has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def handle_events(self) -> None:
        """Take in what has come, and wait for the rest of a head that has begun."""
        super().handle_events()
        begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not begun:
            self._stop_waiting()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        self.transport.abort()
