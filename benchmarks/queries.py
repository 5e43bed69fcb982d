"""Time of what `cinepulse trends` and its neighbours read, on an engine of its own with a large made database.

Run: python -m benchmarks.queries [--only GROUP] [--rounds N] [--mentions N] [--match TEXT] [--json FILE]

Prints p50 and p95 of each reading as its command does it, from the question to the rows in Python, what the engine's
cores spent on it, and the query of it that took longest, with its p95. Another group of readings is a module with
`load` and `READINGS`, named in `GROUPS`. Two numbers of mentions, one after the other, tell what a reading's cost grows
with: --mentions 1000000 --mentions 10000000.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

import click
import psutil

from clickhouse.ask import query_text
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
    query_text(name): name
    for name in (file.name.removesuffix(".sql") for file in files("clickhouse").joinpath("queries").iterdir())
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How long one reading took, milliseconds: of `queries` the p95 of each, by name."""

    name: str
    rounds: int
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    queries: Mapping[str, float]


@click.command()
@click.option("--only", type=click.Choice(list(GROUPS)), help="One group of readings; all without.")
@click.option("--rounds", default=ROUNDS, show_default=True, help="How often each reading is timed.")
@click.option("--mentions", type=int, multiple=True, help="How many mentions to make, 10,000,000 without; repeatable.")
@click.option("--match", default="", help="Only readings with this text in their names.")
@click.option("--json", "report", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
def main(only: str | None, rounds: int, mentions: tuple[int, ...], match: str, report: Path | None) -> None:
    """Load each group's data into a new database, and time its readings."""
    sizes: dict[str, list[dict[str, int]]] = {"mentions": [{"mentions": size} for size in mentions]}
    told = [
        _of_group(name, size, rounds, match)
        for name in ([only] if only else GROUPS)
        for size in sizes.get(name) or [{}]
    ]
    if report is not None:
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        document = {"machine": machine, "engine": f"chdb {version('chdb')}", "groups": told}
        report.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def _of_group(name: str, size: Mapping[str, int], rounds: int, match: str) -> Mapping[str, object]:
    """Load a group's data into an engine of its own and return its figures."""
    group = import_module(GROUPS[name])
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder))
        server.start()
        try:
            settings = server.settings.model_copy(update={"clickhouse_database": f"bench_{name}"})
            migrate(settings, load_migrations())
            client = connect(settings)
            begun = perf_counter()
            data = group.load(client, **size)
            click.echo(f"{name}: {data}, loaded in {perf_counter() - begun:.0f} s")
            chosen = {reading: read for reading, read in group.READINGS.items() if match in reading}
            readings = measure(client, psutil.Process(server.pid), chosen, rounds)
        finally:
            server.stop()
    return {"group": name, "data": data, **size, "readings": [asdict(reading) for reading in readings]}


class Timed:
    """A client that notes how long each query took, milliseconds, by the query's first words."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.times: dict[str, list[float]] = defaultdict(list)

    def query(self, text: str, **options: Any) -> Any:
        """Run a query and note its time."""
        return self._noted(self._client.query, text, options)

    def query_columns(self, text: str, **options: Any) -> Any:
        """Run a query for its columns and note its time."""
        return self._noted(self._client.query_columns, text, options)

    def _noted(self, run: Callable[..., Any], text: str, options: Mapping[str, Any]) -> Any:
        begun = perf_counter()
        result = run(text, **options)
        name = NAMES.get(text) or next((name for own, name in NAMES.items() if text.endswith(own)), "SQL")
        self.times[name].append(1_000 * (perf_counter() - begun))
        return result


def measure(
    client: Client, engine: psutil.Process, readings: Mapping[str, Callable[[Client], object]], rounds: int
) -> list[Reading]:
    """Print and return the times of each reading, milliseconds."""
    click.echo(f"{'reading':<28}{'p50':>8}{'p95':>8}{'CPU':>8}  ms, of it the slowest query")
    measured = []
    for name, read in readings.items():
        one = _measured(client, engine, name, read, rounds)
        slowest = max(one.queries, key=one.queries.__getitem__)
        told = f"{slowest} {one.queries[slowest]:.0f}, of {len(one.queries)}"
        click.echo(f"{name:<28}{one.p50_ms:>8.0f}{one.p95_ms:>8.0f}{one.cpu_ms:>8.0f}  {told}")
        measured.append(one)
    return measured


def _measured(
    client: Client, engine: psutil.Process, name: str, read: Callable[[Client], object], rounds: int
) -> Reading:
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
    queries = {query: _percentile(taken, 95) for query, taken in timed.times.items()}
    return Reading(name, rounds, _percentile(times, 50), _percentile(times, 95), spent, queries)


def _percentile(times: Sequence[float], percent: int) -> float:
    return quantiles(times, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
