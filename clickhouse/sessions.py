"""Handles for calls: a fresh one for a call without a session, a kept one for each session id."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cinepulse.clock import Clock
    from clickhouse.engine import Engine, Handle
    from clickhouse.http_request import Call


@dataclass(slots=True)
class _Session:
    handle: Handle
    expires_at: float
    busy: bool = True


class Sessions:
    """The open sessions; a session serves one call at a time and ends when unused for its time-out."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._open: dict[str, _Session] = {}
        self._lock = Lock()

    @contextmanager
    def lend(self, call: Call, name: str) -> Iterator[Handle]:
        """Lend the call its handle, set up as the call asks; for worker threads, since it waits for the engine.

        `name`: what Engine.stop_call takes to stop what the call runs.
        """
        handle = self._engine.handle() if call.session_id is None else self._take(call)
        try:
            if call.session_id is None:
                _set_up(handle, call, name)
                yield handle
            else:
                with handle.restored(call.settings, call.database):
                    _set_up(handle, call, name)
                    yield handle
        finally:
            if call.session_id is None:
                handle.close()
            else:
                self._give_back(call)

    def close(self) -> None:
        """End every session."""
        with self._lock:
            for session in self._open.values():
                session.handle.close()
            self._open.clear()

    def _take(self, call: Call) -> Handle:
        key = str(call.session_id)
        with self._lock:
            self._expire()
            session = self._open.get(key)
            if session is None:
                if call.session_must_exist:
                    raise RequestRefused("SESSION_NOT_FOUND", f"Session {key} not found")
                session = self._open[key] = _Session(self._engine.handle(), 0.0, busy=False)
            if session.busy:
                raise RequestRefused("SESSION_IS_LOCKED", f"Session {key} is locked by a concurrent client")
            session.busy = True
            return session.handle

    def _give_back(self, call: Call) -> None:
        with self._lock:
            session = self._open[str(call.session_id)]
            session.busy = False
            session.expires_at = self._clock.monotonic() + call.session_seconds

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for key, session in list(self._open.items()):
            if not session.busy and session.expires_at < now:
                session.handle.close()
                del self._open[key]


def _set_up(handle: Handle, call: Call, name: str) -> None:
    handle.name_call(name)
    if call.database is not None:
        handle.use(call.database)
    handle.set(call.settings)
