"""What a backfill shows while it runs: a bar of bytes with the rate, broken lines, and that Kafka is away."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from cinepulse.errors import BrokerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event
    from types import TracebackType
    from typing import Self

    from cinepulse.errors import CinepulseError

# More broken lines than this are counted, not shown: all of them are in the dead letters.
SHOWN: Final = 20

# A broker that restarts is back within this; one that stays away longer ends the run, which can go on later.
PATIENCE_SECONDS: Final = 120.0
RETRY_SECONDS: Final = 0.2


class TerminalWatch:
    """Shows the progress on standard error where that is a terminal, and broken lines wherever it is.

    Args:
        stop: set to stop behind the current lines.
        total: bytes of all files.
        max_rate: most records a second; None for no bound.
    """

    def __init__(self, stop: Event, total: int, max_rate: int | None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._stop = stop
        self._max_rate = max_rate
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("backfill", total=total, rate="")
        self._before = self._size = self._lines = self._broken = 0
        self._begun = self._paced = monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self._broken > SHOWN:
            click.echo(f"... and {self._broken - SHOWN} more broken lines: see the table dead_letters", err=True)

    def begin(self, name: str, size: int) -> None:
        """Begin a file of so many bytes."""
        self._size, self._lines, self._begun = size, 0, monotonic()
        self._progress.update(self._task, description=name, completed=self._before, rate="")

    def finish(self) -> float:
        """End the file and return the seconds that it took."""
        self._before += self._size
        self._progress.update(self._task, completed=self._before)
        return monotonic() - self._begun

    def at(self, position: int, lines: int) -> None:
        """Show how many bytes of the file were read."""
        self._lines += lines
        seconds = monotonic() - self._begun
        rate = f"{self._lines / seconds:,.0f} lines/s" if self._lines and seconds else ""
        self._progress.update(self._task, completed=self._before + position, rate=rate)

    def broken(self, name: str, number: int, error: CinepulseError) -> None:
        """Show a line that is nothing."""
        self._broken += 1
        if self._broken <= SHOWN:
            self.say(f"{name}:{number}: {error}")

    def say(self, text: str) -> None:
        """Show a line of text above the bar."""
        if self._progress.disable:
            click.echo(text, err=True)
        else:
            self._progress.console.print(text, markup=False, highlight=False)

    def wants_stop(self) -> bool:
        """Return whether SIGTERM or Ctrl-C came."""
        return self._stop.is_set()

    def pace(self, sent: int) -> None:
        """Wait until `sent` records are within the rate."""
        if self._max_rate is not None:
            due = self._paced + sent / self._max_rate
            self._stop.wait(max(0.0, due - monotonic()))
            self._paced = monotonic()


@dataclass
class Patience:
    """Bears with a Kafka that is away, up to a point; `say` shows a line of text."""

    stop: Event
    say: Callable[[str], None]
    since: float = 0.0

    def __call__(self, error: BrokerUnavailable, failures: int) -> None:
        """Wait a little; raises BrokerUnavailable when that was long enough or a stop is asked for."""
        if failures == 1:
            self.since = monotonic()
            self.say(f"{error}; trying again")
        if self.stop.is_set() or monotonic() - self.since > PATIENCE_SECONDS:
            raise BrokerUnavailable(f"{error}; the same command goes on from the last confirmed line")
        self.stop.wait(RETRY_SECONDS)
