"""`cinepulse trends --by` something of TMDB's numbers."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, print_rows

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.popularity import PopularityQuestion, PopularityReport


def show_popularity(settings: Settings, question: PopularityQuestion, output: Format) -> None:
    """Print the films of a day in the order of one of TMDB's metrics."""
    from clickhouse.client import connect
    from clickhouse.popularity import read_popularity

    with closing(connect(settings)) as client:
        _print(read_popularity(client, question), output)


def _print(report: PopularityReport, output: Format) -> None:
    from rich.console import Console

    from clickhouse.popularity_view import (
        popularity_columns,
        popularity_document,
        popularity_rows,
        render_popularity,
    )

    if output == "table":
        Console().print(render_popularity(report))
    elif output == "json":
        click.echo(json.dumps(popularity_document(report), ensure_ascii=False, indent=2))
    else:
        print_rows(popularity_rows(report), output, columns=popularity_columns(report))
