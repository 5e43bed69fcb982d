"""The whole product in one run: two producers, Kafka, both processors, the sink, ClickHouse, and a reckoning."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
RUN_SECONDS = 170
POSTS = 1_500
FILMS = 3_000


def run_demo(directory: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run a headless demo in a directory and return its report and what it printed."""
    report = directory / "report.json"
    command = ("demo", "--data-dir", str(directory / "data"), "--report", str(report), *arguments)
    done = subprocess.run(
        [sys.executable, "-m", "cinepulse", *command],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(report.read_text("utf-8")), done.stdout


@pytest.mark.real
def test_a_demo_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """Everything served is in Kafka, and counts, stored mentions and the linker run directly agree exactly."""
    report, printed = run_demo(tmp_path, "--for", "10", "--seed", "3")

    assert report["posts_served"] == report["posts_in_kafka"] > 900
    assert report["mentions_expected"] == report["mentions_in_clickhouse"] == report["mentions_counted"] > 300
    assert (report["lost"], report["double_counted"]) == (0, 0)
    assert report["posts_deleted"] > 0
    assert report["freshness_seconds"]["p50"] <= report["freshness_seconds"]["p99"]
    assert report["elapsed_seconds"] >= 10
    assert "TMDB API" in printed


@pytest.mark.real
@pytest.mark.skipif(not SHARED.exists(), reason="needs the recorded posts beside the checkout")
def test_recorded_posts_are_counted_exactly(tmp_path: Path) -> None:
    """Real posts over years of event time, replayed fast, all reach Kafka and are counted to the last mention."""
    with gzip.open(SHARED / "reddit_posts_dev.jsonl.gz", "rt", encoding="utf-8") as source:
        lines = source.readlines()[-POSTS:]
    posts = tmp_path / "posts.jsonl"
    posts.write_text("".join(lines), "utf-8")
    with gzip.open(SHARED / "catalog.csv.gz", "rt", encoding="utf-8", newline="") as source:
        rows = source.readlines()[: FILMS + 1]
    catalog = tmp_path / "catalog.csv"
    catalog.write_text("".join(rows), "utf-8", newline="")

    report, _ = run_demo(tmp_path, "--for", "15", "--posts", str(posts), "--catalog", str(catalog), "--speed", "1e8")

    assert report["posts_served"] == report["posts_in_kafka"] == POSTS
    assert report["mentions_expected"] == report["mentions_counted"] > 30
    assert (report["lost"], report["double_counted"]) == (0, 0)


def test_a_report_needs_an_end() -> None:
    """A report without --for is wrong usage: one line that says what is missing."""
    done = subprocess.run(
        [sys.executable, "-m", "cinepulse", "demo", "--report", "x.json"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "--for" in done.stderr
