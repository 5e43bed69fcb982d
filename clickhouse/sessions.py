"""Handles for calls: one without a trace of other calls for a call without a session, a kept one for a session id."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cinepulse.clock import Clock
    from clickhouse.engine import Engine
    from clickhouse.engine_handle import Handle
    from clickhouse.http_request import Call

# Each holds about 0.1 MB of the engine's memory.
MOST_SESSIONS: Final = 1000
MOST_SPARES: Final = 32


_Setup: TypeAlias = "tuple[str | None, tuple[tuple[str, str], ...]]"
"""A call's database, and its settings in their order."""


@dataclass(slots=True)
class _Session:
    handle: Handle
    expires_at: float = 0.0
    busy: bool = True


class _Spares:
    """Handles of calls that left nothing behind, each for a later call with the same database and settings.

    To open a handle and to set it up takes as long as a short query.
    """

    def __init__(self) -> None:
        self._handles: dict[Handle, _Setup] = {}
        self._lock = Lock()

    def take(self, setup: _Setup) -> Handle | None:
        """Return a handle that is set up so, for its caller alone; None where there is none."""
        with self._lock:
            handle = next((handle for handle, kept in self._handles.items() if kept == setup), None)
            if handle is not None:
                del self._handles[handle]
                handle.unchanged = False
            return handle

    def give(self, handle: Handle, setup: _Setup) -> None:
        """Keep a handle, or end it where its call may have changed it; of many the one kept for longest ends."""
        ended: Handle | None = handle
        if handle.unchanged:
            with self._lock:
                self._handles[handle] = setup
                ended = next(iter(self._handles)) if len(self._handles) > MOST_SPARES else None
                if ended is not None:
                    del self._handles[ended]
        if ended is not None:
            ended.close()

    def close(self) -> None:
        """End every handle."""
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()


class Sessions:
    """The open sessions; a session serves one call at a time and ends when unused for its time-out."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._open: dict[str, _Session] = {}
        self._spares = _Spares()
        self._lock = Lock()

    @contextmanager
    def lend(self, call: Call) -> Iterator[Handle]:
        """Lend the call its handle, set up as the call asks; for worker threads, since it waits for the engine."""
        if call.session_id is None:
            setup = (call.database, tuple(call.settings.items()))
            spare = self._spares.take(setup)
            handle = spare or self._engine.handle()
            try:
                if spare is None:
                    handle.set_up(call.database, call.settings)
                yield handle
            finally:
                self._spares.give(handle, setup)
            return
        session = self._take(call.session_id, must_exist=call.session_must_exist)
        try:
            with session.handle.restored(call.settings, call.database):
                session.handle.set_up(call.database, call.settings)
                yield session.handle
        finally:
            session.expires_at = self._clock.monotonic() + call.session_seconds
            session.busy = False

    def close(self) -> None:
        """End every session."""
        self._spares.close()
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
