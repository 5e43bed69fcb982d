"""The command `cinepulse doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from cinepulse.cli import cli
from cinepulse.local import doctor

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def run(home: Path, *arguments: str) -> Result:
    """Run the command on a data directory."""
    return CliRunner().invoke(
        cli, ["doctor", "--data-dir", str(home), *arguments], standalone_mode=False, catch_exceptions=False
    )


def test_a_fit_machine_passes(tmp_path: Path) -> None:
    """Exit code 0, and each check with its verdict."""
    result = run(tmp_path, "--format", "json")

    findings = json.loads(result.stdout)
    assert [finding for finding in findings if finding["verdict"] == "failed"] == []
    assert result.return_value == 0
    assert {"Python", "Memory", "Java"} <= {finding["check"] for finding in findings}


def test_a_failure_shows_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, and the table says what to do."""
    monkeypatch.setattr(doctor, "free_bytes", lambda _path: 1)

    result = run(tmp_path)

    assert result.return_value == 1
    assert "CINEPULSE_DATA_DIR" in result.stdout
