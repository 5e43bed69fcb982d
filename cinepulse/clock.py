"""Time as an object, so that stages and tests say which clock they run on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Protocol

MILLISECONDS_PER_SECOND = 1_000
MILLISECONDS_PER_DAY = 86_400_000


class Clock(Protocol):
    """Wall time for stamps, monotonic time for durations."""

    def now_ms(self) -> int:
        """Return the wall time, milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards, from an arbitrary origin."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock; the composition root's default."""

    def now_ms(self) -> int:
        """Return the machine's wall time, milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return the machine's monotonic time in seconds."""
        return time.monotonic()


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told to, for tests and replays."""

    wall_ms: int = 0
    elapsed: float = field(default=0.0)

    def now_ms(self) -> int:
        """Return the wall time last set or advanced to, milliseconds."""
        return self.wall_ms

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Move both times forward by `seconds`."""
        self.wall_ms += round(seconds * MILLISECONDS_PER_SECOND)
        self.elapsed += seconds


def day_of(epoch_ms: int) -> int:
    """Return the UTC day that holds the instant, as days since 1970-01-01; days are half-open [00:00, 24:00)."""
    return epoch_ms // MILLISECONDS_PER_DAY


def day_start(day: int) -> int:
    """Return the first millisecond of a UTC day given as days since 1970-01-01."""
    return day * MILLISECONDS_PER_DAY
