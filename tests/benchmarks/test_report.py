from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.report import page

ROOT = Path(__file__).parents[2]


def row(name: str, median: float, **more: Any) -> dict[str, Any]:
    """Return a row as a file of results has it."""
    usual = {"peer": True, "about": f"about {name}", "versions": {name: "1.2"}, "records": 400_000, "result": "exact"}
    figures = {"figures": [median], "median": median, "least": median / 2, "most": median * 2, "why": ""}
    return {"name": name, **usual, **figures, "extra": {}, "limits": {}, "bar": None, "ratio": None, **more}


def stages(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return the stages of a file of results with one workload."""
    return {
        "count": {
            "about": "topic to counts",
            "unit": "records/s",
            "better": "more",
            "measured_at": "2026-11-21T19:40+00:00",
            "rounds": 3,
            "machine": {"cpu": "A processor", "cores": 2, "memory_gib": 23.5, "system": "Linux x86_64"},
            "versions": {"Python": "3.11.7", "Kafka": "4.3.1"},
            "workloads": [{"name": "films", "about": "Zipf 1.0", "rows": list(rows)}],
        }
    }


def test_the_page_says_what_the_figures_say() -> None:
    """Machine, versions, medians, spread, ratios, and which bars are met."""
    text = page(
        stages(
            row("cinepulse", 140_000, peer=False, extra={"p99_s": 5.0}, limits={"p99_s": 4.0}),
            row("Kafka Streams", 70_000, ratio=2.0, bar=1.0),
            row("bare loop", 700_000, ratio=0.2, bar=0.5),
        )
    )

    assert "make bench ONLY=count` at 2026-11-21, 3 rounds, on A processor, 2 cores, 23.5 GiB" in text
    assert "Python 3.11.7, Kafka 4.3.1." in text
    assert "- **Kafka Streams**: about Kafka Streams (Kafka Streams 1.2)" in text
    assert "| **cinepulse** | 140,000 | 70,000 to 280,000 |  |  | exact | p99_s 5 |" in text
    assert "| Kafka Streams | 70,000 | 35,000 to 140,000 | 2.00 | 1 | exact |  |" in text
    assert "At least what is asked of it beside Kafka Streams (2.00 x, asked 1 x)." in text
    assert "Below what is asked of it beside bare loop (0.20 x, asked 0.5 x)." in text
    assert "cinepulse, `p99_s`: 5, asked at most 4, missed." in text
    assert "400,000 records." in text


def test_what_is_missing_is_said() -> None:
    """Who was left out, and who was wrong, is not passed over."""
    skipped = {"name": "Bytewax", "peer": True, "about": "windows", "skipped": "there is none for Python 3.13"}

    text = page(
        stages(row("cinepulse", 1.0, peer=False), skipped, row("Quix", 9.0, result="wrong", why="1 of 9 differ"))
    )

    assert "Bytewax was left out: there is none for Python 3.13." in text
    assert "Quix gave no valid result: 1 of 9 differ." in text


def test_readings_stand_by_the_size_of_their_database() -> None:
    """One row a reading, one column a size: what a reading's cost grows with can be seen."""

    def group(mentions: int, p95: float) -> dict[str, Any]:
        return {
            "group": "mentions",
            "data": "made",
            "mentions": mentions,
            "readings": [{"name": "trends", "rounds": 40, "p95_ms": p95}],
        }

    machine = {"machine": "x86_64", "cores": 2, "python": "3.11.7"}
    groups = [group(1_000_000, 20.0), group(10_000_000, 21.0)]

    text = page({}, {"machine": machine, "engine": "chdb 4.4.0", "groups": groups})

    assert "| reading | 1,000,000 | 10,000,000 |" in text
    assert "| trends | 20 | 21 |" in text
    assert "on x86_64, 2 cores: chdb 4.4.0, Python 3.11.7:" in text
    assert "`python -m benchmarks.queries --only mentions --mentions 1000000 --mentions 10000000`" in text


def test_the_page_is_what_the_results_say() -> None:
    """The page that is checked in follows from the figures that are."""
    results, queries = (ROOT / "benchmarks" / name for name in ("results.json", "queries.json"))
    told = ROOT / "docs" / "performance.md"

    assert results.exists() == told.exists()
    if results.exists():
        readings = json.loads(queries.read_text("utf-8")) if queries.exists() else None
        assert told.read_text("utf-8") == page(json.loads(results.read_text("utf-8"))["stages"], readings)
