"""When a day is closed: the rule that the count stage keeps and every reader of its counts shares. Pure.

A source's partitions are read side by side, and each brings its records roughly, not exactly, in the order of their
event time. The watermark is the event time up to which nothing more is expected: the least of the partitions' clocks,
less the disorder allowed within one. A partition whose clock is further behind the furthest one than the idle time
holds nothing up. A day is final once the watermark has passed its end by the grace.

Everything here is event time. A replay, however fast, closes the same days at the same records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from cinepulse.clock import MILLISECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cinepulse.settings import Settings

MILLISECONDS_PER_HOUR: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class ClosingRule:
    """How long to wait, milliseconds of event time each."""

    grace_ms: int
    disorder_ms: int
    idle_ms: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the rule that the settings name."""
        hours = (settings.grace_hours, settings.disorder_hours, settings.idle_hours)
        return cls(*(round(number * MILLISECONDS_PER_HOUR) for number in hours))

    def watermark(self, clocks: Iterable[int], furthest: int) -> int:
        """Return the watermark; `clocks`: the furthest event time of each partition, 0 for one that has none yet.

        It never falls while clocks only rise.
        """
        return max(min(clocks, default=0), furthest - self.idle_ms) - self.disorder_ms

    def first_open_day(self, watermark: int) -> int:
        """Return the first day that is not closed yet, in days since 1970; all before it are final."""
        return max(0, (watermark - self.grace_ms) // MILLISECONDS_PER_DAY)

    def closes_at(self, day: int) -> int:
        """Return the clock that every partition must show, or be timed out, before the day is closed."""
        return (day + 1) * MILLISECONDS_PER_DAY + self.grace_ms + self.disorder_ms
