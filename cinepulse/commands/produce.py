"""`cinepulse produce`: run a producer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from cinepulse.settings import Settings


@click.group()
def produce() -> None:
    """Run a producer: the world to Kafka.

    \b
    Examples:
      cinepulse produce reddit
      cinepulse produce tmdb
    """  # noqa: D301 - click reads \b


@produce.command()
@with_settings(
    "kafka_bootstrap",
    "reddit_url",
    "subreddits",
    "reddit_poll_seconds",
    "reddit_recheck_seconds",
    "metrics_port",
    "log_level",
)
def reddit(settings: Settings) -> None:
    """Poll Reddit's submissions and comments into reddit.posts until stopped.

    \b
    Examples:
      cinepulse produce reddit --subreddits movies,boxoffice
      cinepulse produce reddit --reddit-url http://127.0.0.1:8090
    """  # noqa: D301 - click reads \b
    from producers.reddit.run import run

    run(settings)


@produce.command()
@with_settings(
    "kafka_bootstrap",
    "tmdb_url",
    "tmdb_files_url",
    "tmdb_poll_seconds",
    "tmdb_catalog_titles",
    "tmdb_tracked_titles",
    "metrics_port",
    "log_level",
)
def tmdb(settings: Settings) -> None:
    """Read TMDB's catalogue into tmdb.movies, then poll popularity into tmdb.popularity until stopped.

    This product uses the TMDB API but is not endorsed or certified by TMDB.

    \b
    Examples:
      cinepulse produce tmdb --tmdb-tracked-titles 500
      cinepulse produce tmdb --tmdb-poll-seconds 900
    """  # noqa: D301 - click reads \b
    from producers.tmdb.run import run

    run(settings)
