"""`cinepulse process`: the stream processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings

KAFKA = ("kafka_bootstrap", "partitions", "replication_factor", "schema_registry_url", "metrics_port", "log_level")


@click.group()
def process() -> None:
    """Run the stream processors: link posts to films, count mentions.

    \b
    Examples:
      cinepulse process link     posts in, mentions out
      cinepulse process count    mentions in, counts per film and day out
      cinepulse process all      both, as two processes
    """  # noqa: D301 - click reads \b


@process.command()
@with_settings(*KAFKA, "grace_hours", "flush_seconds", "dead_letter_max_share")
def count(settings: Settings) -> int:
    """Count mentions per film and day until Ctrl-C.

    More workers share the partitions; a worker that dies is replaced by the others within seconds.

    \b
    Examples:
      cinepulse process count
      cinepulse process count --flush-seconds 0.2
    """  # noqa: D301 - click reads \b
    from stream_processors.workers import run_count

    return run_count(settings)
