"""Memory of each part of a running stack over an hour of steady load.

Run: python -m benchmarks.soak [--minutes 60] [--warm-up 10] [--json FILE]

Starts `cinepulse up` with an empty data directory and a generated world, whose posts come at a steady pace, and looks
at the resident memory of each part four times a minute. Caches, pools and heaps fill in the first minutes; what is told
is what comes after these: the median of the first and of the last few minutes, the most, and the growth an hour by
least squares. In the end the stack's counts are verified, and it is stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, median
from typing import TYPE_CHECKING, Final

import click
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cinepulse.local.state import read_record
from cinepulse.settings import PREFIX, load_settings
from clickhouse.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LOOK_SECONDS: Final = 15.0
EDGE_MINUTES: Final = 5.0
"""What the first and the last figure are medians of."""
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 60.0
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Look:
    """Resident memory of each part, megabytes, its children included; `minute` since the stack worked."""

    minute: float
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Held:
    """What a part held after the warm-up, megabytes; `growth`: megabytes an hour by least squares."""

    part: str
    first: float
    last: float
    most: float
    growth: float


@click.command()
@click.option("--minutes", default=60.0, show_default=True, help="How long to look, after the warm-up.")
@click.option("--warm-up", default=10.0, show_default=True, help="Minutes that are not looked at.")
@click.option("--seed", default=7, show_default=True, help="Seed of the generated posts.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write every look there too.")
def main(minutes: float, warm_up: float, seed: int, file: Path | None) -> None:
    """Watch a stack under steady load; ends with 1 when its counts do not verify."""
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder), seed) as home:
        looks = watch(home, minutes + warm_up)
        posts, mentions = _stored(home)
        verified = subprocess.run([*_command("verify"), "--data-dir", str(home)], check=False, capture_output=True)
    held = [held_by(part, looks, warm_up) for part in looks[-1].parts]
    _show(
        held, f"{minutes:g} minutes after a warm-up of {warm_up:g}; {posts:,} posts named films, {mentions:,} mentions"
    )
    click.echo(f"cinepulse verify: exit {verified.returncode}")
    if file is not None:
        told = {"held": [asdict(one) for one in held], "looks": [asdict(look) for look in looks]}
        file.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    sys.exit(verified.returncode)


@contextmanager
def stack(folder: Path, seed: int) -> Iterator[Path]:
    """Let a stack run within a block, and yield its data directory once every part is healthy."""
    home, kept = folder / "data", {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with (folder / "up.log").open("wb") as log:
        up = subprocess.Popen(
            [*_command("up"), "--data-dir", str(home), "--seed", str(seed)], stdout=log, stderr=log, env=kept
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_healthy(home):
            if up.poll() is not None or time.monotonic() > deadline:
                raise click.ClickException((folder / "up.log").read_text("utf-8")[-2_000:])
            time.sleep(0.5)
        yield home
    finally:
        up.terminate()
        try:
            up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            up.kill()


def watch(home: Path, minutes: float) -> Sequence[Look]:
    """Return looks at each part, four a minute."""
    began, looks = time.monotonic(), []
    for number in track(range(int(60 * minutes / LOOK_SECONDS) + 1), "watching", console=Console(stderr=True)):
        time.sleep(max(0.0, began + number * LOOK_SECONDS - time.monotonic()))
        looks.append(Look(round((time.monotonic() - began) / 60, 2), _resident(home)))
    return looks


def held_by(part: str, looks: Sequence[Look], warm_up: float) -> Held:
    """Return what a part held after the warm-up, minutes."""
    seen = [(look.minute, look.parts[part]) for look in looks if look.minute >= warm_up and part in look.parts]
    begin, end = seen[0][0] + EDGE_MINUTES, seen[-1][0] - EDGE_MINUTES
    slope = linear_regression(*zip(*seen, strict=True)).slope if any(a != b for a, b in pairwise(seen)) else 0.0
    return Held(
        part,
        median(held for minute, held in seen if minute <= begin),
        median(held for minute, held in seen if minute >= end),
        max(held for _, held in seen),
        60 * slope,
    )


def _show(held: Sequence[Held], about: str) -> None:
    console, table = Console(), Table("part")
    for name in ("first MB", "last MB", "most MB", "MB an hour"):
        table.add_column(name, justify="right")
    for one in held:
        table.add_row(one.part, *(f"{value:,.1f}" for value in (one.first, one.last, one.most)), f"{one.growth:+,.1f}")
    console.print(about, table, sep="\n", soft_wrap=True)


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "cinepulse", name]


def _is_healthy(home: Path) -> bool:
    record = read_record(home)
    # Parts are told one after the other; `verify` is the last.
    parts = () if record is None else record.parts
    return any(part.name == "verify" for part in parts) and all(part.health == "healthy" for part in parts)


def _resident(home: Path) -> Mapping[str, float]:
    record = read_record(home)
    found: dict[str, float] = {}
    if record is None:
        return found
    with suppress(psutil.NoSuchProcess):
        found["up"] = psutil.Process(record.up.pid).memory_info().rss / MEGABYTE
    for part in record.parts:
        with suppress(psutil.NoSuchProcess):
            if part.process is not None:
                process = psutil.Process(part.process.pid)
                family = [process, *process.children(recursive=True)]
                found[part.name] = sum(one.memory_info().rss for one in family) / MEGABYTE
    return found


def _stored(home: Path) -> tuple[int, int]:
    """Return how many posts named films, and how often, by what ClickHouse has."""
    client = connect(load_settings(data_dir=home))
    ((posts, mentions),) = client.query("SELECT uniqExact(post_id), count() FROM mentions FINAL").result_rows
    client.close()
    return posts, mentions


if __name__ == "__main__":
    main()
