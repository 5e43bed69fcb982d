"""How a part is doing, from what is seen of it: pure, so that every turn of events can be told to it in a test."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from cinepulse.local.parts import Part

Health = Literal["starting", "healthy", "unhealthy", "down"]

# A part that worked and has not answered for this long is ended and started anew. Long enough for a pause of the
# machine or a big flush, short enough to be counting again before anybody looks.
UNHEALTHY_SECONDS: Final = 20.0
# Restarts of what ends at once go 1, 2, 4 ... up to this many seconds apart. Short enough for a pipeline whose broker
# was away for long to be counting again soon after it is back.
LONGEST_PAUSE_SECONDS: Final = 8.0


class Action(Enum):
    """What the supervisor has to do about a part."""

    NONE = "none"
    START = "start"
    TERMINATE = "terminate"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a part at one moment.

    `pid`: its process, 0 for none. `idle`: supervisord will not start it by itself. `failed`: because each of its tries
    ended at once. `answers`: its probe says that it works.
    """

    now: float
    pid: int
    idle: bool
    failed: bool
    answers: bool


class Watch:
    """Follows one part. Times are seconds of one monotonic clock.

    `answered_at`: when it last did. `hopeless`: every try of its first start ended before it answered, so that more of
    them will not help.
    """

    def __init__(self, part: Part, now: float) -> None:
        self.part = part
        self.health: Health = "starting"
        self.restarts = 0
        self.pid = 0
        self.hopeless = False
        self._lived = False
        self._ever_answered = False
        self._answered = False
        self.answered_at = now
        self._since = now
        self._asked_to_end: float | None = None
        self._next_start = now
        self._pause = 1.0

    @property
    def ready(self) -> bool:
        """Return whether the part answered since its process began and does so now."""
        return self.health == "healthy"

    def see(self, seen: Sighting) -> Action:
        """Take in what was seen and return what to do."""
        if seen.pid != self.pid:
            self._process_changed(seen)
        if not self.pid:
            self.health = "down"
            return self._start_again(seen)
        if seen.answers:
            self._answered = self._ever_answered = True
            self.answered_at = self._since = seen.now
            self._asked_to_end, self._pause = None, 1.0
            self.health = "healthy"
            return Action.NONE
        self.health = "unhealthy" if self._answered else "starting"
        return self._end_the_stuck(seen)

    def _process_changed(self, seen: Sighting) -> None:
        if seen.pid and self._lived:
            self.restarts += 1
        self._lived = self._lived or bool(seen.pid)
        self.pid, self._answered, self._since, self._asked_to_end = seen.pid, False, seen.now, None

    def _start_again(self, seen: Sighting) -> Action:
        self.hopeless = seen.failed and not self._ever_answered
        if not seen.idle or seen.now < self._next_start:
            return Action.NONE
        self._next_start = seen.now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        return Action.START

    def _end_the_stuck(self, seen: Sighting) -> Action:
        patience = UNHEALTHY_SECONDS if self._answered else self.part.start_seconds
        if self._asked_to_end is not None:
            late = seen.now - self._asked_to_end > self.part.stop_seconds
            return Action.KILL if late else Action.NONE
        if seen.now - self._since <= patience:
            return Action.NONE
        self._asked_to_end = seen.now
        return Action.TERMINATE
