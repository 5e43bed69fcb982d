"""`cinepulse demo`: everything at once, live, until Ctrl-C; or for a while, with a report."""

from __future__ import annotations

import json
import time
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cinepulse.commands.options import with_settings
from cinepulse.commands.up import live_table, world_options

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from cinepulse.commands.reckoning import DemoReport
    from cinepulse.local.stack import Stack, StackEvent
    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from clickhouse.trends import TrendsReport

REFRESH_SECONDS: Final = 1.0
# Without a terminal a line now and then tells that it goes on; a table every second would bury the log it goes to.
LINE_SECONDS: Final = 10.0
TABLE_FILMS: Final = 15
LINE_FILMS: Final = 3


@click.command()
@with_settings("kafka_bootstrap", "clickhouse_port", "partitions", "subreddits", "log_level", attached=False)
@world_options
@click.option("--for", "seconds", type=click.FloatRange(min=1), help="Stop after so many seconds of flow.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what was served, stored, counted, lost and double as JSON. Needs --for.",
)
def demo(settings: Settings, seconds: float | None, report: Path | None, **world: Any) -> None:
    """Start everything and show what is trending, live, until Ctrl-C.

    Posts and films come from a world on this machine. Each demo begins with an empty data directory of its own and
    refuses one that `cinepulse up` has filled.

    \b
    Examples:
      cinepulse demo
      cinepulse demo --for 60 --seed 7 --report out.json
      cinepulse demo --posts posts.jsonl.gz --catalog films.csv.gz --speed 100000
    """  # noqa: D301 - click reads \b
    from rich.console import Console

    from cinepulse.clock import SystemClock
    from cinepulse.commands.demo_home import begin_anew
    from cinepulse.commands.settling import settle_and_reckon
    from cinepulse.commands.stack import WorldChoice, embedded_stack
    from cinepulse.commands.story import StoryWatch
    from cinepulse.settings import load_settings

    if report is not None and seconds is None:
        raise click.UsageError("--report needs --for SECONDS")
    console = Console(highlight=False, soft_wrap=True, stderr=report is not None and str(report) == "-")

    def tell(event: StackEvent) -> None:
        took = "" if event.seconds is None else f" ({event.seconds:.1f} s)"
        console.print(f"{event.subject}: {event.what}{took}", markup=False)

    choice = WorldChoice(**{**world, "seed": world["seed"] if world["seed"] is not None else 1}, always=True)
    with embedded_stack(settings, choice, tell, at_home=begin_anew) as stack:
        with live_table(console, stack):
            stack.start()
        began = time.monotonic()
        stack.supervise_in_background()
        attached = load_settings(data_dir=settings.data_dir)
        story = StoryWatch(attached, SystemClock())
        with nullcontext() if report is None or choice.posts else story:
            _watch(console, stack, settings, seconds)
        elapsed = time.monotonic() - began
        if report is not None and not stack.cancelled:
            seed = None if choice.posts else choice.seed
            told = () if choice.posts else story.told(SystemClock().now_ms())
            sink_port = next(part.port for part in stack.snapshot() if part.name == "sink")
            outcome = settle_and_reckon(console, attached, sink_port, seed=seed, elapsed=elapsed)
            _write_report(console, replace(outcome, story=told), report)
        console.print("Stopping")


def _watch(console: Console, stack: Stack, settings: Settings, seconds: float | None) -> None:
    """Show the trends until the time is over or the stack is cancelled."""
    from rich.live import Live

    from cinepulse.settings import load_settings
    from clickhouse.client import connect

    attached = load_settings(data_dir=settings.data_dir)
    deadline = None if seconds is None else time.monotonic() + seconds
    with closing(connect(attached)) as client:
        if not console.is_terminal:
            _tell_now_and_then(console, stack, client, attached, deadline)
            return
        with Live(console=console, auto_refresh=False, screen=False) as live:
            while _goes_on(stack, deadline, REFRESH_SECONDS):
                live.update(_trends(client, attached), refresh=True)


def _tell_now_and_then(
    console: Console, stack: Stack, client: Client, settings: Settings, deadline: float | None
) -> None:
    while _goes_on(stack, deadline, LINE_SECONDS):
        console.print(_one_line(client, settings), markup=False)
    if not stack.cancelled:
        console.print(_trends(client, settings))


def _goes_on(stack: Stack, deadline: float | None, pause: float) -> bool:
    """Wait for the next look; return False when the stack is cancelled or the time is over."""
    left = pause if deadline is None else min(pause, deadline - time.monotonic())
    return not stack.wait(max(0.0, left)) and (deadline is None or time.monotonic() < deadline)


def _trends(client: Client, settings: Settings) -> RenderableType:
    from rich.text import Text

    from clickhouse.trends_view import render_trends

    report = _read(client, settings, limit=TABLE_FILMS)
    return Text(report) if isinstance(report, str) else render_trends(report)


def _one_line(client: Client, settings: Settings) -> str:
    report = _read(client, settings, limit=LINE_FILMS)
    if isinstance(report, str):
        return report
    top = ", ".join(f"{film.title} {film.mentions}" for film in report.films) or "none yet"
    return f"{report.period.first}: {report.mentions} mentions; top films: {top}"


def _read(client: Client, settings: Settings, *, limit: int) -> TrendsReport | str:
    """Return the trends of now, or what to tell while ClickHouse does not answer."""
    from cinepulse.clock import SystemClock
    from cinepulse.errors import Retryable
    from clickhouse.closed import Closer
    from clickhouse.trends import TrendsQuestion, read_trends

    question = TrendsQuestion(now_ms=SystemClock().now_ms(), closer=Closer.of(settings), limit=limit)
    try:
        return read_trends(client, question)
    except Retryable as error:
        return f"{error}; trying again"


def _write_report(console: Console, outcome: DemoReport, path: Path) -> None:
    text = json.dumps(outcome.as_dict(), indent=2) + "\n"
    if str(path) == "-":
        click.echo(text, nl=False)
    else:
        path.write_text(text, "utf-8")
        console.print(f"Report: {path}", markup=False)
    for one in outcome.story:
        when = "never" if one.seconds is None else f"{one.seconds:+.1f} s"
        console.print(f"{one.what}: {one.title} shown as {one.name}: {when}", markup=False)
    if outcome.story:
        in_time = sum(one.in_time for one in outcome.story)
        console.print(f"{in_time} of {len(outcome.story)} turns of the story told under their name within 10 s")
    lost, double = outcome.reckoning.lost, outcome.reckoning.double_counted
    console.print(f"{outcome.posts_served} posts served, {lost} mentions lost, {double} counted double")
