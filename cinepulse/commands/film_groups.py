"""`cinepulse cohorts`, `cinepulse genres` and `cinepulse viral`: the films of a day in groups."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.listing import print_listing, today
from cinepulse.commands.options import DAY, Format, at_option, day_known, format_option, with_settings

if TYPE_CHECKING:
    from datetime import date, datetime

    from cinepulse.settings import Settings
    from clickhouse.film_groups import Grouping

_settings = with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
_day = click.option("--day", type=DAY, help="One UTC day; the latest with a snapshot when not given.")


@click.command()
@_settings
@_day
@at_option
@format_option
def cohorts(settings: Settings, *, day: datetime | None, at: datetime | None, output: Format) -> None:
    """Show films by age: upcoming, new, recent, established, catalogue.

    New is 30 days and less after the release, recent 90, established 180. Films whose date is not known come last.

    \b
    Examples:
      cinepulse cohorts
      cinepulse cohorts --day 2026-11-20 --format json
    """  # noqa: D301 - click reads \b
    _show(settings, "cohort", day_known(day, at), output)


@click.command()
@_settings
@_day
@at_option
@format_option
def genres(settings: Settings, *, day: datetime | None, at: datetime | None, output: Format) -> None:
    """Show how many of each genre's films are extremely or highly viral, on the day and within 30 days.

    Genres with 10 films and more. A film counts fully in each of its genres.

    \b
    Examples:
      cinepulse genres
      cinepulse genres --day 2026-11-20 --format csv
    """  # noqa: D301 - click reads \b
    _show(settings, "genre", day_known(day, at), output)


@click.command()
@_settings
@_day
@at_option
@format_option
def viral(settings: Settings, *, day: datetime | None, at: datetime | None, output: Format) -> None:
    """Show viral films against the rest: a viral coefficient of 40 and more, against less.

    \b
    Examples:
      cinepulse viral
      cinepulse viral --day 2026-11-20 --format json
    """  # noqa: D301 - click reads \b
    _show(settings, "viral", day_known(day, at), output)


def _show(settings: Settings, by: Grouping, day: date | None, output: Format) -> None:
    from clickhouse.client import connect
    from clickhouse.film_groups import read_groups

    with closing(connect(settings)) as client:
        print_listing(read_groups(client, by, day=day, today=today()), output)
