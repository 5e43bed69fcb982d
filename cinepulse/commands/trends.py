"""`cinepulse trends`: the films people talk about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast, get_args

import click

from cinepulse.commands.options import (
    DAY,
    Format,
    at_option,
    day_known,
    format_option,
    instant_asked,
    period_of,
    print_rows,
    with_settings,
)
from clickhouse.mention_trends import MentionRanking
from clickhouse.popularity import Ranking

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings
    from clickhouse.trends import TrendsReport

MENTIONS = "mentions"
OF_MENTIONS = get_args(MentionRanking)
INDEX: Final = "index"
BY = (MENTIONS, INDEX, *OF_MENTIONS, *get_args(Ranking))


@click.command()
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database", "grace_hours", "idle_hours")
@click.option("--by", type=click.Choice(BY), default=MENTIONS, show_default=True, help="What to order films by.")
@click.option("--day", type=DAY, help="One UTC day; today, or the latest with data, when nothing is given.")
@click.option("--from", "first", type=DAY, help="First UTC day of a range.")
@click.option("--to", "last", type=DAY, help="Last UTC day of a range, within it; the first when not given.")
@click.option("--community", help="Only mentions in this subreddit.")
@click.option("--certain", is_flag=True, help="Only mentions whose film is certain: a confidence of 0.8 and more.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Films to show.")
@click.option(
    "--top",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Places that joiners and leavers cross.",
)
@at_option
@click.option("--watch", is_flag=True, help="Keep the table up to date until Ctrl-C.")
@format_option
def trends(  # noqa: C901, PLR0913 - one parameter an option, one branch a kind of order
    settings: Settings,
    *,
    by: str,
    day: datetime | None,
    first: datetime | None,
    last: datetime | None,
    community: str | None,
    certain: bool,
    limit: int,
    top: int,
    at: datetime | None,
    watch: bool,
    output: Format,
) -> None:
    """Show the films with most mentions on a day or in a range of days, or by another metric.

    The change compares with the day (or range) before, up to the same elapsed share: a morning against a morning.
    Every other order is of one day: of talk and popularity together (index), of its mentions (burst, share, spread,
    engagement, authors and those that begin with mention) or of TMDB's numbers. docs/metrics.md has their formulas.

    \b
    Examples:
      cinepulse trends --watch
      cinepulse trends --day 2026-11-20 --limit 5
      cinepulse trends --certain
      cinepulse trends --by burst --watch
      cinepulse trends --by gainers --day 2026-11-20
      cinepulse trends --at 2026-11-20T18:00
      cinepulse trends --from 2026-11-14 --to 2026-11-20 --community movies --format json
    """  # noqa: D301 - click reads \b
    if watch and output != "table":
        raise click.UsageError("--watch draws a table: leave --format out")
    if watch and at:
        raise click.UsageError("--watch shows what is known now: leave --at out")

    from cinepulse.clock import SystemClock

    clock = SystemClock()
    at_ms = instant_asked(at, clock.now_ms())
    if by == INDEX:
        from cinepulse.commands.together import show_index

        show_index(settings, day, limit, at, output, unfit=(first, last, community, certain, watch))
        return

    if by in OF_MENTIONS:
        if first or last:
            raise click.UsageError(f"--by {by} is of one day: it takes --day, and not --from and --to")
        from cinepulse.commands.trends_mentions import mention_reader, print_mention_trends
        from clickhouse.mention_trends_view import render_mention_trends

        read_mentions = mention_reader(
            settings,
            by=cast("MentionRanking", by),
            day=day,
            community=community,
            certain=certain,
            limit=limit,
            at_ms=at_ms,
        )
        if watch:
            from cinepulse.commands.watching import watch_report

            watch_report(lambda: render_mention_trends(read_mentions()))
        else:
            print_mention_trends(read_mentions(), output)
        return
    if by != MENTIONS:
        if first or last or community or certain or watch:
            raise click.UsageError(f"--by {by} takes --day, --at, --limit, --top and --format alone")
        from cinepulse.commands.trends_popularity import show_popularity
        from clickhouse.popularity import PopularityQuestion

        question = PopularityQuestion(by=cast("Ranking", by), day=day_known(day, at), limit=limit, top=top)
        show_popularity(settings, question, output)
        return
    period = period_of(day, first, last)

    from clickhouse.client import connect
    from clickhouse.closed import Closer
    from clickhouse.trends import CERTAIN, TrendsQuestion, read_trends

    client = connect(settings)

    def read() -> TrendsReport:
        question = TrendsQuestion(
            now_ms=at_ms or clock.now_ms(),
            closer=Closer.of(settings),
            period=period,
            community=community,
            least_confidence=CERTAIN if certain else 0.0,
            limit=limit,
            at_ms=at_ms,
        )
        return read_trends(client, question)

    if watch:
        from cinepulse.commands.watching import watch_report
        from clickhouse.trends_view import render_trends

        watch_report(lambda: render_trends(read()))
    else:
        _print(read(), output)


def _print(report: TrendsReport, output: Format) -> None:
    from rich.console import Console

    from clickhouse.trends_view import render_trends, trends_columns, trends_document, trends_rows

    if output == "table":
        Console().print(render_trends(report))
    elif output == "json":
        click.echo(json.dumps(trends_document(report), ensure_ascii=False, indent=2))
    else:
        print_rows(trends_rows(report), output, columns=trends_columns(report))
