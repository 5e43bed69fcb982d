"""Poll reports: what tells a quiet hour from one in which nobody looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.events import PollReport

if TYPE_CHECKING:
    from cinepulse.clock import Clock
    from producers.reddit.budget import Budget
    from schemas.events import PollOutcome


@dataclass(frozen=True, slots=True)
class Begun:
    """When a poll began (epoch milliseconds) and how many requests had been made before it."""

    at: int
    requests: int


@dataclass(frozen=True, slots=True)
class Reporter:
    """Measures polls against the clock and the request budget."""

    budget: Budget
    clock: Clock

    def begin(self) -> Begun:
        """Return the start of a poll."""
        return Begun(self.clock.now_ms(), self.budget.requests)

    def done(
        self,
        begun: Begun,
        outcome: PollOutcome,
        *,
        items: int = 0,
        known: int = 0,
        gap: tuple[int, int] | None = None,
    ) -> PollReport:
        """Return the report of a poll that ends now; `gap`: first and last instant that may be missing."""
        return PollReport(
            started_at=begun.at,
            finished_at=self.clock.now_ms(),
            outcome=outcome,
            requests=self.budget.requests - begun.requests,
            items=items,
            known=known,
            gap_from=None if gap is None else gap[0],
            gap_to=None if gap is None else gap[1],
            rate_limit_remaining=self.budget.remaining,
            rate_limit_reset_seconds=self.budget.reset_seconds,
        )

    def failed(self, begun: Begun, error: Exception) -> PollReport:
        """Return the report of a poll that fails now."""
        return PollReport(
            started_at=begun.at,
            finished_at=self.clock.now_ms(),
            outcome="failed",
            requests=self.budget.requests - begun.requests,
            items=0,
            known=0,
            error=f"{type(error).__name__}: {error}",
            rate_limit_remaining=self.budget.remaining,
            rate_limit_reset_seconds=self.budget.reset_seconds,
        )
