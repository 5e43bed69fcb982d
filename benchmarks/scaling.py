"""Writes docs/scaling.md: what a volume of posts needs, reckoned from the figures of a run of the benchmarks.

Run: python -m benchmarks.scaling benchmarks/results.json [--to docs/scaling.md]

The file of results is what `make bench RESULTS=benchmarks/results.json` wrote; the stages link, count, workers,
sink, recovery and freshness must be in it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import click

SECONDS_A_DAY: Final = 86_400
SECONDS_A_MONTH: Final = 30 * SECONDS_A_DAY
POSTS_HOURS: Final = 48
"""How long `reddit.posts` and `movie.terms` keep a record."""
BUSY: Final = 0.7
"""Share of a core that is planned with: the rest catches up after a restart."""
PEAK: Final = 2.0
"""Posts a second in the busiest hour of a day, as a multiple of the mean."""
WORKER_BYTES: Final = 1.5e9
"""State planned for a count worker of 2 GB."""
BROKER_BYTES_A_SECOND: Final = 50e6
"""Planned for a broker, replication included; a single disk and a 1 Gbit/s link do more."""
REPLICAS: Final = 3
COLUMNS: Final = ("what", "arithmetic", "needed")
PARTS: Final = ("link", "count", "sink", "clickhouse", "kafka", "bench")
TEMPLATE: Final = Path(__file__).with_name("scaling.template.md")

STRESS_POSTS: Final = 100_000
REDDIT_POSTS: Final = 46_000_000
REDDIT_COMMENTS: Final = 354_000_000


class FigureMissing(Exception):
    """The results lack a figure; the message says which."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one core, one record and one mention take."""

    machine: str
    measured_at: str
    posts_a_core: float
    link_mb: float
    mentions_a_post: float
    post_bytes: float
    mention_bytes: float
    terms_bytes: float
    counted: float
    state_bytes: float
    restored: float
    rows: float
    server_us: float
    row_bytes: float
    fresh: dict[str, dict[str, float]]
    workers: list[tuple[str, float, float]]
    """Of so many count workers: their name, mentions a second, cores of workers and broker."""

    @classmethod
    def of(cls, stages: dict[str, Any]) -> Self:
        """Read the figures from a file of results; raises FigureMissing."""
        link = _own(stages, "link", "recorded")
        recovery, sink = _own(stages, "recovery", "10m"), _own(stages, "sink", "film_like")
        machine = stages["link"]["machine"]
        fresh = {name: _own(stages, "freshness", name) for name in ("500", "most")}
        return cls(
            machine=f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB",
            measured_at=stages["link"]["measured_at"],
            posts_a_core=link["posts_a_cpu_second"],
            link_mb=link["memory_mb"],
            mentions_a_post=link["mentions_a_post"],
            post_bytes=link["bytes_a_post"],
            mention_bytes=link["bytes_a_mention"],
            terms_bytes=link["terms_bytes_a_mention"],
            counted=_own(stages, "count", "films")["median"],
            state_bytes=max(recovery["bytes_a_mention"], recovery["live_bytes_a_mention"]),
            restored=recovery["records"] / recovery["median"],
            rows=sink["median"],
            server_us=1e6 * sink["server_cpu_seconds"] / sink["records"],
            row_bytes=sink["bytes_a_row"],
            fresh=fresh,
            workers=[(row["name"], row["median"], row["extra"]["cores"]) for row in _rows(stages, "workers", "films")],
        )


def _own(stages: dict[str, Any], stage: str, workload: str) -> dict[str, Any]:
    """Return the figures of the pipeline's own contender, the further ones beside the median."""
    row = _rows(stages, stage, workload)[0]
    return {**row, **row["extra"]}


def _rows(stages: dict[str, Any], stage: str, workload: str) -> list[dict[str, Any]]:
    """Return the rows of the pipeline's own that were measured."""
    try:
        rows = next(one for one in stages[stage]["workloads"] if one["name"] == workload)["rows"]
    except (KeyError, StopIteration):
        rows = []
    found = [row for row in rows if not row["peer"] and "median" in row]
    if not found:
        raise FigureMissing(f"the results have no {stage}, {workload}: run `make bench ONLY={stage}`")
    return found


