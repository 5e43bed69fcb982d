from __future__ import annotations

import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from cinepulse.local import doctor
from cinepulse.local.doctor import (
    DISK_BYTES,
    MEMORY_BYTES,
    Finding,
    check_directory,
    check_disk,
    check_jars,
    check_java,
    check_memory,
    check_open_files,
    check_packages,
    check_platform,
    check_ports,
    check_python,
    examine,
    pins,
)
from cinepulse.local.processes import ProcessRef
from cinepulse.local.state import StackRecord, write_record
from cinepulse.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_this_machine_is_fit(tmp_path: Path) -> None:
    """A machine on which these tests run passes every check."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"click=={version('click')} \\\n    --hash=sha256:00\n")

    findings = list(examine(load_settings(data_dir=tmp_path), lock))

    assert [finding for finding in findings if finding.verdict == "failed"] == []
    assert len(findings) == 10


@pytest.mark.parametrize(
    "finding",
    [
        check_python((3, 10, 4)),
        check_platform("win32", "AMD64"),
        check_memory(MEMORY_BYTES - 1),
        check_disk(DISK_BYTES - 1),
        check_open_files((256, 512)),
        check_packages("click==0.0.1 \\\n    --hash=sha256:00\n"),
        check_packages("no-such-package==1.0\n"),
    ],
    ids=lambda finding: finding.check,
)
def test_each_failure_says_what_to_do(finding: Finding) -> None:
    """Nobody is left with a bare no."""
    assert finding.verdict == "failed"
    assert len(finding.remedy) > 10


def test_a_low_soft_limit_is_raised_at_start() -> None:
    """A soft limit below the need is no failure where the hard one allows to raise it."""
    assert check_open_files((256, 4096)).verdict == "warning"
    assert check_open_files((-1, -1)).verdict == "ok"


def test_a_missing_jar_fails(tmp_path: Path) -> None:
    """A machine on which `make setup` did not finish is told the command that does."""
    finding = check_jars(tmp_path)

    assert finding.verdict == "failed"
    assert "cinepulse kafka fetch" in finding.remedy


def test_java_that_does_not_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Java on a disk that allows no execution is found here and not in the middle of a start."""

    def refuse(*_arguments: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(subprocess, "run", refuse)

    finding = check_java()

    assert finding.verdict == "failed"
    assert "Permission denied" in finding.detail


def test_taken_ports_are_no_failure(tmp_path: Path) -> None:
    """`up` picks others, so a taken usual port is a remark."""
    finding = check_ports(tmp_path, lambda port: port != doctor.USUAL_PORTS["Kafka"])

    assert (finding.verdict, finding.detail) == ("warning", "taken: 9092 (Kafka)")


def test_no_port_at_all_is_a_failure(tmp_path: Path) -> None:
    """A machine that lets nothing listen cannot run the stack."""
    assert check_ports(tmp_path, lambda _port: False).verdict == "failed"


def test_the_own_stack_s_ports_are_fine(tmp_path: Path) -> None:
    """A doctor called while the stack runs does not complain about the stack."""
    write_record(tmp_path, StackRecord(ProcessRef.own()))

    assert check_ports(tmp_path, lambda _port: False).verdict == "ok"


def test_a_data_directory_below_a_file_fails(tmp_path: Path) -> None:
    """What cannot become a directory is told with the setting that names it."""
    (tmp_path / "file").touch()

    finding = check_directory(tmp_path / "file" / "data")

    assert finding.verdict == "failed"
    assert "CINEPULSE_DATA_DIR" in finding.remedy


def test_an_unknown_system_ends_the_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system that the stack cannot run on, only that is said."""
    monkeypatch.setattr("sys.platform", "win32")

    findings = list(examine(load_settings(data_dir=tmp_path), None))

    assert [(finding.check, finding.verdict) for finding in findings][1:] == [("Platform", "failed")]


def test_looking_makes_no_directory(tmp_path: Path) -> None:
    """A check leaves nothing behind."""
    assert check_directory(tmp_path / "a" / "b").verdict == "ok"
    assert list(tmp_path.iterdir()) == []


def test_pins_are_those_of_this_interpreter() -> None:
    """Lines for other systems do not count, nor do hashes and comments."""
    lock = (
        "# comment\n"
        "one==1.0 \\\n    --hash=sha256:00\n    # via two\n"
        "two==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
        "three[extra]==3.0 ; python_version >= '3'\n"
    )

    assert dict(pins(lock)) == {"one": "1.0", "three": "3.0"}
