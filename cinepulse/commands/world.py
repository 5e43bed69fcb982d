"""`cinepulse world`: run the loopback Reddit and TMDB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import with_settings

if TYPE_CHECKING:
    from typing import Any

    from cinepulse.settings import Settings


@click.command()
@with_settings("subreddits", "metrics_port", "log_level")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="Port on 127.0.0.1.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="What decides the generated posts.")
@click.option(
    "--rate", type=click.FloatRange(0.01, 50), default=10, show_default=True, help="Generated posts a second."
)
@click.option(
    "--posts", type=click.Path(path_type=Path), help="Recorded posts to replay: JSON lines, plain, .gz or .zst."
)
@click.option("--catalog", type=click.Path(path_type=Path), help="Films that TMDB knows: CSV, plain or .gz.")
@click.option(
    "--speed", type=click.FloatRange(min=1e-3), default=1, show_default=True, help="Event seconds a second of replay."
)
@click.option(
    "--max-rate", type=click.FloatRange(min=1), default=500, show_default=True, help="Most replayed posts a second."
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=60_000,
    show_default=True,
    help="Reddit requests in 10 minutes; Reddit's is 1000.",
)
@click.option("--tmdb-rate", type=click.FloatRange(1), default=50, show_default=True, help="TMDB requests a second.")
@click.option("--paused", is_flag=True, help="Post nothing new until POST /_world/start.")
def world(settings: Settings, port: int, **options: Any) -> None:
    """Run the loopback Reddit (at /), TMDB (at /tmdb) and their admin API (at /_world).

    \b
    Examples:
      cinepulse world --seed 7
      cinepulse world --posts posts.jsonl.gz --catalog films.csv.gz --speed 86400
    """  # noqa: D301 - click reads \b
    import asyncio

    from cinepulse.clock import SystemClock
    from cinepulse.health import mark_ready, serve_health
    from cinepulse.logging import configure_logging, get_logger
    from cinepulse.world.journal import Journal
    from cinepulse.world.server import WorldOptions, build, listen, serve_until_signalled, source_of

    configure_logging(settings.log_level)
    serve_health(settings)
    log = get_logger(__name__)
    wanted = WorldOptions(**{name: value for name, value in options.items() if value is not None})
    clock = SystemClock()
    journal = Journal(settings.data_dir / "world")
    parts = build(wanted, settings, clock, journal.resume(source_of(wanted, settings), clock.now_ms()))
    journal.hold(parts.world.timeline, clock.now_ms())
    skipped = parts.world.feed.skipped
    if skipped or parts.films.skipped:
        log.warning("world.records_skipped", posts=dict(skipped), films=parts.films.skipped)
    listener = listen(port)
    log.info("world.serving", address="http://{}:{}".format(*listener.getsockname()), films=len(parts.films))

    def on_tick() -> None:
        journal.write(parts.world.timeline, parts.world.served, clock.now_ms())
        mark_ready()

    asyncio.run(serve_until_signalled(parts, listener, on_tick))