@dataclass(frozen=True, slots=True)
class Volume:
    """Posts a second in the busiest hour, and in the mean."""

    peak: float
    mean: float

    def mentions(self, figures: Figures, seconds: float) -> float:
        """Return how many mentions come in so many seconds of the mean."""
        return self.mean * figures.mentions_a_post * seconds


def sizing(volume: Volume, figures: Figures) -> list[tuple[str, str, str]]:
    """Return what a volume needs: the part, the arithmetic, the outcome."""
    f = figures
    linkers = math.ceil(volume.peak / (f.posts_a_core * BUSY))
    partitions = _partitions(linkers)
    mentions = volume.peak * f.mentions_a_post
    counters = math.ceil(mentions / (f.counted * BUSY))
    month = volume.mentions(f, SECONDS_A_MONTH)
    keepers = math.ceil(month * f.state_bytes / WORKER_BYTES)
    sinks = math.ceil(mentions / (f.rows * BUSY))
    cores = mentions * f.server_us / 1e6
    flow = volume.peak * f.post_bytes + mentions * (f.mention_bytes + f.terms_bytes)
    posts = volume.mean * f.post_bytes * POSTS_HOURS * 3_600 * REPLICAS
    log = month * f.mention_bytes * REPLICAS
    brokers = max(REPLICAS, math.ceil(flow * REPLICAS / BROKER_BYTES_A_SECOND))
    return [
        (
            "link workers, a core each",
            f"{volume.peak:,.0f} posts/s / ({f.posts_a_core:,.0f} posts/s a core x {BUSY})",
            f"{linkers:,} ({linkers * f.link_mb / 1e3:,.1f} GB)",
        ),
        ("partitions of every topic", "one for each link worker, to the next power of two", f"{partitions:,}"),
        (
            "mentions in the busiest hour",
            f"{volume.peak:,.0f} posts/s x {f.mentions_a_post:.2f}",
            f"{mentions:,.0f} a second",
        ),
        (
            "count workers, for their speed",
            f"{mentions:,.0f} mentions/s / ({f.counted:,.0f} a second x {BUSY})",
            f"{counters:,}",
        ),
        (
            "count workers, for a month of state",
            f"{month:,.0f} mentions x {f.state_bytes:.0f} B / {WORKER_BYTES / 1e9:g} GB",
            f"{keepers:,}",
        ),
        (
            "restore of one count worker",
            f"{WORKER_BYTES / f.state_bytes:,.0f} mentions / {f.restored:,.0f} a second",
            f"{WORKER_BYTES / f.state_bytes / f.restored:,.0f} s",
        ),
        ("sinks", f"{mentions:,.0f} rows/s / ({f.rows:,.0f} rows/s x {BUSY})", f"{sinks:,}"),
        (
            "ClickHouse, cores for inserts",
            f"{mentions:,.0f} rows/s x {f.server_us:.1f} µs",
            f"{cores:.1f}",
        ),
        (
            "ClickHouse, disk a month",
            f"{month:,.0f} mentions x {f.row_bytes:.0f} B x {REPLICAS} replicas",
            _bytes(month * f.row_bytes * REPLICAS),
        ),
        (
            "Kafka, writes with replicas",
            (
                f"({volume.peak:,.0f} x {f.post_bytes:.0f} B + "
                f"{mentions:,.0f} x {f.mention_bytes + f.terms_bytes:.0f} B) x {REPLICAS}"
            ),
            f"{_bytes(flow * REPLICAS)}/s: {brokers} brokers",
        ),
        (
            "Kafka, disk for 48 h of posts",
            f"{volume.mean:,.0f} posts/s x {f.post_bytes:.0f} B x {POSTS_HOURS} h x {REPLICAS}",
            _bytes(posts),
        ),
        (
            "Kafka, disk for a month of mentions",
            f"{month:,.0f} x {f.mention_bytes:.0f} B x {REPLICAS}",
            _bytes(log),
        ),
    ]


def workers(volume: Volume, figures: Figures) -> int:
    """Return how many processes of the pipeline, of one core each, work on a volume after a month."""
    f = figures
    mentions = volume.peak * f.mentions_a_post
    counters = max(mentions / (f.counted * BUSY), volume.mentions(f, SECONDS_A_MONTH) * f.state_bytes / WORKER_BYTES)
    shares = (volume.peak / (f.posts_a_core * BUSY), counters, mentions / (f.rows * BUSY))
    return sum(map(math.ceil, shares))


