"""A row of numbers as a line of bars: Unicode blocks, or ASCII where the terminal has nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.measure import Measurement
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII: Final = "_.-:=+*#"
GAP: Final = " "


def sparkline(values: Iterable[float | None], *, top: float | None = None, bars: str = BLOCKS) -> str:
    """Return one character a value: the lowest bar is zero, the highest `top` or the largest value, a gap unknown.

    Bars in between share the span evenly. What lies below zero is drawn as zero, what lies above `top` as `top`.
    """
    known = list(values)
    highest = max((value for value in known if value is not None), default=0.0) if top is None else top
    return "".join(GAP if value is None else bars[_level(value, highest, len(bars))] for value in known)


def _level(value: float, top: float, levels: int) -> int:
    if top <= 0 or value <= 0:
        return 0
    # Something is never drawn as nothing.
    return max(1, min(levels - 1, round((levels - 1) * min(value / top, 1.0))))


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A sparkline that draws itself in what the console's encoding can show."""

    values: Sequence[float | None]
    top: float | None = None
    style: str = "cyan"

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        bars = ASCII if options.ascii_only else BLOCKS
        yield Text(sparkline(self.values, top=self.top, bars=bars), style=self.style, no_wrap=True)

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        width = min(len(self.values), options.max_width)
        return Measurement(width, width)
