"""SIGTERM and SIGINT as an event that a loop looks at."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """Give an event that SIGTERM and SIGINT set; the former handlers are back afterwards. Main thread only."""
    stop = Event()

    def ask(_number: int, _frame: Any) -> None:
        stop.set()

    former = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
