"""Handles for calls: a fresh one for a call without a session, a kept one for each session id."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cinepulse.clock import Clock
    from clickhouse.engine import Engine
    from clickhouse.engine_handle import Handle
    from clickhouse.http_request import Call

# Each holds about 0.1 MB of the engine's memory.
MOST_SESSIONS: Final = 1000


@dataclass(slots=True)
class _Session:
    handle: Handle
    expires_at: float = 0.0
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
        if call.session_id is None:
            handle = self._engine.handle()
            try:
                handle.begin_call(name, call.database, call.settings)
                yield handle
            finally:
                handle.close()
            return
        session = self._take(call.session_id, must_exist=call.session_must_exist)
        try:
            with session.handle.restored(call.settings, call.database):
                session.handle.begin_call(name, call.database, call.settings)
                yield session.handle
        finally:
            session.expires_at = self._clock.monotonic() + call.session_seconds
            session.busy = False

    def close(self) -> None:
        """End every session."""
        with self._lock:
            for session in self._open.values():
                session.handle.close()
            self._open.clear()

    def _take(self, key: str, *, must_exist: bool) -> _Session:
        """Return the session, marked as busy; a new one where there is none."""
        with self._lock:
            self._end_expired()
            session = self._open.get(key)
            if session is None:
                if must_exist:
                    raise RequestRefused("SESSION_NOT_FOUND", f"Session {key} not found")
                if len(self._open) >= MOST_SESSIONS:
                    message = (
                        f"{MOST_SESSIONS} sessions are open: call without session_id, or with less session_timeout"
                    )
                    raise RequestRefused("TOO_MANY_SIMULTANEOUS_QUERIES", message, status=503)
                session = self._open[key] = _Session(self._engine.handle())
            elif session.busy:
                raise RequestRefused("SESSION_IS_LOCKED", f"Session {key} is locked by a concurrent client")
            session.busy = True
            return session

    def _end_expired(self) -> None:
        now = self._clock.monotonic()
        for key, session in list(self._open.items()):
            if not session.busy and session.expires_at < now:
                session.handle.close()
                del self._open[key]
