"""`cinepulse verify`: prove that offsets, mentions and counts agree, once or at intervals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Duration, Format, format_option, print_rows, waiting, with_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.settings import Settings
    from clickhouse.verify import Verification

COUNT_GROUP = "cinepulse-count"
PROBLEMS_SHOWN = 20
NICENESS = 10


@click.command()
@with_settings(
    "kafka_bootstrap", "clickhouse_host", "clickhouse_port", "clickhouse_database", "metrics_port", "log_level"
)
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="Seconds to wait for the sink and the count stage to pass the offsets that Kafka has now.",
)
@click.option(
    "--settle",
    type=click.FloatRange(0),
    default=30,
    show_default=True,
    help="Seconds to look again at film-days that change.",
)
@click.option(
    "--deep", is_flag=True, help="Derive mentions and counts anew from Kafka as well, and compare them row by row."
)
@click.option(
    "--every",
    type=Duration(),
    help="Stay and verify at this interval, for example 15m or 1h; `cinepulse status` shows the last outcome.",
)
@format_option
def verify(  # noqa: PLR0913 - one parameter an option
    settings: Settings, *, wait: float, settle: float, deep: bool, every: float | None, output: Format
) -> None:
    """Check that nothing was lost and nothing counted twice, also while everything runs.

    Every partition's offsets are stored without a hole and to the end, each as a row or a dead letter unless compacted
    away; every mention is stored once and counted; and the counts equal the distinct mentions, film-day by film-day.
    Exit code 1 and the differing rows where not.

    \b
    Examples:
      cinepulse verify
      cinepulse verify --deep
      cinepulse verify --wait 10 --format json
    """  # noqa: D301 - click reads \b
    from cinepulse.errors import VerificationFailed
    from clickhouse.plain import plain
    from clickhouse.verification import verify_pipeline

    def run(say: Callable[[str], None]) -> Verification:
        return verify_pipeline(settings, COUNT_GROUP, wait_seconds=wait, settle_seconds=settle, say=say, deep=deep)

    if every is not None:
        _stay(settings, lambda: run(lambda _text: None), every)
        return
    with waiting() as say:
        outcome = run(say)
    if output == "json":
        click.echo(json.dumps(plain(outcome), ensure_ascii=False, indent=2))
    else:
        _print(outcome, output)
    if not outcome.ok:
        failed = ", ".join(check.name for check in outcome.checks if not check.ok)
        raise VerificationFailed(f"verification failed: {failed}")


def _stay(settings: Settings, run: Callable[[], Verification], every: float) -> None:
    """Verify at intervals until Ctrl-C or SIGTERM."""
    import functools
    import os
    import signal
    from contextlib import suppress
    from threading import Event

    from cinepulse.clock import SystemClock
    from cinepulse.commands.verifying import Verifying
    from cinepulse.health import serve_health
    from cinepulse.local.verified import write_verified

    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve_health(settings)
    with suppress(OSError):
        # What it looks at goes first.
        os.nice(NICENESS)
    Verifying(run, functools.partial(write_verified, settings.data_dir.absolute()), SystemClock(), every).until(stop)


def _print(outcome: Verification, output: Format) -> None:
    from clickhouse.plain import plain

    if output != "table":
        rows = [{"check": check.name, "ok": check.ok, "detail": check.detail} for check in outcome.checks]
        print_rows(rows, output)
        return
    for check in outcome.checks:
        click.secho(f"{'ok  ' if check.ok else 'FAIL'} {check.name}", fg="green" if check.ok else "red", nl=False)
        click.echo(f": {check.detail}" if check.ok else ":")
        if check.name != "counts":
            for problem in check.problems[:PROBLEMS_SHOWN]:
                click.echo(f"     {problem}")
            if len(check.problems) > PROBLEMS_SHOWN:
                click.echo(f"     and {len(check.problems) - PROBLEMS_SHOWN} more")
    if outcome.differing:
        print_rows([plain(one) for one in outcome.differing], output, title="Film-days that differ")
