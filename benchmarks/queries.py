"""Time of what `cinepulse trends` and its neighbours read, on an engine of its own with a large made database.

Run: python -m benchmarks.queries [--only GROUP] [--rounds N]

Prints p50 and p95 of each reading as its command does it, from the question to the rows in Python, and what the
engine's cores spent on it. Another group of readings is a module with a `GROUP`, named in `GROUPS`.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Final

import click
import psutil

from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from tests.fixtures.clickhouse import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clickhouse.client import Client

GROUPS: Final = {"popularity": "benchmarks.queries_popularity", "mentions": "benchmarks.queries_mentions"}
ROUNDS: Final = 40
WARM_UP: Final = 3


@click.command()
@click.option("--only", type=click.Choice(list(GROUPS)), help="One group of readings; all without.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="How often each reading is timed.")
def main(only: str | None, rounds: int) -> None:
    """Load each group's data into a new database, and time its readings."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder))
        server.start()
        try:
            for name in [only] if only else GROUPS:
                settings = server.settings.model_copy(update={"clickhouse_database": f"bench_{name}"})
                migrate(settings, load_migrations())
                client = connect(settings)
                group = import_module(GROUPS[name])
                begun = perf_counter()
                click.echo(f"{name}: {group.load(client)}, loaded in {perf_counter() - begun:.0f} s")
                measure(client, psutil.Process(server.pid), group.READINGS, rounds)
        finally:
            server.stop()


def measure(
    client: Client, engine: psutil.Process, readings: Mapping[str, Callable[[Client], object]], rounds: int
) -> None:
    """Print the times of each reading, milliseconds."""
    click.echo(f"{'reading':<28}{'p50':>8}{'p95':>8}{'CPU':>8}  ms")
    for name, read in readings.items():
        for _ in range(WARM_UP):
            read(client)
        times = []
        spent = sum(engine.cpu_times()[:2])
        for _ in range(rounds):
            begun = perf_counter()
            read(client)
            times.append(1_000 * (perf_counter() - begun))
        spent = 1_000 * (sum(engine.cpu_times()[:2]) - spent) / rounds
        cuts = quantiles(times, n=20, method="inclusive")
        click.echo(f"{name:<28}{cuts[9]:>8.0f}{cuts[18]:>8.0f}{spent:>8.0f}")


if __name__ == "__main__":
    main()
