"""A demo begins anew in its own directory and leaves everybody else's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cinepulse.commands.demo_home import MARKER, begin_anew, keep
from cinepulse.errors import ConfigurationInvalid
from cinepulse.local.state import LOGS_DIR, RUN_DIR

if TYPE_CHECKING:
    from pathlib import Path


def files(home: Path) -> list[str]:
    """Return the files below a directory, by relative path."""
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def fill(home: Path) -> None:
    """Put a file where each part of a stack would."""
    for name in ("kafka", "clickhouse", RUN_DIR, LOGS_DIR):
        (home / name).mkdir(exist_ok=True)
        (home / name / "file").write_text("kept", "utf-8")


def test_a_demo_clears_what_a_demo_left(tmp_path: Path) -> None:
    """The second demo finds nothing of the first but what the running stack keeps, and a place for logs."""
    begin_anew(tmp_path)
    fill(tmp_path)

    begin_anew(tmp_path)

    assert files(tmp_path) == [MARKER, f"{RUN_DIR}/file"]
    assert (tmp_path / LOGS_DIR).is_dir()


def test_a_demo_refuses_the_data_of_up(tmp_path: Path) -> None:
    """A directory that no demo made is left as it is, and the error says what to set."""
    fill(tmp_path)
    before = files(tmp_path)

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_DATA_DIR"):
        begin_anew(tmp_path)

    assert files(tmp_path) == before


def test_up_keeps_what_it_takes_over(tmp_path: Path) -> None:
    """Once `up` has run on a demo's directory, a later demo refuses it."""
    begin_anew(tmp_path)
    fill(tmp_path)
    keep(tmp_path)

    with pytest.raises(ConfigurationInvalid):
        begin_anew(tmp_path)
