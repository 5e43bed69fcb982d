"""Reddit's rate limit as its answers tell it, and the pace that keeps within it.

https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki: 100 requests a minute and client,
averaged over ten minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from producers.http import retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import MutableMapping

WINDOW_SECONDS: Final = 600
LONGEST_PACE_SECONDS: Final = 10.0

REMAINING: Final = "x-ratelimit-remaining"
USED: Final = "x-ratelimit-used"
RESET: Final = "x-ratelimit-reset"


@dataclass(slots=True)
class Budget:
    """Requests made, and what the latest answer said of the rate limit."""

    requests: int = 0
    remaining: float | None = None
    used: float | None = None
    reset_seconds: float | None = None
    told_at: float = 0.0
    retry_after: float | None = None

    def sent(self) -> None:
        """Count a request."""
        self.requests += 1
        self.retry_after = None

    def read(self, headers: MutableMapping[str, str], now: float, now_ms: int) -> None:
        """Take in an answer's headers, and leave in them only what prawcore parses.

        prawcore raises ValueError, and so loses the answer, over a fraction, a missing part or an HTTP date.

        Args:
            headers: the answer's; changed in place.
            now: monotonic seconds.
            now_ms: milliseconds since 1970-01-01 UTC.
        """
        remaining, used, reset = (_number(headers.pop(name, None)) for name in (REMAINING, USED, RESET))
        if remaining is not None and used is not None and reset is not None:
            self.remaining, self.used, self.reset_seconds, self.told_at = remaining, used, reset, now
            headers.update({REMAINING: str(remaining), USED: str(int(used)), RESET: str(int(reset))})
        self.retry_after = retry_after_seconds(headers.pop("retry-after", None), now_ms)
        if self.retry_after is not None:
            headers["retry-after"] = str(self.retry_after)

    def pace(self, now: float) -> float:
        """Return how many seconds to wait before the next request; `now` is monotonic."""
        if self.remaining is None or self.used is None or self.reset_seconds is None:
            return 0.0
        return max(0.0, self.told_at + pace_seconds(self.remaining, self.used, self.reset_seconds) - now)


def pace_seconds(remaining: float, used: float, reset: float) -> float:
    """Return the pause that spreads what is left of the rate limit over what is left of its window.

    prawcore sleeps by the same rule inside its calls (prawcore/rate_limit.py), where a stop request cannot end it.

    Args:
        remaining: requests left.
        used: requests made.
        reset: seconds until the window ends.
    """
    if remaining <= 0:
        return max(1.0, reset)
    elapsed_if_even = WINDOW_SECONDS * used / (remaining + used)
    return min(max(reset - (WINDOW_SECONDS - elapsed_if_even), 0.0), LONGEST_PACE_SECONDS)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
