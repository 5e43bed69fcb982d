"""`cinepulse movie`: one film's days, communities and evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, at_option, format_option, instant_asked, print_rows, with_settings

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings


@click.command()
@click.argument("wanted", metavar="ID|TITLE")
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database", "grace_hours", "idle_hours")
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Days, communities and posts each."
)
@at_option
@format_option
def movie(settings: Settings, *, wanted: str, limit: int, at: datetime | None, output: Format) -> None:
    """Show one film's days, communities, how it was recognised, and links to the posts.

    A title may be any the film is known by, in any case. Where several films answer, they are listed with their ids.
    The lines are of the last 30 days, from zero up; what is unknown is a gap in them and never zero.

    \b
    Examples:
      cinepulse movie 438631
      cinepulse movie "dune: part two"
      cinepulse movie Dune --format json
      cinepulse movie Dune --at 2026-11-20T18:00
    """  # noqa: D301 - click reads \b
    from rich.console import Console

    from cinepulse.clock import SystemClock
    from clickhouse.client import connect
    from clickhouse.closed import Closer
    from clickhouse.movie import find_movie
    from clickhouse.movie_view import movie_columns, movie_rows, render_movie
    from clickhouse.plain import plain

    client = connect(settings)
    now_ms = SystemClock().now_ms()
    at_ms = instant_asked(at, now_ms)
    report = find_movie(client, wanted, closer=Closer.of(settings), limit=limit, now_ms=now_ms, at_ms=at_ms)
    if output == "table":
        Console().print(render_movie(report))
    elif output == "json":
        click.echo(json.dumps(plain(report), ensure_ascii=False, indent=2))
    else:
        print_rows(movie_rows(report), output, columns=movie_columns(report))
