"""`cinepulse migrate`: bring ClickHouse's tables up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.command()
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_user", "clickhouse_database")
@click.option("--dry-run", is_flag=True, help="Print the SQL that would run; change nothing.")
@format_option
def migrate(settings: Settings, output: Format, *, dry_run: bool) -> None:
    """Apply the migrations that ClickHouse does not have yet.

    \b
    Examples:
      cinepulse migrate --dry-run
      cinepulse migrate
    """  # noqa: D301 - click reads \b
    from clickhouse.migrate import load_migrations
    from clickhouse.migrate import migrate as apply

    done = apply(settings, load_migrations(), dry_run=dry_run)
    if dry_run and output == "table":
        for migration in done:
            click.echo(f"-- {migration.version:04d}_{migration.name}")
            for statement in migration.statements:
                click.echo(f"{statement};\n")
    rows = [
        {"version": migration.version, "name": migration.name, "statements": len(migration.statements)}
        for migration in done
    ]
    title = "Would apply" if dry_run else "Applied"
    print_rows(rows, output, title=title)
