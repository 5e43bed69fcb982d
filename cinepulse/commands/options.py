"""What the commands share: settings from flags, and one way to print lists."""

from __future__ import annotations

import csv
import functools
import json
import sys
from typing import TYPE_CHECKING, Any, Literal

import click

from cinepulse.settings import Settings, load_settings, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Format = Literal["table", "json", "csv"]


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command one flag per named setting (and `--data-dir`), and the built settings as its first argument."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(**arguments: Any) -> Any:
            flags = {name: arguments.pop(name) for name in all_names}
            return function(load_settings(**flags), **arguments)

        for name in reversed(all_names):
            description = Settings.model_fields[name].description
            text = f"{description} [env: {variable_of(name)}]"
            run = click.option(f"--{name.replace('_', '-')}", name, default=None, metavar="VALUE", help=text)(run)
        return run

    all_names = ("data_dir", *names)
    return decorate


format_option = click.option(
    "--format",
    "output",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print.",
)


def print_rows(rows: Sequence[Mapping[str, Any]], output: Format, *, title: str = "") -> None:
    """Print rows as a table, a JSON list or CSV with a header; instants and days print as ISO 8601."""
    if output == "json":
        click.echo(json.dumps([dict(row) for row in rows], default=str, ensure_ascii=False, indent=2))
    elif output == "csv":
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_table(rows, title)


def _print_table(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for name in rows[0] if rows else ():
        numeric = all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table if rows else f"{title}: nothing to show" if title else "nothing to show")
