from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scaling import FigureMissing, Figures, Volume, page, sizing, workers

# A core links 1,000 posts a second, of which one in four names a film; a worker counts 50,000 mentions a second.
FIGURES = Figures(
    machine="a machine",
    measured_at="2026-11-21",
    posts_a_core=1_000.0,
    link_mb=400.0,
    mentions_a_post=0.25,
    post_bytes=200.0,
    mention_bytes=60.0,
    terms_bytes=40.0,
    counted=50_000.0,
    state_bytes=100.0,
    restored=500_000.0,
    rows=100_000.0,
    server_us=4.0,
    row_bytes=40.0,
    fresh={},
    workers=[("1 worker", 50_000.0, 1.5), ("2 workers", 60_000.0, 2.0)],
)


def test_a_volume_is_reckoned_as_by_hand() -> None:
    """7,000 posts/s: 10 cores that are 70 % busy, 16 partitions, 1,750 mentions/s; a day's worth of state a month.

    1,750 mentions/s for 30 days are 4.536 billion, at 100 bytes 453.6 GB, which is 302.4 workers of 1.5 GB. Kafka
    writes (7,000 x 200 + 1,750 x 100) x 3 = 4.725 MB/s; ClickHouse spends 1,750 x 4 µs = 0.007 cores.
    """
    found = {what: needed for what, _, needed in sizing(Volume(7_000, 7_000), FIGURES)}

    assert found["link workers, a core each"] == "10 (4.0 GB)"
    assert found["partitions of every topic"] == "16"
    assert found["mentions in the busiest hour"] == "1,750 a second"
    assert found["count workers, for their speed"] == "1"
    assert found["count workers, for a month of state"] == "303"
    assert found["restore of one count worker"] == "30 s"
    assert found["ClickHouse, cores for inserts"] == "0.0"
    assert found["Kafka, writes with replicas"] == "4.7 MB/s: 3 brokers"


def test_the_workers_of_a_month_are_link_count_and_sink() -> None:
    """10 link workers, 303 that hold a month's sets, 1 sink."""
    assert workers(Volume(7_000, 7_000), FIGURES) == 10 + 303 + 1


def test_the_page_follows_the_figures() -> None:
    """A machine that links half as fast needs twice the workers, and the page says so."""
    fast, slow = page(FIGURES), page(replace(FIGURES, posts_a_core=500.0))

    assert "| 143 (57.2 GB) |" in fast
    assert "| 286 (114.4 GB) |" in slow
    assert "| 2 workers | 60,000 | 2.00 |" in fast


def test_a_figure_that_was_not_measured_is_named() -> None:
    """Nothing is made up where the results lack a stage."""
    with pytest.raises(FigureMissing, match="make bench ONLY=link"):
        Figures.of({})
