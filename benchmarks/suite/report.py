"""The table and the JSON of a run."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape
from rich.table import Table

from benchmarks.suite.machine import machine, versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.suite.rounds import Heat, Row

WHOLE: Final = 100
"""Figures from here on are shown without a fraction."""


def table_of(heat: Heat) -> Table:
    """Return the table of one workload."""
    title = f"{heat.stage.name}, {heat.workload.name}"
    table = Table(title=title, caption=heat.workload.about, title_justify="left", caption_justify="left")
    table.add_column("contender")
    for name in (f"median {heat.stage.unit}", "least", "most", "ours is", "asked"):
        table.add_column(name, justify="right")
    table.add_column("checked")
    table.add_column("also")
    for row in heat.rows:
        name = row.contender.name if row.contender.peer else f"[bold]{escape(row.contender.name)}[/bold]"
        table.add_row(name, *_numbers(heat, row), _verdict(heat, row), _also(row))
    return table


def _numbers(heat: Heat, row: Row) -> list[str]:
    if not row.figures:
        return [""] * 5
    ratio, bar = heat.ratio(row), row.contender.bar
    return [
        *(shown(number) for number in (row.median, min(row.figures), max(row.figures))),
        "" if ratio is None else f"{ratio:.2f} x",
        "" if bar is None else f"{bar:g} x",
    ]


def _verdict(heat: Heat, row: Row) -> str:
    if row.skipped or row.failed or row.wrong:
        kind = "skipped" if row.skipped else "failed" if row.failed else "wrong"
        return f"[red]{kind}[/red]: {escape(row.skipped or row.failed or row.wrong)}"
    verdict = "exact" if heat.stage.reference or row.contender.expects else "not compared"
    ratio, bar = heat.ratio(row), row.contender.bar
    if ratio is not None and bar is not None and ratio < bar:
        verdict += ", [yellow]bar missed[/yellow]"
    for name, value in row.over_limit().items():
        verdict += f", [yellow]{name} {shown(value)} above {shown(row.contender.limits[name])}[/yellow]"
    return verdict


def _also(row: Row) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in row.extra().items())


def shown(number: float) -> str:
    """Return a figure with as many digits as it deserves."""
    return f"{number:,.0f}" if abs(number) >= WHOLE else f"{number:.3g}"


def as_json(heats: Sequence[Heat], rounds: int) -> dict[str, Any]:
    """Return the stages of a run by name, each with the machine, the versions and the time it was measured at."""
    stages: dict[str, Any] = {}
    for heat in heats:
        stage = stages.setdefault(
            heat.stage.name,
            {
                "about": heat.stage.about,
                "unit": heat.stage.unit,
                "better": heat.stage.better,
                "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
                "rounds": rounds,
                "machine": machine(),
                "versions": versions(),
                "workloads": [],
            },
        )
        rows = [_row_as_json(heat, row) for row in heat.rows]
        stage["workloads"].append({"name": heat.workload.name, "about": heat.workload.about, "rows": rows})
    return stages


def _row_as_json(heat: Heat, row: Row) -> dict[str, Any]:
    contender, ratio = row.contender, heat.ratio(row)
    told: dict[str, Any] = {"name": contender.name, "peer": contender.peer, "about": contender.about}
    if row.skipped:
        return told | {"skipped": row.skipped}
    compared = heat.stage.reference is not None or contender.expects is not None
    told |= {
        "versions": dict(contender.versions()),
        "records": row.runs[0].records if row.runs else None,
        "figures": row.figures,
        "result": "wrong" if row.wrong else "failed" if row.failed else "exact" if compared else "not compared",
        "why": row.wrong or row.failed,
        "extra": row.extra(),
        "limits": dict(contender.limits),
        "bar": contender.bar,
        "ratio": ratio,
    }
    if row.figures:
        told |= {"median": row.median, "least": min(row.figures), "most": max(row.figures)}
    return told


def write(path: Path, stages: dict[str, Any]) -> None:
    """Put the stages into a file; others that it holds stay, and so do the workloads that a stage did not run anew."""
    known = json.loads(path.read_text("utf-8"))["stages"] if path.exists() else {}
    for name, stage in stages.items():
        before = known[name]["workloads"] if name in known else []
        anew = {one["name"]: one for one in stage["workloads"]}
        kept = [anew.pop(one["name"], one) for one in before]
        known[name] = {**stage, "workloads": [*kept, *anew.values()]}
    path.write_text(json.dumps({"stages": known}, indent=1) + "\n", "utf-8")
