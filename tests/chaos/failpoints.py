"""Points in a part's work at which it dies or stops when told to: files below the stack's data directory.

The driver arms a point by a file; the part that next comes by takes the file away and signals itself. Only parts that
`tests.chaos.part` runs ask: the product has no such points.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "failpoints"
TWICE: Final = "twice"
HELD: Final = "held"
CLOCK: Final = "clock"


@dataclass
class Failpoints:
    """The points of one stack, for the driver that arms them and for the parts that reach them."""

    directory: Path
    _passed: Counter[str] = field(default_factory=Counter)

    def arm(self, point: str, number: signal.Signals = signal.SIGKILL, *, passes: int = 0) -> None:
        """Let whoever comes by get a signal, after it has passed so many times unharmed."""
        self.directory.mkdir(exist_ok=True)
        self._victim(point).unlink(missing_ok=True)
        fresh = self.directory / f".{point}"
        fresh.write_text(json.dumps({"signal": int(number), "passes": passes}))
        fresh.replace(self.directory / point)

    def disarm(self, point: str) -> None:
        """Spare whoever has not come by yet."""
        (self.directory / point).unlink(missing_ok=True)

    def struck(self, point: str) -> int | None:
        """Return the process that was hit, None while none was."""
        try:
            return int(self._victim(point).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def reach(self, point: str) -> None:
        """Come by a point: the process gets its signal here when the point is armed."""
        order = self.take(point)
        if order is not None:
            os.kill(os.getpid(), order)

    def take(self, point: str) -> signal.Signals | None:
        """Return the signal that waits at a point for this process, None where none does."""
        path = self.directory / point
        try:
            order = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        if self._passed[point] < order["passes"]:
            self._passed[point] += 1
            return None
        with suppress(FileNotFoundError):
            path.unlink()
            del self._passed[point]
            fresh = self._victim(point).with_suffix(".new")
            fresh.write_text(str(os.getpid()))
            fresh.replace(self._victim(point))
            return signal.Signals(order["signal"])
        # Another process of the same part was faster.
        return None

    def flag(self, kind: str, part: str, text: str = "") -> None:
        """Switch on, for one part, what lasts: to be held before its start, to send twice, to have a wrong clock."""
        self.directory.mkdir(exist_ok=True)
        (self.directory / f"{kind}.{part}").write_text(text)

    def unflag(self, kind: str, part: str) -> None:
        """Switch it off."""
        (self.directory / f"{kind}.{part}").unlink(missing_ok=True)

    def flagged(self, kind: str, part: str) -> str | None:
        """Return the flag's text, None where it is off."""
        try:
            return (self.directory / f"{kind}.{part}").read_text()
        except FileNotFoundError:
            return None

    def _victim(self, point: str) -> Path:
        return self.directory / f"{point}.victim"
