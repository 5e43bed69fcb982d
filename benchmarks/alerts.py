"""How many injected bursts the hourly detector finds, how soon, and how often it cries for nothing.

Run: python benchmarks/alerts.py

A run is 300 titles over 60 days. A title's ordinary rate is drawn log-uniformly from 0.05 to 200 mentions a day; a
daily and a weekly cycle multiply it, and so do gamma noise of each title and day and of each title and hour, which
makes the counts overdispersed. After two weeks 15 bursts are put in, each on a title and an hour of their own. A burst
is 3 to 6 times the title's daily rate, and at least that many times 20, whose surplus comes with a sudden start and
decays with a time constant of 4 hours, under the same noise. Each mention has its own instant and author.

The mentions go one by one through the product's detector, a partition at a time as in production. A burst is found
when an alert for its title begins within two hours of its start; an alert is false when its title has no burst at the
time, which is up to five time constants after its start. `--seeds 1 20` are the seeds that are reported; others were
used while the detector was made.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from schemas.partitioning import film_partition
from stream_processors.bursts import DEFAULT_RULE, BurstRule, Detector

HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 24
START_HOUR: Final = 494_016
"""A Monday's first hour, counted from 1970-01-01 UTC."""

TITLES: Final = 300
DAYS: Final = 60
BURSTS: Final = 15
QUIET_DAYS: Final = 14
PARTITIONS: Final = 4

LEAST_RATE, MOST_RATE = 0.05, 200.0
LEAST_BURST_RATE: Final = 20.0
DECAY_HOURS: Final = 4.0
FOUND_HOURS: Final = 2
OVER_HOURS: Final = 5 * DECAY_HOURS
SATURDAY: Final = 5
DAY_NOISE: Final = 0.10
HOUR_NOISE: Final = 0.15
"""Variances of the gamma factors, whose mean is 1."""

LEAST_FOUND: Final = 0.90
MOST_FALSE_A_DAY: Final = 1.0


class Truth(NamedTuple):
    """One injected burst: title, first hour since the start, and its title's ordinary rate a day."""

    title: int
    hour: int
    rate: float


@dataclass(frozen=True)
class World:
    """One run: mentions by title and hour, and what was injected."""

    counts: np.ndarray
    bursts: tuple[Truth, ...]


class Outcome(NamedTuple):
    """What one run gave; `delays` in hours of the bursts found in time; `found` by burst."""

    found: tuple[bool, ...]
    rates: tuple[float, ...]
    delays: tuple[float, ...]
    false: int
    mentions: int
    seconds: float


