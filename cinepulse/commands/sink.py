"""`cinepulse sink`: Kafka to ClickHouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.command()
@with_settings(
    "kafka_bootstrap",
    "clickhouse_host",
    "clickhouse_port",
    "clickhouse_database",
    "sink_flush_seconds",
    "sink_max_rows",
    "sink_instance_id",
    "dead_letter_max_share",
    "metrics_port",
    "log_level",
)
@click.option(
    "--accept-gaps",
    is_flag=True,
    help="Go on with what there is where Kafka no longer has the records to read next; `cinepulse verify` shows them.",
)
def sink(settings: Settings, *, accept_gaps: bool) -> None:
    """Write films, popularity, mentions, counts, coverage and dead letters to ClickHouse until stopped.

    Offsets are committed only after the rows are stored, so a stop or a crash at any moment loses none and doubles
    none. While ClickHouse is away the sink waits.

    \b
    Examples:
      cinepulse sink
      cinepulse sink --sink-flush-seconds 1 --metrics-port 9105
    """  # noqa: D301 - click reads \b
    import signal
    from threading import Event

    from clickhouse.service import run_sink

    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_sink(settings, stop, accept_gaps=accept_gaps)