def _partitions(workers: int) -> int:
    return 1 << max(2, math.ceil(math.log2(workers)))


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number / 1e3:,.1f} kB"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def page(figures: Figures) -> str:
    """Return the whole page."""
    f = figures
    mean = (REDDIT_POSTS + REDDIT_COMMENTS) / SECONDS_A_MONTH
    stress, reddit = Volume(STRESS_POSTS, STRESS_POSTS), Volume(mean * PEAK, mean)
    parts = {
        "machine": f.machine,
        "measured_at": f.measured_at,
        "measured": table(("figure", "value", "printed by"), _measured(f)),
        "fresh": table(("posts a second", "p50", "p99", *(f"{name}" for name in PARTS)), _fresh(f)),
        "workers": table(
            ("count workers", "mentions a second", "cores of workers and broker"),
            [(name, f"{rate:,.0f}", f"{cores:.2f}") for name, rate, cores in f.workers],
        ),
        "most_workers": f.workers[-1][0],
        "gain": f"{f.workers[-1][1] / f.workers[0][1]:.1f}",
        "stress": table(COLUMNS, list(sizing(stress, f))),
        "reddit": table(COLUMNS, list(sizing(reddit, f))),
        "mean": f"{mean:,.0f}",
        "peak": f"{mean * PEAK:,.0f}",
        "linker_share": f"{1 / f.posts_a_core * 1e6:,.0f}",
        "reddit_workers": f"{workers(reddit, f):,}",
        "day": f"{stress.mentions(f, SECONDS_A_DAY):,.0f}",
        "day_bytes": _bytes(stress.mentions(f, SECONDS_A_DAY) * f.state_bytes),
    }
    return TEMPLATE.read_text("utf-8").format(**parts)


def _measured(f: Figures) -> list[tuple[str, ...]]:
    def run(stage: str) -> str:
        return f"`make bench ONLY={stage}`"

    return [
        ("posts linked by a second of one core", f"{f.posts_a_core:,.0f}", run("link")),
        ("memory of a link worker with 20,000 films", f"{f.link_mb:,.0f} MB", run("link")),
        ("mentions in a post of film communities", f"{f.mentions_a_post:.2f}", run("link")),
        ("a post in Kafka, compressed", f"{f.post_bytes:,.0f} B", run("link")),
        ("a mention in Kafka, compressed", f"{f.mention_bytes:,.0f} B", run("link")),
        ("the words near a mention, compressed", f"{f.terms_bytes:,.0f} B", run("link")),
        ("mentions counted by one worker", f"{f.counted:,.0f} a second", run("count")),
        ("a mention in a count worker's memory", f"{f.state_bytes:.0f} B", run("recovery")),
        ("mentions of state restored", f"{f.restored:,.0f} a second", run("recovery")),
        ("rows written by one sink", f"{f.rows:,.0f} a second", run("sink")),
        ("ClickHouse's cores for a row", f"{f.server_us:.1f} µs", run("sink")),
        ("a mention on ClickHouse's disk", f"{f.row_bytes:.0f} B", run("sink")),
    ]


def _fresh(f: Figures) -> list[tuple[str, ...]]:
    return [
        (
            f"{one['posts_a_second']:,.0f}",
            f"{one['p50_s']:.2f} s",
            f"{one['p99_s']:.2f} s",
            *(f"{one[f'{part}_cores']:.2f}" for part in PARTS),
        )
        for one in f.fresh.values()
    ]


@click.command(epilog="Example: python -m benchmarks.scaling benchmarks/results.json")
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", "page_file", default="docs/scaling.md", type=click.Path(dir_okay=False, path_type=Path))
def main(results: Path, page_file: Path) -> None:
    """Write the page about scaling from a file of results."""
    try:
        figures = Figures.of(json.loads(results.read_text("utf-8"))["stages"])
    except FigureMissing as error:
        raise click.ClickException(str(error)) from None
    page_file.write_text(page(figures), "utf-8")
    click.echo(f"{page_file} is written")


if __name__ == "__main__":
    main()
