"""`cinepulse rising`: the films whose talk rises, or fades, right now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Duration, Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.rising import RisingReport


@click.command()
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
@click.option("--fading", is_flag=True, help="The films whose talk fades instead.")
@click.option("--window", type=Duration(), default="1h", show_default=True, help="What counts as now.")
@click.option("--against", type=Duration(), default="7d", show_default=True, help="The time before it to compare with.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Films to show.")
@click.option("--watch", is_flag=True, help="Keep the table up to date until Ctrl-C.")
@format_option
def rising(  # noqa: PLR0913 - one parameter an option
    settings: Settings, *, fading: bool, window: float, against: float, limit: int, watch: bool, output: Format
) -> None:
    """Show the films that are talked about more than usual right now.

    What is usual is a film's own talk of the time before, at the volume of now: where all films are talked about more,
    as in the evening, none rises. Bursting is three times as much as expected, Rising half as much again, Fading two
    thirds and less, each only where chance alone would hardly do it.

    \b
    Examples:
      cinepulse rising
      cinepulse rising --window 15m --watch
      cinepulse rising --fading --against 1d --format json
    """  # noqa: D301 - click reads \b
    if watch and output != "table":
        raise click.UsageError("--watch draws a table: leave --format out")

    from clickhouse.client import connect
    from clickhouse.rising import RisingQuestion, read_rising
    from clickhouse.rising_view import render_rising

    client = connect(settings)
    question = RisingQuestion(by="fading" if fading else "rising", window=window, before=against, limit=limit)
    if watch:
        from cinepulse.commands.watching import watch_report

        watch_report(lambda: render_rising(read_rising(client, question)))
    else:
        _print(read_rising(client, question), output)


def _print(report: RisingReport, output: Format) -> None:
    from rich.console import Console

    from clickhouse.plain import plain
    from clickhouse.rising_view import render_rising, rising_columns, rising_rows

    if output == "table":
        Console().print(render_rising(report))
    elif output == "json":
        click.echo(json.dumps(plain(report), ensure_ascii=False, indent=2))
    else:
        print_rows(rising_rows(report), output, columns=rising_columns(report))
