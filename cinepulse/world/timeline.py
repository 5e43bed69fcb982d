"""The world's time line: seconds since the start, frozen or not, and how they map to wall time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

MILLISECONDS: Final = 1_000
BEFORE_START: Final = -1e-3


@dataclass(slots=True)
class Timeline:
    """When the world began, started and froze, in milliseconds since 1970; None where it has not yet.

    Position 0 is the start. Before it lies the backlog, reckoned from the beginning. `pauses`: position and
    milliseconds of each time the world was down, during which no time passed in it. `leased_ms`: wall time up to which
    the journal has promised the time line; no further, so that nothing is served whose time a kill would change.
    """

    began_ms: int
    started_ms: int | None = None
    frozen_ms: int | None = None
    pauses: list[tuple[float, float]] = field(default_factory=list)
    leased_ms: float = math.inf

    @property
    def started(self) -> bool:
        """Whether posts come at all."""
        return self.started_ms is not None

    @property
    def frozen(self) -> bool:
        """Whether nothing more happens."""
        return self.frozen_ms is not None

    def start(self, now_ms: int) -> None:
        """Start, or go on after a freeze; while the world runs it changes nothing.

        Under a lease, time stands still until the journal has the start: a kill before that would give another one.
        """
        if math.isfinite(self.leased_ms) and (self.started_ms is None or self.frozen_ms is not None):
            self.leased_ms = min(self.leased_ms, now_ms)
        if self.started_ms is None:
            self.started_ms = now_ms
        if self.frozen_ms is not None:
            self.pauses.append((self.position(now_ms), float(now_ms - self.frozen_ms)))
            self.frozen_ms = None

    def freeze(self, now_ms: int) -> None:
        """Freeze; a second freeze changes nothing."""
        if self.frozen_ms is None:
            self.frozen_ms = now_ms

    def position(self, now_ms: float) -> float:
        """Return the seconds since the start that an instant lies at; while the world waits for it, just before 0."""
        if self.started_ms is None:
            return BEFORE_START
        until = min(now_ms, self.leased_ms)
        if self.frozen_ms is not None:
            until = min(until, self.frozen_ms)
        position = max(0.0, until - self.started_ms) / MILLISECONDS
        for at, down in self.pauses:
            if position > at:
                position = max(at, position - down / MILLISECONDS)
        return position

    def wall_seconds(self, at: float) -> float:
        """Return the wall time of a position, seconds since 1970."""
        if at < 0 or self.started_ms is None:
            return self.began_ms / MILLISECONDS + at
        down = sum(milliseconds for position, milliseconds in self.pauses if position < at)
        return (self.started_ms + down) / MILLISECONDS + at

    def story_position(self, wall_seconds: float) -> float:
        """Return the position of a wall time, seconds since 1970; one before the start lies in the backlog."""
        if self.started_ms is not None and wall_seconds * MILLISECONDS >= self.started_ms:
            return self.position(wall_seconds * MILLISECONDS)
        return min(BEFORE_START, wall_seconds - self.began_ms / MILLISECONDS)
