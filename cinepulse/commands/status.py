"""`cinepulse status`: every part's process, health and lag."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cinepulse.commands.options import Format, format_option, print_rows, with_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cinepulse.local.state import PartRecord
    from cinepulse.local.verified import Verified
    from cinepulse.settings import Settings

VERIFY_PART = "verify"
PROBLEMS_SHOWN = 3


@click.command()
@with_settings()
@format_option
def status(settings: Settings, output: Format) -> int:
    """Show the parts of the stack that runs on the data directory: exit code 0 when all of them work, 1 when not.

    Health is asked of each part now: healthy, starting, unhealthy (does not answer), down (has no process). `lag` is
    how many offsets a consumer is behind the end of its topics, `log` the file with the part's output. Below stands
    what the last `cinepulse verify --every` found; it does not change the exit code.

    \b
    Examples:
      cinepulse status
      cinepulse status --format json
    """  # noqa: D301 - click reads \b
    from concurrent.futures import ThreadPoolExecutor

    from cinepulse.commands.lag import lags
    from cinepulse.local.state import read_record
    from cinepulse.local.verified import read_verified

    home = settings.data_dir.absolute()
    record = read_record(home)
    if record is None or not (record.up.alive() or any(ref.alive() for ref in record.processes())):
        click.echo(f"Nothing runs on {home}: start it with `cinepulse up`.", err=True)
        if output == "json":
            click.echo("[]")
        return 1
    with ThreadPoolExecutor(len(record.parts) or 1) as pool:
        healths = list(pool.map(health_of, record.parts))
    behind = lags(settings) if _answers(record.parts, healths, "kafka") else {}
    rows = [_row(part, health, behind) for part, health in zip(record.parts, healths, strict=True)]
    if output == "table":
        # The title says where; in the table the long paths would leave no room for the rest.
        rows = [{**row, "log": row["log"].removeprefix(f"{home}/")} for row in rows]
    verified = read_verified(home)
    if output == "json":
        # On the row of the part that found it; the other formats have no place for it in a row.
        found = None if verified is None else asdict(verified) | {"finished_at": _iso(verified)}
        rows = [{**row, "verified": found if row["name"] == VERIFY_PART else None} for row in rows]
    print_rows(rows, output, title=f"The stack on {home}")
    if output == "table" and (verified or any(row["name"] == VERIFY_PART for row in rows)):
        _print_verified(verified)
    if not record.up.alive():
        click.echo("`cinepulse up` itself is gone: start it again, it takes over what is left.", err=True)
        return 1
    return 0 if rows and all(row["health"] == "healthy" for row in rows) else 1


def _print_verified(verified: Verified | None) -> None:
    if verified is None:
        click.echo("Verified: not yet; `cinepulse verify` does it now.")
        return
    when = f"Verified {_iso(verified)}, in {verified.seconds} s"
    if verified.outcome == "right":
        click.secho(f"{when}: offsets, mentions and counts agree.", fg="green")
    elif verified.outcome == "wrong":
        failed = ", ".join(verified.failed)
        click.secho(f"{when}: {verified.differences} differences ({failed}); run `cinepulse verify`.", fg="red")
        for problem in verified.problems[:PROBLEMS_SHOWN]:
            click.echo(f"  {problem}")
    else:
        click.secho(f"{when}: it could not look: {verified.error}", fg="yellow")


def _iso(verified: Verified) -> str:
    return datetime.fromtimestamp(verified.finished_at / 1_000, UTC).isoformat(timespec="seconds")


def health_of(part: PartRecord) -> str:
    """Return how the part is now: its process is looked at and its probe asked."""
    from cinepulse.local.parts import probe_of

    if part.process is None or not part.process.alive():
        return "down"
    if probe_of(part.probe)():
        return "healthy"
    return "starting" if part.health == "starting" else "unhealthy"


def _answers(parts: tuple[PartRecord, ...], healths: list[str], name: str) -> bool:
    return any(part.name == name and health == "healthy" for part, health in zip(parts, healths, strict=True))


def _row(part: PartRecord, health: str, behind: Mapping[str, int | None]) -> dict[str, Any]:
    alive = health != "down"
    return {
        "name": part.name,
        "pid": part.process.pid if part.process and alive else None,
        "port": part.port,
        "health": health,
        "lag": behind.get(part.name),
        "restarts": part.restarts,
        "uptime_seconds": round(time.time() - part.started_at) if part.started_at and alive else None,
        "log": part.log,
    }
