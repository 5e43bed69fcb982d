"""Runs of the suite side by side, each with some of the seeds, put together into one table."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from tests.chaos.suite import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# A run that is told to end stops its stacks first.
END_SECONDS: Final = 90.0


def shares(first: int, seeds: int, jobs: int) -> list[tuple[int, int]]:
    """Return the first seed and the number of seeds of each run, as equal as can be, none empty."""
    each, more = divmod(seeds, jobs)
    sizes = [each + (job < more) for job in range(jobs)]
    return [(first + sum(sizes[:job]), size) for job, size in enumerate(sizes) if size]


def run_side_by_side(arguments: Sequence[str], parts: Sequence[tuple[int, int]], directory: Path) -> list[Row]:
    """Run the suite once for each part of the seeds, at the same time, and return the rows of all."""
    reports = [directory / f"rows-{first}.json" for first, _ in parts]
    with ExitStack() as stack:
        runs = []
        for (first, seeds), report in zip(parts, reports, strict=True):
            own = ["--first", str(first), "--seeds", str(seeds), "--report", str(report), "--beside"]
            runs.append(stack.enter_context(_running([*arguments, *own, "--directory", str(directory)])))
        for run in runs:
            run.wait()
    return merge([rows_of(report) for report in reports])


@contextmanager
def _running(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a run, and end it with whoever started it."""
    run = subprocess.Popen([sys.executable, "-m", "tests.chaos", *arguments])
    try:
        yield run
    finally:
        if run.poll() is None:
            run.terminate()
            run.wait(END_SECONDS)


def rows_of(report: Path) -> list[Row]:
    """Return the rows of a run's report."""
    known = {field.name for field in fields(Row)}
    faults = json.loads(report.read_text("utf-8"))["faults"]
    return [Row(**{name: value for name, value in fault.items() if name in known}) for fault in faults]


def merge(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """Return one row a fault with what all runs saw of it: stacks that shared the machine."""
    merged: dict[str, Row] = {}
    for row in (row for rows in runs for row in rows):
        merged.setdefault(row.fault, Row(row.fault, row.about, skipped=row.skipped, alone=False)).add(row)
    return list(merged.values())
