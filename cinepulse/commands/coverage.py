"""`cinepulse coverage`: what the polls did, hour by hour, and how much is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import DAY, Format, format_option, period_of, print_rows, with_settings

if TYPE_CHECKING:
    from datetime import datetime

    from cinepulse.settings import Settings
    from clickhouse.coverage import SourceName

SOURCES: tuple[SourceName, ...] = ("reddit", "tmdb")
# A poll that is under way, and its report on the way to its table, are no gap.
UNDER_WAY_SECONDS = 60.0


@click.command()
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_database", "reddit_poll_seconds", "tmdb_poll_seconds")
@click.option("--day", type=DAY, help="One UTC day; today when nothing is given.")
@click.option("--from", "first", type=DAY, help="First UTC day of a range.")
@click.option("--to", "last", type=DAY, help="Last UTC day of a range, within it; the first when not given.")
@click.option("--source", type=click.Choice(SOURCES), help="Only this one; both when not given.")
@click.option("--by", type=click.Choice(["hour", "day"]), help="Rows; hours for one day, days for a range.")
@format_option
def coverage(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    day: datetime | None,
    first: datetime | None,
    last: datetime | None,
    source: SourceName | None,
    by: str | None,
    output: Format,
) -> None:
    """Show polls made, failed and overflowed by hour or day, and how much of each is known.

    Unknown is not zero: a share below 95 % is marked, since counts of that time may be too low.

    \b
    Examples:
      cinepulse coverage
      cinepulse coverage --day 2026-11-20 --source reddit
      cinepulse coverage --from 2026-11-01 --to 2026-11-30 --format csv
    """  # noqa: D301 - click reads \b
    from cinepulse.clock import MILLISECONDS_PER_DAY, SystemClock
    from clickhouse.client import connect
    from clickhouse.coverage import MILLISECONDS_PER_HOUR, read_polls
    from clickhouse.coverage_view import coverage_rows
    from clickhouse.trends import instant, today

    now = SystemClock().now_ms()
    period = period_of(day, first, last) or today(now)
    step = (
        MILLISECONDS_PER_HOUR
        if (by or ("hour" if period.first == period.last else "day")) == "hour"
        else (MILLISECONDS_PER_DAY)
    )
    client = connect(settings)
    # Reddit is read back to what is known; a TMDB list stands until the next poll, which may be a little late.
    polled = {"reddit": (settings.reddit_poll_seconds, None), "tmdb": (0.0, 1.5 * settings.tmdb_poll_seconds)}
    rows = []
    for name in SOURCES if source is None else (source,):
        cadence, hold = polled[name]
        polls = read_polls(client, name, period.start_ms, period.end_ms, hold_seconds=hold)
        as_of = now - round(1_000 * (UNDER_WAY_SECONDS + cadence))
        slots = [
            (instant(at).strftime("%Y-%m-%dT%H:%MZ"), one)
            for at, one in polls.by(step, period.start_ms, period.end_ms, as_of)
        ]
        rows += coverage_rows(name, slots, shown=output == "table")
    print_rows(rows, output, title="Coverage, days in UTC, marked ! below 95 %")
