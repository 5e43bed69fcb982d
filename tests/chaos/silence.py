"""Lets a world fall silent while nobody takes posts from it.

Reddit's listings hold a thousand items: what scrolls off one in an outage is a gap in the coverage, recorded as such,
and no loss. A world that went on through a long outage, or a short one on a busy machine, would find nothing but that.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.chaos.rig import Rig

SILENT_AFTER_SECONDS: Final = 20.0
LOOK_SECONDS: Final = 1.0


@dataclass
class Silence:
    """Freezes the rig's world once no listing is read further for so long, and lets it go on when one is."""

    rig: Rig
    now: Callable[[], float] = time.monotonic
    _read: Sequence[object] = ()
    _since: float = inf
    _told: str = "start"

    def keep(self) -> None:
        """Look whether posts are taken, and tell the world where that has changed.

        What a dead world was not told is said again, and that it is frozen each time: it may be another one by now.
        """
        read = self.rig.read_up_to()
        if (read and read != self._read) or self._since == inf:
            self._read, self._since = read, self.now()
        self.rig.is_silent = self.now() - self._since > SILENT_AFTER_SECONDS
        due = "freeze" if self.rig.is_silent else "start"
        if due == "freeze" or due != self._told:
            self._told = due if self.rig.world("POST", due) else ""


@contextmanager
def kept(rig: Rig) -> Iterator[None]:
    """Look every second, all the while."""
    silence, over = Silence(rig), Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            silence.keep()

    looking = Thread(target=look, name="silence", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
        rig.is_silent = False
