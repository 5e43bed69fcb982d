"""Reddit's request budget: so many requests in each window of ten minutes, told in three headers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cinepulse.clock import Clock

WINDOW_SECONDS: Final = 600


@dataclass(slots=True)
class Budget:
    """The requests of one client in the running window, which began with its first request.

    `limit`: requests a window.
    """

    limit: int
    clock: Clock
    _began: float = -float(WINDOW_SECONDS)
    _used: int = 0

    def spend(self) -> bool:
        """Count one request; False when the budget is used up."""
        now = self.clock.monotonic()
        if now - self._began >= WINDOW_SECONDS:
            self._began, self._used = now, 0
        self._used += 1
        return self._used <= self.limit

    @property
    def reset(self) -> int:
        """Whole seconds until the window ends."""
        return max(1, ceil(self._began + WINDOW_SECONDS - self.clock.monotonic()))

    def headers(self) -> dict[str, str]:
        """Return `x-ratelimit-*` as Reddit writes them: remaining as a decimal, the others whole."""
        used = min(self._used, self.limit)
        return {
            "x-ratelimit-remaining": f"{self.limit - used:.1f}",
            "x-ratelimit-used": str(used),
            "x-ratelimit-reset": str(self.reset),
        }