def generate(seed: int) -> World:
    """Return the world of a seed."""
    draw = np.random.default_rng(seed)
    hours = np.arange(DAYS * DAY_HOURS)
    rates = np.exp(draw.uniform(math.log(LEAST_RATE), math.log(MOST_RATE), TITLES))
    daily = 1 + 0.6 * np.sin(2 * np.pi * (hours % DAY_HOURS - 9) / DAY_HOURS)
    weekly = np.where(hours // DAY_HOURS % 7 >= SATURDAY, 1.3, 0.88)
    ordinary = rates[:, None] / DAY_HOURS * (daily * weekly)[None, :]
    surplus = np.zeros_like(ordinary)
    bursts = []
    for title in draw.choice(TITLES, BURSTS, replace=False):
        begin = int(draw.integers(QUIET_DAYS * DAY_HOURS, len(hours) - int(OVER_HOURS)))
        extra = (draw.uniform(3, 6) - 1) * max(rates[title], LEAST_BURST_RATE)
        since = hours[begin:] - begin
        surplus[title, begin:] = extra * (np.exp(-since / DECAY_HOURS) - np.exp(-(since + 1) / DECAY_HOURS))
        bursts.append(Truth(int(title), begin, float(rates[title])))
    noise = np.repeat(_gamma(draw, DAY_NOISE, (TITLES, DAYS)), DAY_HOURS, axis=1)
    noise *= _gamma(draw, HOUR_NOISE, ordinary.shape)
    return World(draw.poisson((ordinary + surplus) * noise), tuple(bursts))


def _gamma(draw: np.random.Generator, variance: float, shape: tuple[int, ...]) -> np.ndarray:
    return draw.gamma(1 / variance, variance, shape)


def alerts_in(world: World, seed: int, rule: BurstRule = DEFAULT_RULE) -> list[tuple[int, float]]:
    """Return title and hour since the start of each alert that the product's detector begins."""
    draw = np.random.default_rng(seed + 1_000_000)
    alerts = []
    for partition in range(PARTITIONS):
        titles = [title for title in range(TITLES) if film_partition(title, PARTITIONS) == partition]
        detector = Detector(rule)
        cells = world.counts[titles]
        which, hour = np.nonzero(cells)
        repeats = cells[which, hour]
        named = np.repeat(np.array(titles)[which], repeats)
        at = ((START_HOUR + np.repeat(hour, repeats) + draw.random(len(named))) * HOUR_MS).astype(np.int64)
        order = np.argsort(at, kind="stable")
        authors = draw.integers(0, 1 << 20, len(named))
        posts = zip(named[order].tolist(), at[order].tolist(), authors.tolist(), strict=True)
        for number, (title, instant, author) in enumerate(posts):
            alerts += [
                (burst.tmdb_id, burst.at / HOUR_MS - START_HOUR)
                for burst in detector.came(title, number, instant, author)
                if not burst.ended
            ]
    return alerts


def judge(seed: int) -> Outcome:
    """Return what a seed's run gives."""
    world = generate(seed)
    started = perf_counter()
    alerts = alerts_in(world, seed)
    seconds = perf_counter() - started
    delays = [_delay(burst, alerts) for burst in world.bursts]
    false = sum(not any(_explains(burst, *alert) for burst in world.bursts) for alert in alerts)
    return Outcome(
        tuple(delay is not None for delay in delays),
        tuple(burst.rate for burst in world.bursts),
        tuple(delay for delay in delays if delay is not None),
        false,
        int(world.counts.sum()),
        seconds,
    )


def _delay(burst: Truth, alerts: list[tuple[int, float]]) -> float | None:
    """Return the hours from a burst's start to its alert, None when there is none in time."""
    delays = [at - burst.hour for title, at in alerts if title == burst.title]
    return min((delay for delay in delays if 0 <= delay <= FOUND_HOURS), default=None)


def _explains(burst: Truth, title: int, at: float) -> bool:
    return title == burst.title and 0 <= at - burst.hour <= OVER_HOURS


def main() -> int:
    """Print the table; return 0 when what is required holds."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs=2, type=int, default=(1, 20), metavar=("FIRST", "LAST"))
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    seeds = range(arguments.seeds[0], arguments.seeds[1] + 1)
    with ProcessPoolExecutor(arguments.processes) as pool:
        outcomes = list(pool.map(judge, seeds))
    console = Console()
    table = Table("ordinary rate of the title", "bursts", "found within 2 h", title=f"{len(seeds)} runs")
    pairs = [pair for outcome in outcomes for pair in zip(outcome.rates, outcome.found, strict=True)]
    for name, low, high in (("below 2 a day", 0, 2), ("2 to 20", 2, 20), ("20 to 200", 20, 1e9), ("all", 0, 1e9)):
        some = [found for rate, found in pairs if low <= rate < high]
        table.add_row(name, str(len(some)), f"{sum(some) / max(1, len(some)):.1%}")
    console.print(table)
    found = sum(found for _, found in pairs) / len(pairs)
    false = sum(outcome.false for outcome in outcomes) / (DAYS * len(seeds))
    delays = sorted(delay for outcome in outcomes for delay in outcome.delays)
    mentions = sum(outcome.mentions for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    console.print(
        f"found within 2 h: {found:.1%} (required {LEAST_FOUND:.0%}); half within {60 * _middle(delays):.0f} min"
    )
    console.print(
        f"false alerts: {false:.2f} a day over all {TITLES} titles (at most {MOST_FALSE_A_DAY:.0f}); worst run "
        f"{max(outcome.false for outcome in outcomes) / DAYS:.2f}"
    )
    console.print(f"{mentions:,} mentions, {mentions / seconds:,.0f} a second and core")
    return 0 if found >= LEAST_FOUND and false <= MOST_FALSE_A_DAY else 1


def _middle(values: list[float]) -> float:
    return values[len(values) // 2] if values else math.nan


if __name__ == "__main__":
    sys.exit(main())
