"""`cinepulse why`: what made a film's day."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import DAY, Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings


@click.command()
@click.argument("wanted", metavar="ID|TITLE")
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
@click.option(
    "--day", type=DAY, metavar="YYYY-MM-DD", help="UTC day; the one that stands out most of the last 14 without it."
)
@click.option(
    "--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="Terms, communities and posts each."
)
@format_option
def why(settings: Settings, *, wanted: str, day: datetime | None, limit: int, output: Format) -> None:
    """Show why a film is talked about on a day.

    What its posts say more than those of the 28 days before, where it is mentioned more than usual, the posts with most
    votes and comments, and what TMDB showed around the day.

    \b
    Examples:
      cinepulse why 438631
      cinepulse why "dune: part two" --day 2026-11-20
      cinepulse why Dune --format json
    """  # noqa: D301 - click reads \b
    from rich.console import Console

    from clickhouse.client import connect
    from clickhouse.films import find_film
    from clickhouse.plain import plain
    from clickhouse.why import read_why
    from clickhouse.why_view import render_why, why_rows

    client = connect(settings)
    report = read_why(client, find_film(client, wanted), day=day.date() if day else None, limit=limit)
    if output == "table":
        Console().print(render_why(report))
    elif output == "json":
        click.echo(json.dumps(plain(report), ensure_ascii=False, indent=2))
    else:
        print_rows(why_rows(report), output)
