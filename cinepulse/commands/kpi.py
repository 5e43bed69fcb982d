"""`cinepulse kpi`: key figures of films."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.listing import print_listing, today
from cinepulse.commands.options import DAY, Format, at_option, day_known, format_option, with_settings
from clickhouse.kpis import KPIS

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings


@click.command()
@click.argument("name", type=click.Choice(list(KPIS)), metavar="NAME")
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database")
@click.option("--day", type=DAY, help="One UTC day; the latest with a snapshot when not given.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Films to show.")
@click.option("--m", type=click.FloatRange(min=0), help="Votes that weigh as much as all films' mean in a rating.")
@click.option("--c", type=click.FloatRange(0, 10), help="The mean that a weighted rating starts from.")
@at_option
@format_option
def kpi(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    name: str,
    day: datetime | None,
    limit: int,
    m: float | None,
    c: float | None,
    at: datetime | None,
    output: Format,
) -> None:
    """Show the films of a key figure.

    \b
    NAME is one of:
      hidden-gems      rated 7 and more by 50 voters to the median, fewest voters first
      quick-watch      90 minutes at most, rated 7 and more
      binge-worthy     series; the catalogue has none
      global-reach     revenue of 500 million dollars and more
      oncoming         released after the day, with the days left
      contents-raise   films whose rank of popularity rose
      roi              (revenue - budget) / budget, with the profit
      weighted-rating  mean vote, drawn to all films' mean where votes are few

    m is the votes' 90 % quantile and c the mean vote of all films with votes, unless given; for hidden gems m is 50.
    docs/metrics.md has the formulas. What the catalogue says of a film, as its budget, is always that of now.

    \b
    Examples:
      cinepulse kpi hidden-gems
      cinepulse kpi weighted-rating --m 25000 --limit 250
      cinepulse kpi oncoming --day 2026-11-20 --format json
      cinepulse kpi contents-raise --at 2026-11-20T18:00
    """  # noqa: D301 - click reads \b
    from clickhouse.client import connect
    from clickhouse.kpis import KpiQuestion, read_kpi

    question = KpiQuestion(name=name, today=today(), day=day_known(day, at), limit=limit, m=m, c=c)
    with closing(connect(settings)) as client:
        print_listing(read_kpi(client, question), output)
