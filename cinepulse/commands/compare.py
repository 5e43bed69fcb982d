"""`cinepulse compare`: a few films side by side."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import (
    DAY,
    Format,
    at_option,
    format_option,
    instant_asked,
    period_of,
    print_rows,
    with_settings,
)
from clickhouse.compare import FEWEST, MOST

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings
    from clickhouse.compare import CompareReport

LONGEST = 366


@click.command()
@click.argument("wanted", metavar="ID|TITLE...", nargs=-1, required=True)
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database", "grace_hours", "idle_hours")
@click.option("--days", type=click.IntRange(1, LONGEST), default=30, show_default=True, help="The last so many days.")
@click.option("--from", "first", type=DAY, help="First UTC day, instead of --days.")
@click.option("--to", "last", type=DAY, help="Last UTC day, within the range; the first when not given.")
@at_option
@format_option
def compare(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    wanted: tuple[str, ...],
    days: int,
    first: datetime | None,
    last: datetime | None,
    at: datetime | None,
    output: Format,
) -> None:
    """Show two to five films side by side: mentions, share of voice, TMDB popularity and votes, day by day.

    Lines of all films have one scale, from zero; what is unknown is a gap in them and never zero.

    \b
    Examples:
      cinepulse compare Dune 841
      cinepulse compare "dune: part two" Alien --days 7
      cinepulse compare 438631 841 --from 2026-11-01 --to 2026-11-20 --format csv
      cinepulse compare 438631 841 --at 2026-11-20T18:00
    """  # noqa: D301 - click reads \b
    from cinepulse.clock import SystemClock
    from clickhouse.client import connect
    from clickhouse.closed import Closer
    from clickhouse.compare import CompareQuestion, read_comparison
    from clickhouse.films import find_films

    if not FEWEST <= len(wanted) <= MOST:
        raise click.UsageError(f"name {FEWEST} to {MOST} films, not {len(wanted)}")
    now_ms = SystemClock().now_ms()
    at_ms, period = instant_asked(at, now_ms), period_of(None, first, last)
    if period is not None and (period.last - period.first).days >= LONGEST:
        raise click.UsageError(f"name {LONGEST} days at most")
    with closing(connect(settings)) as client:
        films = find_films(client, wanted)
        if len({film.tmdb_id for film in films}) < len(films):
            raise click.UsageError("the same film is named twice")
        question = CompareQuestion(now_ms=now_ms, closer=Closer.of(settings), period=period, days=days, at_ms=at_ms)
        _print(read_comparison(client, films, question), output)


def _print(report: CompareReport, output: Format) -> None:
    from rich.console import Console

    from clickhouse.compare_view import comparison_columns, comparison_document, comparison_rows, render_comparison

    if output == "table":
        Console().print(render_comparison(report))
    elif output == "json":
        click.echo(json.dumps(comparison_document(report), ensure_ascii=False, indent=2))
    else:
        print_rows(comparison_rows(report), output, columns=comparison_columns(report))
