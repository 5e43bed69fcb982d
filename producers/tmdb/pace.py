"""How many requests a second, spread evenly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cinepulse.clock import Clock


class Pacer:
    """Hands out one start a slot; slots lie 1/rate seconds apart, and unused ones expire.

    A bucket without a burst: TMDB counts requests in a sliding second, where a burst plus the refill exceeds the rate.

    Args:
        rate: starts a second.
        clock: monotonic time.
        sleep: lets seconds pass.
    """

    def __init__(self, rate: float, clock: Clock, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._interval = 1.0 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = clock.monotonic()

    async def turn(self) -> None:
        """Wait for the next free slot."""
        now = self._clock.monotonic()
        slot = max(self._next, now)
        self._next = slot + self._interval
        if slot > now:
            await self._sleep(slot - now)

    def hold(self, seconds: float) -> None:
        """Give out no slot for the next `seconds`, as the other side asked."""
        self._next = max(self._next, self._clock.monotonic() + seconds)
