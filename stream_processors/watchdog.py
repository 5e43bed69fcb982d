"""Ends a process that stands still, so that its supervisor starts it again: a hang must not look like calm."""

from __future__ import annotations

import os
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.clock import Clock

# Longer than a flush may wait for a broker that restarts (`cinepulse.kafka.DELIVERY_TIMEOUT_MS`).
STALLED_SECONDS: Final = 90.0
CHECK_SECONDS: Final = 1.0
# A check that comes this late was not late by itself: the whole process was paused, and gets its full time again.
PAUSED_SECONDS: Final = 5.0


class Watchdog:
    """Watches two things: that the event loop turns, and that commits move while there is something to do.

    Args:
        name: the worker, for the last line it writes.
        clock: measures.
        end: ends the process, told why.
        stalled_seconds: how long nothing may move.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        end: Callable[[str], None] | None = None,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        self._name = name
        self._clock = clock
        self._end = end or _exit
        self._stalled_seconds = stalled_seconds
        self._checked = self._turned = self._moved = clock.monotonic()
        self._stopped = Event()

    def moved(self) -> None:
        """Note that something has moved on; from any thread."""
        self._moved = self._clock.monotonic()

    def turned(self, *, idle: bool) -> None:
        """Note that the event loop has turned; `idle` when there is nothing to do."""
        self._turned = self._clock.monotonic()
        if idle:
            self._moved = self._turned

    def start(self) -> None:
        """Check once a second in a thread of its own, which a stuck event loop cannot stop."""
        Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def check(self) -> None:
        """End the process when it stands still."""
        now = self._clock.monotonic()
        if now - self._checked > PAUSED_SECONDS:
            self._turned = self._moved = now
        self._checked = now
        if now - self._turned > self._stalled_seconds:
            self._end(f"{self._name}: the event loop is stuck")
        elif now - self._moved > self._stalled_seconds:
            self._end(f"{self._name}: nothing committed for {self._stalled_seconds:.0f} s although records wait")

    def _run(self) -> None:
        while not self._stopped.wait(CHECK_SECONDS):
            self.check()


def _exit(reason: str) -> None:
    sys.stderr.write(f"cinepulse: {reason}\n")
    sys.stderr.flush()
    # Nothing of the process can be trusted to end by itself.
    os._exit(1)
