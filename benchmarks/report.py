"""Writes docs/performance.md: how fast each stage is beside its peers, from the figures of a run of the benchmarks.

Run: python -m benchmarks.report benchmarks/results.json [--queries benchmarks/queries.json] [--to docs/performance.md]

The first file is what `make bench RESULTS=benchmarks/results.json` wrote, the second what `python -m benchmarks.queries
--json benchmarks/queries.json` did. Nothing on the page is written by hand but what holds for any figures.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.suite.report import shown

HEAD: Final = """\
# Performance

How fast each stage is beside what else one would take for it, and how to measure it again. This page is generated:
`python -m benchmarks.report benchmarks/results.json` writes it from the results that
`make bench RESULTS=benchmarks/results.json` has written. Change `benchmarks/report.py`, not the page.

## How it is measured

- **Side by side.** A stage and its peers are given the same topic with the same bytes, on one machine, in one run. Each
  round runs every one of them once, in an order that turns, and a figure is the median of its rounds.
- **Exact.** The result of each run is compared with an exact reference. A wrong answer fails the row and the run,
  however fast it came.
- **From the first record to the last output delivered.** Start-up is nobody's time.
- **`x ours`** is the pipeline's own median against that of the peer: above 1 the pipeline is the better one. `asked` is
  the least that it should be.
- **Peers** run in an environment of their own, `benchmarks/requirements.lock`, each written as its documentation
  recommends: `benchmarks/peers/`.

`make bench` measures everything, `make bench ONLY=count` one stage; `python -m benchmarks --help` has the rest.
"""


def page(stages: dict[str, Any], queries: dict[str, Any] | None = None) -> str:
    """Return the page's text; `stages`: those of a file of results, `queries`: the document of the readings."""
    parts = [HEAD, *(_stage(name, stage) for name, stage in sorted(stages.items()))]
    if queries is not None:
        parts += [_readings(group, _place(queries)) for group in _by_group(queries).values()]
    return "\n".join(parts)


def _stage(name: str, stage: dict[str, Any]) -> str:
    machine = stage["machine"]
    versions = ", ".join(f"{what} {version}" for what, version in stage["versions"].items())
    peers = {row["name"]: row for one in stage["workloads"] for row in one["rows"]}
    measured = (
        f"{_sentence(stage['about'])} Measured by `make bench ONLY={name}` at {stage['measured_at'][:10]}, "
        f"{stage['rounds']} rounds, on {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}: {versions}."
    )
    lines = [f"## {name.capitalize()}", "", measured, "", *(_contender(row) for row in peers.values()), ""]
    for workload in stage["workloads"]:
        records = max((row.get("records") or 0 for row in workload["rows"]), default=0)
        about = f"{_sentence(workload['about'])} {records:,} records."
        lines += [f"**{workload['name']}**: {about} {_findings(workload['rows'])}".strip(), ""]
        lines += [*_table(stage["unit"], workload["rows"]), ""]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _contender(row: dict[str, Any]) -> str:
    versions = ", ".join(f"{what} {version}" for what, version in row.get("versions", {}).items())
    return f"- **{row['name']}**: {row['about'] or 'as it is'}" + (f" ({versions})" if versions else "")


def _findings(rows: list[dict[str, Any]]) -> str:
    """Return what the rows come to, in sentences."""
    said = []
    asked = [row for row in rows if row.get("bar") is not None and row.get("ratio") is not None]
    for met, words in ((True, "At least what is asked of"), (False, "Below what is asked of")):
        named = [
            f"{row['name']} ({row['ratio']:.2f} x, asked {row['bar']:g} x)"
            for row in asked
            if (row["ratio"] >= row["bar"]) == met
        ]
        if named:
            said.append(f"{words} it beside {', '.join(named)}.")
    for row in rows:
        for name, most in row.get("limits", {}).items():
            found = row["extra"].get(name)
            verdict = "not measured" if found is None else f"{shown(found)}, asked at most {shown(most)}"
            said.append(f"{row['name']}, `{name}`: {verdict}{'' if found is None or found <= most else ', missed'}.")
    said += [f"{row['name']} was left out: {row['skipped']}." for row in rows if "skipped" in row]
    said += [f"{row['name']} gave no valid result: {row['why']}." for row in rows if row.get("why")]
    return " ".join(said)


def _table(unit: str, rows: list[dict[str, Any]]) -> list[str]:
    header = ("contender", unit, "least to most", "x ours", "asked", "result", "also")
    lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    for row in rows:
        if "median" not in row:
            continue
        cells = (
            row["name"] if row["peer"] else f"**{row['name']}**",
            shown(row["median"]),
            f"{shown(row['least'])} to {shown(row['most'])}",
            "" if row["ratio"] is None else f"{row['ratio']:.2f}",
            "" if row["bar"] is None else f"{row['bar']:g}",
            row["result"],
            ", ".join(f"{name} {shown(value)}" for name, value in row["extra"].items()),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _by_group(queries: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in queries["groups"]:
        groups.setdefault(one["group"], []).append(one)
    return groups


def _place(queries: dict[str, Any]) -> str:
    """Return where readings were timed."""
    machine = queries["machine"]
    return f"{machine['machine']}, {machine['cores']} cores: {queries['engine']}, Python {machine['python']}"


def _readings(sizes: list[dict[str, Any]], place: str) -> str:
    """Return the table of one group's readings, a column for each size of its database."""
    names = list(dict.fromkeys(reading["name"] for one in sizes for reading in one["readings"]))
    found = [{reading["name"]: reading for reading in one["readings"]} for one in sizes]
    rounds = max((reading["rounds"] for one in found for reading in one.values()), default=0)
    columns = [f"{one['mentions']:,}" if "mentions" in one else one["data"] for one in sizes]
    header = ("reading", *columns)
    lines = [f"| {' | '.join(header)} |", "|" + " --- |" * len(header)]
    for name in names:
        cells = (shown(one[name]["p95_ms"]) if name in one else "" for one in found)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    group = sizes[0]["group"]
    given = " ".join(f"--mentions {one['mentions']}" for one in sizes if "mentions" in one)
    command = " ".join(["python -m benchmarks.queries --only", group, *([given] if given else [])])
    return (
        f"## Queries of {group}\n\nFrom the question to the rows in Python, the p95 in milliseconds of {rounds} times "
        f"each, on {place}: `{command}`.\n\n" + "\n".join(lines) + "\n"
    )


@click.command()
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--queries", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Times of the readings.")
@click.option("--to", "to", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/performance.md"))
def main(results: Path, queries: Path | None, to: Path) -> None:
    """Write the page from files of results."""
    readings = None if queries is None else json.loads(queries.read_text("utf-8"))
    to.write_text(page(json.loads(results.read_text("utf-8"))["stages"], readings), "utf-8")
    click.echo(f"wrote {to}")


if __name__ == "__main__":
    main()
