"""`cinepulse movie`: one film's days, communities and evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.command()
@click.argument("wanted", metavar="ID|TITLE")
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database", "grace_hours", "idle_hours")
@click.option(
    "--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Days, communities and posts each."
)
@format_option
def movie(settings: Settings, *, wanted: str, limit: int, output: Format) -> None:
    """Show one film's days, communities, how it was recognised, and links to the posts.

    A title may be any the film is known by, in any case. Where several films answer, they are listed with their ids.

    \b
    Examples:
      cinepulse movie 438631
      cinepulse movie "dune: part two"
      cinepulse movie Dune --format json
    """  # noqa: D301 - click reads \b
    from rich.console import Console

    from clickhouse.client import connect
    from clickhouse.closed import Closer
    from clickhouse.movie import find_film, read_movie
    from clickhouse.movie_view import movie_columns, movie_rows, render_movie
    from clickhouse.plain import plain

    client = connect(settings)
    report = read_movie(client, find_film(client, wanted), closer=Closer.of(settings), limit=limit)
    if output == "table":
        Console().print(render_movie(report))
    elif output == "json":
        click.echo(json.dumps(plain(report), ensure_ascii=False, indent=2))
    else:
        print_rows(movie_rows(report), output, columns=movie_columns(report))
