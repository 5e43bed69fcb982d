"""Waiting that a stop request ends at once, and calls that it does not let hold up the exit."""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from cinepulse.errors import CinepulseError, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# How often a wait looks for a stop request and shows that the part is alive.
SLICE_SECONDS: Final = 0.1
# A request under way when the stop comes gets this long to answer, so that its poll is not done twice.
GRACE_SECONDS: Final = 1.5


class Stopped(CinepulseError):
    """The part was asked to stop while it waited."""


class Waiting(Protocol):
    """How the Reddit loop lets time pass."""

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass; raises Stopped when asked to stop."""
        ...

    def call(self, function: Callable[[], T], deadline: float) -> T:
        """Return what a blocking call returns.

        Raises SourceUnavailable when it takes longer than `deadline` seconds, Stopped when asked to stop.
        """
        ...

    def asked_to_stop(self) -> bool:
        """Return whether the part is to end."""
        ...


class StoppableWaiting:
    """Waits on a stop event, beats while it waits, and makes calls in threads that never hold up the exit.

    praw sleeps and reads inside its calls, where no event reaches it. A call given up on goes on in its thread to the
    end of its own time-outs, so its client must not be used again.
    """

    def __init__(self, stop: Event, beat: Callable[[], None]) -> None:
        self._stop = stop
        self._beat = beat

    def asked_to_stop(self) -> bool:
        """Return whether the stop event is set."""
        return self._stop.is_set()

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass; raises Stopped as soon as the stop event is set."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._beat()
            if self._stop.wait(min(left, 1.0)):
                break
        if self._stop.is_set():
            raise Stopped("asked to stop")

    def call(self, function: Callable[[], T], deadline: float) -> T:
        """Return what `function` returns, or raise what it raises, SourceUnavailable or Stopped."""
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(function())
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                answer.set_exception(error)

        Thread(target=run, name="request", daemon=True).start()
        started, stopped_at = time.monotonic(), None
        while True:
            self._beat()
            try:
                return answer.result(SLICE_SECONDS)
            except NotDone:
                if answer.done():
                    raise
            now = time.monotonic()
            if self._stop.is_set():
                stopped_at = stopped_at or now
                if now - stopped_at > GRACE_SECONDS:
                    raise Stopped("asked to stop during a request")
            if now - started > deadline:
                raise SourceUnavailable(f"no answer within {deadline:g} seconds")
