"""`cinepulse verify`: prove that offsets, mentions and counts agree."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cinepulse.settings import Settings
    from clickhouse.verify import Verification

COUNT_GROUP = "cinepulse-count"
PROBLEMS_SHOWN = 20


@click.command()
@with_settings("kafka_bootstrap", "clickhouse_host", "clickhouse_port", "clickhouse_database")
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
@format_option
def verify(settings: Settings, *, wait: float, settle: float, output: Format) -> None:
    """Check that nothing was lost and nothing counted twice, also while everything runs.

    Every partition's offsets are stored without a hole and to the end, every mention is counted, and the counts equal
    the distinct mentions, film-day by film-day. Exit code 1 and the differing rows where not.

    \b
    Examples:
      cinepulse verify
      cinepulse verify --wait 10 --format json
    """  # noqa: D301 - click reads \b
    from cinepulse.errors import VerificationFailed
    from clickhouse.plain import plain
    from clickhouse.verification import verify_pipeline

    with _progress() as say:
        outcome = verify_pipeline(settings, COUNT_GROUP, wait_seconds=wait, settle_seconds=settle, say=say)
    if output == "json":
        click.echo(json.dumps(plain(outcome), ensure_ascii=False, indent=2))
    else:
        _print(outcome, output)
    if not outcome.ok:
        failed = ", ".join(check.name for check in outcome.checks if not check.ok)
        raise VerificationFailed(f"verification failed: {failed}")


def _print(outcome: Verification, output: Format) -> None:
    from clickhouse.plain import plain

    if output == "csv":
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


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is waited for, on a terminal only."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _text: None
        return
    with console.status("reading") as status:
        yield status.update
