"""A report on the terminal that is drawn anew each second."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from cinepulse.errors import Retryable

if TYPE_CHECKING:
    from collections.abc import Callable

REFRESH_SECONDS: Final = 1.0


def watch_report(render: Callable[[], RenderableType]) -> None:
    """Draw what `render` returns until Ctrl-C; a database that is away for a while leaves the last report standing."""
    shown: RenderableType = Text("Reading …")
    with Live(shown, console=Console(), auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            try:
                shown = render()
                live.update(shown, refresh=True)
            except Retryable as error:
                live.update(Group(shown, Text(f"{error}; trying again", style="yellow")), refresh=True)
            sleep(REFRESH_SECONDS)
