"""How well scores of a day's mentions find bursts, on synthetic talk: precision among the first fifteen.

Run: python -m benchmarks.bursts [SEEDS]

Talk about 300 films over 60 days: base rates log-uniform from 0.05 to 200 mentions a day, a weekly cycle, counts that
vary more than chance would have it (negative binomial). On the last day fifteen films burst to three to six times their
rate. The product's score is the product's: counts are inserted into a ClickHouse of its own and `read_mention_trends`
is asked for the first fifteen by burst. The others are computed here.
"""

from __future__ import annotations

import math
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cinepulse.closing import ClosingRule
from clickhouse.client import connect
from clickhouse.closed import Closer
from clickhouse.mention_numbers import BASELINE_DAYS
from clickhouse.mention_trends import MentionQuestion, read_mention_trends
from clickhouse.migrate import load_migrations, migrate
from clickhouse.tables import COVERAGE, MENTION_COUNTS, Table
from tests.fixtures.clickhouse import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from clickhouse.client import Client

    Counts = NDArray[np.int64]
    Scores = NDArray[np.float64]

SEEDS: Final = 20
FILMS: Final = 300
DAYS: Final = 60
BURSTS: Final = 15

QUIETEST: Final = 0.05
LOUDEST: Final = 200.0
GAIN: Final = (3.0, 6.0)
# A film of a mention a week cannot be seen to burst, and one of the loudest tops any list without one.
BURSTING: Final = (5.0, 50.0)
CYCLE: Final = 0.4
"""How far the busiest weekday lies above the mean, and the quietest below it."""
DISPERSIONS: Final = (20.0, 8.0)
"""A count of mean m has the variance m + m² / dispersion: the lower, the wilder the talk."""

LAST_DAY: Final = date(2026, 6, 30)
CLOSER: Final = Closer(ClosingRule(grace_ms=0, disorder_ms=0, idle_ms=0), 1)


@dataclass(frozen=True)
class Talk:
    """Mentions of films on days, `counts[film, day]`, and the films that burst on the last day."""

    last_day: date
    counts: Counts
    bursting: frozenset[int]


def synthetic_talk(seed: int, dispersion: float = DISPERSIONS[0]) -> Talk:
    """Return the talk of a seed; those of other seeds lie on other days, so that one database holds many."""
    source = np.random.default_rng(seed)
    last_day = LAST_DAY - timedelta(days=seed * DAYS)
    base = np.exp(source.uniform(math.log(QUIETEST), math.log(LOUDEST), FILMS))
    weekdays = np.array([(last_day - timedelta(days=ago)).weekday() for ago in reversed(range(DAYS))])
    rates = base[:, None] * (1 + CYCLE * np.sin(2 * math.pi * weekdays / 7))[None, :]
    able = np.flatnonzero((base >= BURSTING[0]) & (base <= BURSTING[1]))
    bursting = source.choice(able, BURSTS, replace=False)
    rates[bursting, -1] *= source.uniform(*GAIN, BURSTS)
    counts = source.negative_binomial(dispersion, dispersion / (dispersion + rates))
    return Talk(last_day, counts, frozenset(int(film) for film in bursting))


def other_scores(counts: Counts) -> dict[str, Scores]:
    """Return what else the last day could be ranked by, film by film; unknown is lowest."""
    now, before = counts[:, -1].astype(float), counts[:, -1 - BASELINE_DAYS : -1].astype(float)
    mean, spread = before.mean(axis=1), before.std(axis=1, ddof=1)
    return {
        "raw count": now,
        "DoD %": _growth(now, counts[:, -2]),
        "WoW %": _growth(now, counts[:, -8]),
        "Poisson surprise": np.array([poisson_surprise(*pair) for pair in zip(now, mean, strict=True)]),
        "plain z": np.where(spread > 0, (now - mean) / np.where(spread > 0, spread, 1), -np.inf),
    }


def poisson_surprise(count: float, mean: float) -> float:
    """Return -log10 of the chance that a Poisson count of this mean reaches the count."""
    if count <= mean or mean <= 0:
        return 0.0 if count <= mean else math.inf
    term = total = 1.0
    place = count
    while term > total * 1e-12:
        place += 1
        term *= mean / place
        total += term
    return -(count * math.log(mean) - mean - math.lgamma(count + 1) + math.log(total)) / math.log(10)


def precision(ranked: Sequence[int], bursting: frozenset[int]) -> float:
    """Return how many of the first fifteen burst, 0 to 1."""
    return len(bursting.intersection(ranked[:BURSTS])) / BURSTS


def precisions(client: Client, talk: Talk) -> dict[str, float]:
    """Return the precision of every score on a talk that `fill` has inserted."""
    films = np.arange(FILMS)
    found = {
        name: precision([int(film) for film in np.lexsort((films, -scores))], talk.bursting)
        for name, scores in other_scores(talk.counts).items()
    }
    question = MentionQuestion(by="burst", now_ms=0, closer=CLOSER, day=talk.last_day, limit=BURSTS)
    report = read_mention_trends(client, question)
    # Films are numbered from one.
    return found | {"burst": precision([film["tmdb_id"] - 1 for film in report.films], talk.bursting)}


def _growth(now: Scores, before: Counts) -> Scores:
    return np.where(before > 0, (now - before) / np.maximum(before, 1), -np.inf)


def fill(client: Client, talks: Sequence[Talk]) -> None:
    """Insert the counts of talks, and that all of their days are known."""
    end = _milliseconds(LAST_DAY + timedelta(days=7))
    for talk in talks:
        first = talk.last_day - timedelta(days=DAYS - 1)
        _insert(
            client,
            MENTION_COUNTS,
            (
                {"tmdb_id": film + 1, "day": first + timedelta(days=day), "mentions": int(number), "watermark": end}
                for (film, day), number in np.ndenumerate(talk.counts)
                if number
            ),
        )
    covered = {
        "source": "reddit",
        "outcome": "ok",
        "started_at": end,
        "covered_from": _milliseconds(min(talk.last_day for talk in talks) - timedelta(days=DAYS)),
        "covered_to": end,
    }
    _insert(client, COVERAGE, ({**covered, "listing": feed} for feed in ("new:movies", "comments:movies")))


def _insert(client: Client, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    lines = [{**row, "revision": 1} for row in rows]
    kinds, names = dict(table.columns), list(lines[0])
    client.insert(
        table.name,
        [list(line.values()) for line in lines],
        column_names=names,
        column_type_names=[kinds[name] for name in names],
    )


def _milliseconds(day: date) -> int:
    return round(datetime.combine(day, time(), UTC).timestamp() * 1_000)


def main(seeds: int) -> None:
    """Print the mean precision of every score for each dispersion."""
    for dispersion in DISPERSIONS:
        with tempfile.TemporaryDirectory() as directory:
            server = ServerProcess(Path(directory))
            try:
                server.start()
                migrate(server.settings, load_migrations())
                client = connect(server.settings)
                talks = [synthetic_talk(seed, dispersion) for seed in range(seeds)]
                fill(client, talks)
                found = [precisions(client, talk) for talk in talks]
            finally:
                server.kill()
        print(f"{seeds} seeds, dispersion {dispersion:g}: precision among the first {BURSTS}")
        for name in found[0]:
            told = [one[name] for one in found]
            print(f"  {name:<17} {fmean(told):.3f}  ({min(told):.2f} to {max(told):.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
