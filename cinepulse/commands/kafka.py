"""`cinepulse kafka`: the embedded broker's jars and process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.group()
def kafka() -> None:
    """Fetch or run the embedded Apache Kafka.

    \b
    Examples:
      cinepulse kafka fetch      download and verify the jars (make setup does it)
      cinepulse kafka run        run the broker alone, in the foreground
    """  # noqa: D301 - click reads \b


@kafka.command()
@click.option("--record", is_flag=True, hidden=True, help="Resolve afresh and rewrite the list of checksums.")
def fetch(*, record: bool) -> None:
    """Download Kafka's jars and verify each against its recorded SHA-256; quick when all are there.

    \b
    Examples:
      cinepulse kafka fetch
    """  # noqa: D301 - click reads \b
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from cinepulse.local import jars
    from cinepulse.logging import configure_logging

    configure_logging("ERROR")
    if record:
        # Beside the code, not in an installed copy's data: only a checkout's list is worth recording.
        Path(jars.__file__).with_name(jars.LIST_FILE).write_text(jars.record(), "ascii")
    wanted = jars.pinned_jars()
    columns = (TextColumn("Kafka's jars"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("jars", total=len(wanted))
        count = jars.fetch(
            jars.jars_dir(), wanted, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
        bar.update(task, completed=len(wanted))
    click.echo(f"Kafka {jars.KAFKA_VERSION}: {len(wanted)} jars verified, {count} of them downloaded")


@kafka.command()
@with_settings("kafka_bootstrap")
@click.option("--controller-port", type=click.IntRange(1, 65535), help="Port of the broker's own controller.")
def run(settings: Settings, controller_port: int | None) -> None:
    """Run the broker in the foreground on the loopback interface; `cinepulse up` does it for you.

    It keeps its state in the data directory and listens on the port of the bootstrap setting.

    \b
    Examples:
      cinepulse kafka run
      cinepulse kafka run --kafka-bootstrap 127.0.0.1:19092 --data-dir /tmp/broker
    """  # noqa: D301 - click reads \b
    from cinepulse.local.kafka import BrokerPorts, broker_dir, client_port, run_broker

    port = client_port(settings.kafka_bootstrap)
    run_broker(broker_dir(settings.data_dir), BrokerPorts(port, controller_port or port + 1))
