"""`cinepulse clickhouse`: the embedded ClickHouse server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.command()
@with_settings("clickhouse_host", "clickhouse_port", "clickhouse_user")
def clickhouse(settings: Settings) -> None:
    """Run the ClickHouse engine behind ClickHouse's HTTP interface, until SIGTERM or Ctrl-C.

    \b
    Examples:
      cinepulse clickhouse
      cinepulse clickhouse --clickhouse-port 8124
      curl 'http://127.0.0.1:8123/?query=SELECT+version()'
    """  # noqa: D301 - click reads \b
    from clickhouse.server import serve

    serve(settings)
