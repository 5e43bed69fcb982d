"""`cinepulse quadrants` and `cinepulse divergence`: talk and popularity side by side."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.listing import day_of, print_listing, today
from cinepulse.commands.options import DAY, Format, format_option, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from cinepulse.settings import Settings
    from clickhouse.trend_index import Together

_settings = with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
_day = click.option("--day", type=DAY, help="One UTC day; the latest that both sources reached when not given.")


@click.command()
@_settings
@_day
@click.option("--limit", type=click.IntRange(1, 1_000), default=5, show_default=True, help="Films of each quadrant.")
@format_option
def quadrants(settings: Settings, *, day: datetime | None, limit: int, output: Format) -> None:
    """Show talk against rating: Hit, Hype, Gem and Quiet.

    A film is talked about much above the median of the films mentioned on the day, and good above the median of their
    weighted ratings; both medians are told. Hit is both, Hype much talk alone, Gem good alone, Quiet neither.

    \b
    Examples:
      cinepulse quadrants
      cinepulse quadrants --day 2026-11-20 --limit 20 --format csv
    """  # noqa: D301 - click reads \b
    show_together(settings, "quadrants", day_of(day), limit, output)


@click.command()
@_settings
@_day
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Films to show.")
@click.option("--quiet", is_flag=True, help="Much popularity and little talk; the other way round without.")
@format_option
def divergence(settings: Settings, *, day: datetime | None, limit: int, quiet: bool, output: Format) -> None:
    """Show films where talk and popularity go apart: much talk and little popularity, or the other way round.

    Much is the highest quarter of the films that TMDB showed on the day, little the lower half.

    \b
    Examples:
      cinepulse divergence
      cinepulse divergence --quiet --day 2026-11-20
    """  # noqa: D301 - click reads \b
    show_together(settings, "untalked" if quiet else "talked", day_of(day), limit, output)


def show_index(
    settings: Settings, day: datetime | None, limit: int, output: Format, *, unfit: Iterable[object]
) -> None:
    """Print films by the trend index.

    Raises click's UsageError where any of `unfit`, options that say nothing of it, is given.
    """
    if any(unfit):
        raise click.UsageError("--by index takes --day, --limit and --format alone")
    show_together(settings, "index", day_of(day), limit, output)


def show_together(settings: Settings, by: Together, day: date | None, limit: int, output: Format) -> None:
    """Print films by what talk and popularity say of them together."""
    from clickhouse.client import connect
    from clickhouse.trend_index import TogetherQuestion, read_together

    with closing(connect(settings)) as client:
        print_listing(read_together(client, TogetherQuestion(by=by, today=today(), day=day, limit=limit)), output)
