"""The command `cinepulse up`, run as a process with fake parts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cinepulse.cli import main
from cinepulse.commands.up import parts_table
from cinepulse.local.claim import claim
from cinepulse.local.processes import ProcessRef, families
from cinepulse.local.state import PartRecord, read_record
from cinepulse.settings import load_settings
from tests.cinepulse.local.conftest import journal, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

UP = Path(__file__).with_name("up_with_fakes.py")


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    """Start `up` on a data directory, its output into a file beside it."""
    with (home / "output").open("w") as output:
        return subprocess.Popen(
            [sys.executable, str(UP), "--data-dir", str(home), *options], stdout=output, stderr=output, text=True
        )


def output(home: Path) -> str:
    """Return what `up` has printed so far."""
    return (home / "output").read_text()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a running `up`."""
    process = start(tmp_path, "--partitions", "3")
    until(lambda: "Everything works" in output(tmp_path))
    yield process
    process.kill()
    process.wait()
    with claim(tmp_path):
        """Ends what a failed test left."""


def test_progress_is_plain_lines_without_a_terminal(up: subprocess.Popen[str], tmp_path: Path) -> None:
    """Each part's start and readiness is a line; the end too."""
    up.send_signal(signal.SIGINT)
    up.wait(20)

    lines = output(tmp_path).splitlines()
    assert lines[0] == "broker: starting"
    assert any(line.startswith("reader: ready (") for line in lines)
    assert lines[-1] == "broker: stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(up: subprocess.Popen[str], tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C, `kill` and a closed terminal all stop in order; that is no failure, and nothing is left running."""
    record = read_record(tmp_path)
    assert record is not None

    up.send_signal(number)
    code = up.wait(20)

    assert code == 0
    assert families(record.processes()) == []
    assert journal(tmp_path)[-1] == "term broker"
    assert not (tmp_path / "run" / "endpoints.json").exists()


def test_ctrl_c_while_parts_start_stops_what_runs(tmp_path: Path) -> None:
    """An interrupted start exits with 130 and leaves nothing."""
    (tmp_path / "reader.sick").touch()
    process = start(tmp_path)
    until(lambda: "reader: starting" in output(tmp_path))
    record = read_record(tmp_path)
    assert record is not None

    process.send_signal(signal.SIGINT)
    code = process.wait(20)

    assert code == 130
    assert families(record.processes()) == []


def test_a_second_up_says_who_runs(
    up: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same data directory is refused with the pid of its owner, which goes on undisturbed."""
    code = main(["up", "--data-dir", str(tmp_path)])

    assert code == 1
    assert f"(pid {up.pid})" in capsys.readouterr().err
    assert up.poll() is None
    assert load_settings(data_dir=tmp_path).partitions == 3


@pytest.mark.usefixtures("up")
def test_other_commands_find_the_running_stack(tmp_path: Path) -> None:
    """Flags of `up` and generated secrets are the settings of every command on the directory, for its owner only."""
    settings = load_settings(data_dir=tmp_path)
    endpoints = tmp_path / "run" / "endpoints.json"

    assert settings.partitions == 3
    assert settings.clickhouse_password.get_secret_value() == json.loads(endpoints.read_text())["clickhouse_password"]
    assert endpoints.stat().st_mode & 0o777 == 0o600


def test_up_takes_over_from_a_killed_one(up: subprocess.Popen[str], tmp_path: Path) -> None:
    """After kill -9 the next `up` ends the orphans and runs its own parts, with the same generated secrets."""
    record = read_record(tmp_path)
    before = load_settings(data_dir=tmp_path).clickhouse_password
    assert record is not None
    up.kill()
    up.wait()

    second = start(tmp_path)
    until(lambda: "Everything works" in output(tmp_path))
    after = load_settings(data_dir=tmp_path).clickhouse_password
    orphans = families(record.processes())
    second.send_signal(signal.SIGINT)

    assert second.wait(20) == 0
    assert orphans == []
    assert after == before


def test_a_broken_part_is_told_in_one_line(tmp_path: Path) -> None:
    """The last line names the part, its own last words and its log; the exit code is 1."""
    (tmp_path / "broker.broken").touch()

    code = start(tmp_path).wait(30)

    assert code == 1
    last = output(tmp_path).splitlines()[-1]
    assert last.startswith("cinepulse: broker does not start: broker needs a setting (in ")


def test_a_missing_file_of_posts_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is found before anything starts."""
    code = main(["up", "--data-dir", str(tmp_path / "home"), "--posts", str(tmp_path / "none.jsonl")])

    assert code == 2
    assert "none.jsonl" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_the_live_table_shows_every_part() -> None:
    """On a terminal a part's health, process and restarts are one row."""
    part = PartRecord("kafka", 9092, "kafka:9092", "log", "unhealthy", 2, ProcessRef(77, 1.0), 1.0)
    console = Console(width=80)

    with console.capture() as captured:
        console.print(parts_table((part,)))

    assert [word for word in ("kafka", "unhealthy", "77", "9092", "2") if word not in captured.get()] == []
