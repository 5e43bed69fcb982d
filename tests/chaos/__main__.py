"""`make chaos`: run the fault suite and print its table; exit code 1 when anything was lost, double or late."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.chaos.faults import FAULTS
from tests.chaos.jobs import run_side_by_side, shares
from tests.chaos.journal import Journal, code_of
from tests.chaos.suite import RECOVERY_SECONDS, Row, Suite

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = ("fault", "seeds", "kills", "posts", "lost", "double", "counting again, s")


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from 1 on")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--faults", default="", help="only these, comma-separated")
    parser.add_argument("--short", action="store_true", help="give each fault its short form")
    parser.add_argument("--jobs", type=int, default=1, help="stacks side by side; seconds are judged of one alone")
    parser.add_argument("--report", type=Path, default=Path("chaos.json"), help="where to write the rows as JSON")
    parser.add_argument("--resume", type=Path, help="note each run there, and leave out what this code has done there")
    parser.add_argument("--directory", type=Path, help="where the stacks live; failed ones stay there")
    parser.add_argument("--beside", action="store_true", help="one of several stacks: leave the table to who asked")
    found = parser.parse_args()
    if min(found.seeds, found.jobs) < 1:
        parser.error("--seeds and --jobs are at least 1")
    unknown = set(filter(None, found.faults.split(","))) - {fault.name for fault in FAULTS}
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(f.name for f in FAULTS)}")
    return found


def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table."""
    shown = Table(title="What was lost, counted twice, and how soon it counted again")
    for column in COLUMNS:
        shown.add_column(column, justify="left" if column == "fault" else "right")
    for row in rows:
        median = row.as_dict()["counting_again_median"]
        again = "" if median is None else f"{median:.1f} median, {row.slowest:.1f} most"
        if row.skipped:
            again = f"skipped: {row.skipped}"
        numbers = (row.seeds, row.kills, row.posts, row.lost, row.double)
        shown.add_row(row.fault, *map(str, numbers), again, style=None if row.ok else "red")
    total = [sum(getattr(row, name) for row in rows) for name in ("kills", "posts", "lost", "double")]
    slowest = max((row.slowest for row in rows), default=0.0)
    shown.add_section()
    alone = all(row.alone for row in rows)
    allowed = f"at most {RECOVERY_SECONDS:.0f} allowed" if alone else "the stacks shared the machine: not judged"
    shown.add_row("all", "", *map(str, total), f"{slowest:.1f} most, {allowed}")
    return shown


def main() -> int:
    """Run the suite."""
    wanted = arguments()
    console = Console(highlight=False, soft_wrap=True)
    began = time.monotonic()
    # Told to end, the suite still stops its stacks.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A ClickHouse that does not answer is what is wanted.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    directory = wanted.directory or Path(tempfile.mkdtemp(prefix="chaos-"))
    rows = _side_by_side(wanted, directory) if wanted.jobs > 1 else _alone(wanted, directory, console)
    with suppress(OSError):
        directory.rmdir()
    report = {"seconds": round(time.monotonic() - began), "faults": [row.as_dict() for row in rows]}
    wanted.report.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    if not wanted.beside:
        console.print(table(rows))
        for row in rows:
            for failure in row.failures:
                console.print(f"{row.fault}: {failure}", markup=False)
    return 0 if all(row.ok for row in rows) else 1


def _alone(wanted: argparse.Namespace, directory: Path, console: Console) -> list[Row]:
    names = set(filter(None, wanted.faults.split(",")))
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    suite = Suite(
        directory, lambda line: console.print(line, markup=False), long=not wanted.short, alone=not wanted.beside
    )
    if wanted.resume is not None:
        # A short form proves nothing of a whole one.
        journal = Journal(wanted.resume, f"{code_of()}-short" if wanted.short else code_of())
        suite.done, suite.note = journal.done(), journal.note
    return suite.run(faults, range(wanted.first, wanted.first + wanted.seeds))


def _side_by_side(wanted: argparse.Namespace, directory: Path) -> list[Row]:
    asked = ["--faults", wanted.faults, *(["--short"] if wanted.short else [])]
    if wanted.resume is not None:
        asked += ["--resume", str(wanted.resume)]
    return run_side_by_side(asked, shares(wanted.first, wanted.seeds, wanted.jobs), directory)


if __name__ == "__main__":
    sys.exit(main())
