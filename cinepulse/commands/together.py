"""`cinepulse quadrants` and `cinepulse divergence`: talk and popularity side by side."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.listing import print_listing, today
from cinepulse.commands.options import DAY, Format, at_option, day_known, format_option, instant_asked, with_settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cinepulse.settings import Settings
    from clickhouse.trend_index import Together

_settings = with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
_day = click.option("--day", type=DAY, help="One UTC day; the latest that both sources reached when not given.")


@click.command()
@_settings
@_day
@click.option("--limit", type=click.IntRange(1, 1_000), default=5, show_default=True, help="Films of each quadrant.")
@at_option
@format_option
def quadrants(settings: Settings, *, day: datetime | None, limit: int, at: datetime | None, output: Format) -> None:
    """Show talk against rating: Hit, Hype, Gem and Quiet.

    A film is talked about much above the median of the films mentioned on the day, and good above the median of their
    weighted ratings; both medians are told. Hit is both, Hype much talk alone, Gem good alone, Quiet neither.

    \b
    Examples:
      cinepulse quadrants
      cinepulse quadrants --day 2026-11-20 --limit 20 --format csv
      cinepulse quadrants --at 2026-11-20T18:00
    """  # noqa: D301 - click reads \b
    show_together(settings, "quadrants", day, limit, at, output)


@click.command()
@_settings
@_day
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Films to show.")
@click.option("--quiet", is_flag=True, help="Much popularity and little talk; the other way round without.")
@at_option
@format_option
def divergence(  # noqa: PLR0913 - one parameter an option
    settings: Settings, *, day: datetime | None, limit: int, quiet: bool, at: datetime | None, output: Format
) -> None:
    """Show films where talk and popularity go apart: much talk and little popularity, or the other way round.

    Much is the highest quarter of the films that TMDB showed on the day, little the lower half.

    \b
    Examples:
      cinepulse divergence
      cinepulse divergence --quiet --day 2026-11-20
    """  # noqa: D301 - click reads \b
    show_together(settings, "untalked" if quiet else "talked", day, limit, at, output)


def show_index(  # noqa: PLR0913 - what is asked of it
    settings: Settings,
    day: datetime | None,
    limit: int,
    at: datetime | None,
    output: Format,
    *,
    unfit: Iterable[object],
) -> None:
    """Print films by the trend index.

    Raises click's UsageError where any of `unfit`, options that say nothing of it, is given.
    """
    if any(unfit):
        raise click.UsageError("--by index takes --day, --at, --limit and --format alone")
    show_together(settings, "index", day, limit, at, output)


def show_together(  # noqa: PLR0913, PLR0917 - what is asked of it
    settings: Settings, by: Together, day: datetime | None, limit: int, at: datetime | None, output: Format
) -> None:
    """Print films by what talk and popularity say of them together; at an instant, on the last day over by then."""
    from cinepulse.clock import SystemClock
    from clickhouse.client import connect
    from clickhouse.trend_index import TogetherQuestion, read_together

    at_ms = instant_asked(at, SystemClock().now_ms())
    question = TogetherQuestion(by=by, today=today(), day=day_known(day, at), limit=limit, at_ms=at_ms)
    with closing(connect(settings)) as client:
        print_listing(read_together(client, question), output)
