"""`cinepulse up`: start and supervise every part."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console
    from rich.table import Table

    from cinepulse.local.stack import Stack, StackEvent
    from cinepulse.local.state import PartRecord
    from cinepulse.settings import Settings

COLOURS = {"healthy": "green", "starting": "yellow", "unhealthy": "red", "down": "red"}
REFRESHES_PER_SECOND = 2


def world_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose what the loopback world plays."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--speed", type=click.FloatRange(min=0, min_open=True), help="Event time's speed over real time."),
        click.option("--catalog", type=file, help="Films of the loopback TMDB: CSV, optionally gzip."),
        click.option("--posts", type=file, help="Recorded Reddit posts to play: JSON lines, optionally gzip or zstd."),
        click.option("--seed", type=click.IntRange(0), help="Seed of the generated posts."),
    ):
        function = option(function)
    return function


@click.command()
@with_settings("kafka_bootstrap", "clickhouse_port", "partitions", "subreddits", "log_level", attached=False)
@world_options
def up(settings: Settings, **world: Any) -> None:
    """Start Kafka, ClickHouse, the producers, the processors and the sink, and keep them running until Ctrl-C.

    With REDDIT_CLIENT_ID, REDDIT_CLIENT_SECRET and TMDB_READ_TOKEN set, posts and films are Reddit's and TMDB's;
    without them those of a world on this machine.

    \b
    Examples:
      cinepulse up
      cinepulse up --seed 7
      cinepulse up --posts posts.jsonl.gz --catalog films.csv.gz --speed 3600
    """  # noqa: D301 - click reads \b
    from rich.console import Console

    from cinepulse.commands.stack import WorldChoice, embedded_stack

    console = Console(highlight=False, soft_wrap=True)

    def tell(event: StackEvent) -> None:
        took = "" if event.seconds is None else f" ({event.seconds:.1f} s)"
        console.print(f"{event.subject}: {event.what}{took}", markup=False)

    with embedded_stack(settings, WorldChoice(**world), tell) as stack:
        with live_table(console, stack):
            stack.start()
            home = settings.data_dir.absolute()
            flag = f" --data-dir {home}" if "data_dir" in settings.model_fields_set else ""
            console.print(f"Everything works. Logs are in {home / 'logs'}.", markup=False)
            console.print(
                f"In another terminal: cinepulse trends --watch{flag}. Ctrl-C stops everything.", markup=False
            )
            stack.supervise()
        console.print("Stopping")


def live_table(console: Console, stack: Stack) -> AbstractContextManager[object]:
    """Return a context in which the parts' state shows below what is printed, on a terminal only."""
    if not console.is_terminal:
        return nullcontext()
    from rich.live import Live

    return Live(
        get_renderable=lambda: parts_table(stack.snapshot()),
        console=console,
        refresh_per_second=REFRESHES_PER_SECOND,
        transient=True,
    )


def parts_table(parts: tuple[PartRecord, ...]) -> Table:
    """Return the parts as a table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("part", "health", "pid", "port", "restarts"):
        table.add_column(name, justify="left" if name in {"part", "health"} else "right")
    for part in parts:
        pid = str(part.process.pid) if part.process else ""
        health = Text(part.health, style=COLOURS.get(part.health, ""))
        table.add_row(part.name, health, pid, str(part.port), str(part.restarts))
    return table
