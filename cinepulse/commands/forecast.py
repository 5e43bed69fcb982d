"""`cinepulse forecast`: a film's next days, and how wrong such forecasts were."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import (
    Format,
    at_option,
    day_known,
    format_option,
    instant_asked,
    print_rows,
    with_settings,
)

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings


@click.command()
@click.argument("wanted", metavar="ID|TITLE")
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
@click.option("--days", type=click.IntRange(1, 28), default=7, show_default=True, help="Days ahead.")
@at_option
@format_option
def forecast(settings: Settings, *, wanted: str, days: int, at: datetime | None, output: Format) -> None:
    """Forecast a film's mentions and TMDB popularity by two plain methods, and show the error of each.

    The same weekday a week before, and an exponentially weighted mean. The error is of forecasts made from each day of
    the past 90: its mean (mae), and as a multiple of the change from week to week (mase). A third method is shown where
    its error is less than both.

    \b
    Examples:
      cinepulse forecast 438631
      cinepulse forecast "dune: part two" --days 14
      cinepulse forecast Dune --at 2026-11-01 --format csv
    """  # noqa: D301 - click reads \b
    from rich.console import Console

    from cinepulse.clock import SystemClock
    from clickhouse.client import connect
    from clickhouse.film_forecast import forecast_rows, read_forecast
    from clickhouse.film_forecast_view import render_forecast
    from clickhouse.films import find_film
    from clickhouse.plain import plain

    at_ms, until = instant_asked(at, SystemClock().now_ms()), day_known(None, at)
    with closing(connect(settings)) as client:
        report = read_forecast(client, find_film(client, wanted), days, at_ms=at_ms, until=until)
    if output == "table":
        Console().print(render_forecast(report))
    elif output == "json":
        click.echo(json.dumps(plain(report), ensure_ascii=False, indent=2))
    else:
        print_rows(forecast_rows(report), output, columns=COLUMNS)


COLUMNS = (
    *("tmdb_id", "title", "metric", "method", "best", "day", "forecast"),
    *("mae", "mase", "origins", "pairs", "days_known"),
)
