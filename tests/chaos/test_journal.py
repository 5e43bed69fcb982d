from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.journal import PACKAGES, Journal, code_of
from tests.chaos.suite import Row, Suite

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_done_is_known_again(tmp_path: Path) -> None:
    """Rows come back as they were noted, by fault and seed; nothing is known of a file that is not there yet."""
    journal = Journal(tmp_path / "chaos.jsonl", "now")
    rows = [Row("count", "a count", 1, 2, 30, 0, 0, [4.5], alone=False), Row("count", "a count", 1, failures=["late"])]

    before = journal.done()
    for seed, row in enumerate(rows, start=1):
        journal.note(seed, row)

    assert (before, journal.done()) == ({}, {("count", 1): rows[0], ("count", 2): rows[1]})


def test_other_code_proves_nothing(tmp_path: Path) -> None:
    """A run of the code as it was before counts for nothing."""
    Journal(tmp_path / "chaos.jsonl", "before").note(1, Row("count", ""))

    assert Journal(tmp_path / "chaos.jsonl", "now").done() == {}


def test_a_line_that_was_cut_off_is_no_run(tmp_path: Path) -> None:
    """A suite killed while it notes a run leaves a line without an end."""
    journal = Journal(tmp_path / "chaos.jsonl", "now")
    journal.note(1, Row("count", ""))
    with journal.path.open("a") as file:
        file.write('{"seed": 2, "code": "now", "ro')

    assert list(journal.done()) == [("count", 1)]


@pytest.mark.parametrize("file", [f"{package}/a.py" for package in PACKAGES])
def test_a_change_of_any_package_is_other_code(tmp_path: Path, file: str) -> None:
    """The name of the code changes with any file of its packages, and with no other file."""
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("a = 1")
    before = code_of(tmp_path)
    (tmp_path / "notes.md").write_text("nothing")
    beside = code_of(tmp_path)
    (tmp_path / file).write_text("a = 2")

    assert (before == beside, before == code_of(tmp_path)) == (True, False)


def test_a_suite_runs_nothing_that_is_done(tmp_path: Path) -> None:
    """Where all of it is done nothing is started, and the rows tell what was; a failure stays one."""
    faults = [fault for fault in FAULTS if fault.name in {"count", "sink"}]
    done = {
        ("count", 1): Row("count", "", 1, 2, 30, 0, 0, [4.5], alone=False),
        ("count", 2): Row("count", "", 1, 2, 40, 1, 0, [5.5], ["seed 2: lost"], alone=False),
        ("sink", 1): Row("sink", "", 1, 2, 50),
        ("sink", 2): Row("sink", "", 1, 1, 60),
    }

    count, sink = Suite(tmp_path, print, long=False, done=done).run(faults, [1, 2])

    assert (count.kills, count.posts, count.lost, count.recoveries, count.failures, count.alone) == (
        4,
        70,
        1,
        [4.5, 5.5],
        ["seed 2: lost"],
        False,
    )
    assert (sink.seeds, sink.kills, sink.posts, sink.ok) == (2, 3, 110, True)
