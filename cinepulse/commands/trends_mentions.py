"""`cinepulse trends --by` something of a day's mentions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, print_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cinepulse.settings import Settings
    from clickhouse.mention_trends import MentionRanking, MentionReport


def mention_reader(  # noqa: PLR0913 - one parameter an option
    settings: Settings,
    *,
    by: MentionRanking,
    day: datetime | None,
    community: str | None,
    certain: bool,
    limit: int,
    at_ms: int,
) -> Callable[[], MentionReport]:
    """Return what reads the films of a day in an order, anew each time it is called.

    `at_ms`: as it was known at that instant, milliseconds; 0 is now.
    """
    from cinepulse.clock import SystemClock
    from clickhouse.client import connect
    from clickhouse.closed import Closer
    from clickhouse.mention_trends import MentionQuestion, read_mention_trends
    from clickhouse.trends import CERTAIN

    client, clock = connect(settings), SystemClock()

    def read() -> MentionReport:
        question = MentionQuestion(
            by=by,
            now_ms=at_ms or clock.now_ms(),
            closer=Closer.of(settings),
            day=day.date() if day else None,
            community=community,
            least_confidence=CERTAIN if certain else 0.0,
            limit=limit,
            at_ms=at_ms,
        )
        return read_mention_trends(client, question)

    return read


def print_mention_trends(report: MentionReport, output: Format) -> None:
    """Print the films of a day in the order of one of the metrics of their mentions."""
    from rich.console import Console

    from clickhouse.mention_trends_view import (
        mention_trends_columns,
        mention_trends_document,
        mention_trends_rows,
        render_mention_trends,
    )

    if output == "table":
        Console().print(render_mention_trends(report))
    elif output == "json":
        click.echo(json.dumps(mention_trends_document(report), ensure_ascii=False, indent=2))
    else:
        print_rows(mention_trends_rows(report), output, columns=mention_trends_columns(report))
