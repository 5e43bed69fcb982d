"""`cinepulse replay`: rebuild days from the log beside the live pipeline, see what differs, promote it."""

from __future__ import annotations

import json
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import Format, format_option, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from cinepulse.commands.replaying import Console
    from cinepulse.settings import Settings

INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"])


@click.command()
@with_settings(
    "kafka_bootstrap",
    "schema_registry_url",
    "partitions",
    "clickhouse_host",
    "clickhouse_port",
    "clickhouse_database",
    "link_threshold",
    "grace_hours",
)
@click.option(
    "--topic",
    type=click.Choice(["reddit.posts", "movie.mentions"]),
    required=True,
    help="The log to replay: posts through the linker and the counter, or mentions through the counter.",
)
@click.option("--from", "first", type=INSTANT, required=True, help="First UTC day of event time.")
@click.option("--to", "end", type=INSTANT, required=True, help="UTC day before which it ends; not within.")
@click.option("--promote", is_flag=True, help="Bring the live tables to what the replay found.")
@click.option("--keep", is_flag=True, help="Keep the shadow database and print its name.")
@click.option("--limit", type=click.IntRange(0, 10_000), default=20, show_default=True, help="Differing rows to list.")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds to wait for the live pipeline to reach the end of the log before comparing.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    help="Processes that link posts, each with a copy of the catalogue; one a processor, but 4 at most, unless given.",
)
@format_option
def replay(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    topic: str,
    first: datetime,
    end: datetime,
    promote: bool,
    keep: bool,
    limit: int,
    wait: float,
    jobs: int | None,
    output: Format,
) -> None:
    """Rebuild days from the log into a shadow database and show what differs from the live tables.

    The live pipeline goes on meanwhile. Nothing live changes without --promote. Interrupted, it leaves nothing behind.

    \b
    Examples:
      cinepulse replay --topic reddit.posts --from 2026-11-19 --to 2026-11-21
      cinepulse replay --topic reddit.posts --from 2026-11-19 --to 2026-11-21 --promote
      cinepulse replay --topic movie.mentions --from 2026-10-01 --to 2026-11-01 --format json
    """  # noqa: D301 - click reads \b
    from cinepulse.commands.replay_view import print_report, report_document, report_rows
    from cinepulse.commands.replaying import Plan, Replayer
    from cinepulse.errors import PromotionRefused
    from stream_processors.linking_pool import processors

    days = _day(first, "--from"), _day(end, "--to")
    if days[0] >= days[1]:
        raise click.UsageError("--to must lie behind --from: it is the day before which the replay ends")
    # Told to end, it cleans up as it does on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = Plan(topic, *days, promote=promote, keep=keep, listed=limit, wait_seconds=wait, jobs=jobs or processors())
    with _progress() as console:
        report = Replayer(settings, plan, console).run()
    if output == "json":
        click.echo(json.dumps(report_document(report), ensure_ascii=False, indent=2))
    elif output != "table":
        from cinepulse.commands.options import print_rows

        print_rows(report_rows(report), output)
    else:
        print_report(report)
    if report.refused is not None:
        raise PromotionRefused(f"not promoted: {report.refused}")


def _day(instant: datetime, option: str) -> date:
    if (instant.hour, instant.minute, instant.second) != (0, 0, 0):
        raise click.UsageError(f"{option} must be the beginning of a UTC day: counts are per day")
    return instant.date()


@contextmanager
def _progress() -> Iterator[Console]:
    """Show how far it is and at what rate, or what it waits for, on a terminal only."""
    from rich import console as terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from cinepulse.commands.replaying import Console

    screen = terminal.Console(stderr=True)
    if not screen.is_terminal:
        yield Console()
        return
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task("replaying", total=None, rate="")

        def advance(done: int, total: int) -> None:
            speed = progress.tasks[0].speed
            rate = "" if speed is None else f"{speed:,.0f} records/s"
            progress.update(task, description="replaying", completed=done, total=total, rate=rate)

        yield Console(advance, lambda text: progress.update(task, description=text))
