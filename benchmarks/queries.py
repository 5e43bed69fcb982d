"""Time of what `cinepulse trends` and its neighbours read, on an engine of its own with a large made database.

Run: python -m benchmarks.queries [--only GROUP] [--rounds N]

Prints p50 and p95 of each reading as its command does it, from the question to the rows in Python, what the engine's
cores spent on it, and the query of it that took longest, with its p95. Another group of readings is a module with
`load` and `READINGS`, named in `GROUPS`.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

import click
import psutil

from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from tests.fixtures.clickhouse import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from clickhouse.client import Client

GROUPS: Final = {"popularity": "benchmarks.queries_popularity", "mentions": "benchmarks.queries_mentions"}
ROUNDS: Final = 40
WARM_UP: Final = 3
NAMES: Final = {
    file.read_text("utf-8"): file.name.removesuffix(".sql")
    for file in files("clickhouse").joinpath("queries").iterdir()
}


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


class Timed:
    """A client that notes how long each query took, milliseconds, by the query's first words."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.times: dict[str, list[float]] = defaultdict(list)

    def query(self, text: str, **options: Any) -> Any:
        """Run a query and note its time."""
        begun = perf_counter()
        result = self._client.query(text, **options)
        self.times[NAMES[text]].append(1_000 * (perf_counter() - begun))
        return result


def measure(
    client: Client, engine: psutil.Process, readings: Mapping[str, Callable[[Client], object]], rounds: int
) -> None:
    """Print the times of each reading, milliseconds."""
    click.echo(f"{'reading':<28}{'p50':>8}{'p95':>8}{'CPU':>8}  ms, of it the slowest query")
    for name, read in readings.items():
        for _ in range(WARM_UP):
            read(client)
        times = []
        timed = Timed(client)
        spent = sum(engine.cpu_times()[:2])
        for _ in range(rounds):
            begun = perf_counter()
            # It has what the readings use of a client.
            read(cast("Client", timed))
            times.append(1_000 * (perf_counter() - begun))
        spent = 1_000 * (sum(engine.cpu_times()[:2]) - spent) / rounds
        slowest = max(timed.times, key=lambda query: _percentile(timed.times[query], 95))
        told = f"{slowest} {_percentile(timed.times[slowest], 95):.0f}"
        click.echo(f"{name:<28}{_percentile(times, 50):>8.0f}{_percentile(times, 95):>8.0f}{spent:>8.0f}  {told}")


def _percentile(times: Sequence[float], percent: int) -> float:
    return quantiles(times, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
