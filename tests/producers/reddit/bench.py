"""The Reddit poller on a real loopback Reddit and a real broker, on a clock that moves when told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

from cinepulse.clock import ManualClock
from producers.reddit.run import build_loop
from producers.reddit.state import RedditState
from producers.reddit.waiting import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cinepulse.settings import Settings
    from producers.reddit.run import Loop
    from schemas.publisher import Publisher

T = TypeVar("T")


@dataclass
class Waiting:
    """Lets no real time pass: pauses move the clock and are noted. Asks to stop after `stop_after` pauses."""

    clock: ManualClock
    pauses: list[float] = field(default_factory=list)
    stop_after: int | None = None

    def asked_to_stop(self) -> bool:
        """Return whether the pauses are used up."""
        return self.stop_after is not None and len(self.pauses) >= self.stop_after

    def pause(self, seconds: float) -> None:
        """Move the clock."""
        if self.asked_to_stop():
            raise Stopped("the test ends here")
        if seconds > 0:
            self.pauses.append(seconds)
        self.clock.advance(seconds)

    def call(self, function: Callable[[], T], deadline: float) -> T:
        """Call in this thread."""
        del deadline
        return function()


@dataclass
class Bench:
    """A poller's parts; `run` does one round of all that is due."""

    clock: ManualClock
    waiting: Waiting
    state: RedditState
    loop: Loop

    def run(self, rounds: int = 1) -> None:
        """Do what is due, rounds times, each a poll interval after the other."""
        for _ in range(rounds):
            self.loop.work()
            self.clock.advance(self.loop.poll_seconds * 1.2)


def make_bench(settings: Settings, data_dir: Path, publisher: Publisher) -> Bench:
    """Return a bench on the settings' Reddit, its memory below `data_dir`."""
    clock = ManualClock(wall_ms=round(time.time() * 1000))
    waiting = Waiting(clock)
    state = RedditState(data_dir)
    random = Random(1)  # noqa: S311 - the same jitter in every run
    return Bench(clock, waiting, state, build_loop(settings, waiting, state, publisher, clock=clock, random=random))
