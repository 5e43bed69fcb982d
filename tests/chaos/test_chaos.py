from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.chaos.__main__ import table
from tests.chaos.failpoints import Failpoints
from tests.chaos.faults import FAULTS
from tests.chaos.jobs import merge, rows_of, shares
from tests.chaos.suite import RECOVERY_SECONDS, Row, Suite

if TYPE_CHECKING:
    from pathlib import Path

SHORT = ("count", "sink")
REACH = "import sys, pathlib; from tests.chaos.failpoints import Failpoints; Failpoints(pathlib.Path(sys.argv[1]))"


@pytest.mark.real
@pytest.mark.timeout(600)
def test_killed_workers_and_sinks_lose_nothing(tmp_path: Path) -> None:
    """The whole pipeline under load, its count worker and sink killed within a flush: every row is there once."""
    said: list[str] = []
    faults = [fault for fault in FAULTS if fault.name in SHORT]

    rows = Suite(tmp_path, said.append, long=False).run(faults, [1])

    assert [(row.fault, row.lost, row.double, row.failures) for row in rows] == [(name, 0, 0, []) for name in SHORT], (
        said
    )
    assert [row.kills for row in rows] == [2, 2]
    assert all(row.posts > 100 for row in rows)


def test_a_point_kills_the_process_that_reaches_it_and_no_other(tmp_path: Path) -> None:
    """Unarmed it does nothing; armed it hits once, after the passes asked for; the next process is spared."""
    points = Failpoints(tmp_path / "points")
    program = f"{REACH}.reach('here'); print('alive')"

    def run() -> int:
        return subprocess.run(
            [sys.executable, "-c", program, str(points.directory)], capture_output=True, check=False
        ).returncode

    before = run()
    points.arm("here")
    hit = run()

    assert (before, hit, run()) == (0, -signal.SIGKILL, 0)
    assert points.struck("here") is not None


def test_passes_are_counted_before_the_blow(tmp_path: Path) -> None:
    """A seeded number of passes puts the blow at another moment each time."""
    points = Failpoints(tmp_path)
    points.arm("here", signal.SIGSTOP, passes=2)

    assert [points.take("here") for _ in range(4)] == [None, None, signal.SIGSTOP, None]


@pytest.mark.parametrize(
    ("row", "ok"),
    [
        (Row("a", ""), True),
        (Row("a", "", recoveries=[RECOVERY_SECONDS]), True),
        (Row("a", "", recoveries=[1.0, RECOVERY_SECONDS + 0.1]), False),
        (Row("a", "", recoveries=[RECOVERY_SECONDS + 0.1], alone=False), True),
        (Row("a", "", lost=1, alone=False), False),
        (Row("a", "", lost=1), False),
        (Row("a", "", double=1), False),
        (Row("a", "", failures=["seed 1: verify exits with 1"]), False),
    ],
)
def test_a_row_is_good_only_when_all_of_it_is(row: Row, ok: bool) -> None:  # noqa: FBT001 - a case
    """Lost, double, late on a machine of its own, or unverified: each fails the run, and the table shows every row."""
    assert row.ok is ok
    assert table([row]).row_count == 2


@pytest.mark.parametrize(
    ("seeds", "jobs", "expected"),
    [(20, 2, [(1, 10), (11, 10)]), (3, 2, [(1, 2), (3, 1)]), (1, 4, [(1, 1)]), (2, 1, [(1, 2)])],
)
def test_runs_side_by_side_share_the_seeds(seeds: int, jobs: int, expected: list[tuple[int, int]]) -> None:
    """Each seed belongs to one run, and no run is without one."""
    assert shares(1, seeds, jobs) == expected


def test_rows_of_two_runs_become_one_row_a_fault(tmp_path: Path) -> None:
    """What any run lost, counted twice or was late with stays in the whole, through the runs' own reports."""
    runs = [
        [Row("a", "an a", seeds=2, kills=3, posts=10, recoveries=[1.0]), Row("b", "a b", skipped="no disk")],
        [Row("a", "an a", seeds=1, kills=1, posts=5, lost=1, double=2, recoveries=[16.0], failures=["seed 3: ?"])],
    ]
    for number, rows in enumerate(runs):
        report = {"seconds": 1, "faults": [row.as_dict() for row in rows]}
        (tmp_path / f"{number}.json").write_text(json.dumps(report), "utf-8")

    merged = merge([rows_of(tmp_path / f"{number}.json") for number in range(2)])

    assert merged == [
        Row("a", "an a", 3, 4, 15, 1, 2, [1.0, 16.0], ["seed 3: ?"], alone=False),
        Row("b", "a b", skipped="no disk", alone=False),
    ]


def test_every_fault_is_documented() -> None:
    """The page of the faults has a row for each."""
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "faults.md").read_text("utf-8")

    assert [fault.name for fault in FAULTS if f"| `{fault.name}` |" not in page] == []
