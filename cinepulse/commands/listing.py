"""Prints answers of rows in every format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, print_rows

if TYPE_CHECKING:
    from datetime import date

    from clickhouse.listing import Listing


def print_listing(listing: Listing, output: Format) -> None:
    """Print the rows with what they rest on; lists of flat rows tell a note on standard error."""
    from rich.console import Console

    from clickhouse.listing_view import listing_columns, listing_document, listing_rows, render_listing

    if output == "table":
        Console().print(render_listing(listing))
    elif output == "json":
        click.echo(json.dumps(listing_document(listing), ensure_ascii=False, indent=2))
    else:
        if listing.note:
            click.echo(listing.note, err=True)
        print_rows(listing_rows(listing), output, columns=listing_columns(listing))


def today() -> date:
    """Return the UTC day of the clock."""
    from cinepulse.clock import SystemClock
    from clickhouse.trends import today as holding

    return holding(SystemClock().now_ms()).first
