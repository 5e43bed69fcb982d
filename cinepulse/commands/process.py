"""`cinepulse process`: the stream processors."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings

KAFKA = ("kafka_bootstrap", "partitions", "replication_factor", "schema_registry_url", "metrics_port", "log_level")


@click.group()
def process() -> None:
    """Run the stream processors: link posts to films, count mentions, find what is rising.

    \b
    Examples:
      cinepulse process link     posts in, mentions out
      cinepulse process count    mentions in, counts per film and day out
      cinepulse process alerts   mentions and rankings in, bursts, joiners and leavers out
      cinepulse process all      all of them, as three processes
    """  # noqa: D301 - click reads \b


@process.command()
@with_settings(*KAFKA, "link_threshold", "dead_letter_max_share")
def link(settings: Settings) -> int:
    """Link posts to films until Ctrl-C.

    It waits until `cinepulse produce tmdb` has sent the whole catalogue, and follows its changes from then on.

    \b
    Examples:
      cinepulse process link
      cinepulse process link --link-threshold 0.8
    """  # noqa: D301 - click reads \b
    _end_quietly()
    from stream_processors.workers import run_link

    return run_link(settings)


@process.command()
@with_settings(*KAFKA, "grace_hours", "disorder_hours", "idle_hours", "flush_seconds", "dead_letter_max_share")
def count(settings: Settings) -> int:
    """Count mentions per film and day until Ctrl-C.

    More workers share the partitions; when one dies the others go on with its share within seconds.

    \b
    Examples:
      cinepulse process count
      cinepulse process count --flush-seconds 0.2
    """  # noqa: D301 - click reads \b
    _end_quietly()
    from stream_processors.workers import run_count

    return run_count(settings)


@process.command()
@with_settings(*KAFKA, "flush_seconds", "dead_letter_max_share")
def alerts(settings: Settings) -> int:
    """Find bursts of talk, joiners, leavers and milestones until Ctrl-C, and tell them in the topic trend.alerts.

    `cinepulse alerts --follow` shows them as they come.

    \b
    Examples:
      cinepulse process alerts
      cinepulse process alerts --metrics-port 9103
    """  # noqa: D301 - click reads \b
    _end_quietly()
    from stream_processors.workers import run_alerts

    return run_alerts(settings)


@process.command(name="all")
@with_settings(
    *KAFKA, "link_threshold", "grace_hours", "disorder_hours", "idle_hours", "flush_seconds", "dead_letter_max_share"
)
def all_(settings: Settings) -> int:
    """Run all as three processes; when one ends, the others are ended too and the exit code is not 0.

    The counting process serves its metrics one port above the linking one, that of the alerts two above it.

    \b
    Examples:
      cinepulse process all
      cinepulse process all --metrics-port 9100
    """  # noqa: D301 - click reads \b
    from stream_processors.pair import run_pair

    return run_pair(settings)


def _end_quietly() -> None:
    """Exit with 0 when told to stop while the worker's libraries still load; the worker itself listens later."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
