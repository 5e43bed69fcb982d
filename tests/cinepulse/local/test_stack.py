from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from cinepulse.errors import StackUnavailable
from cinepulse.local import stack as stack_module
from cinepulse.local import watch as watch_module
from cinepulse.local.claim import claim
from cinepulse.local.parts import Stage
from cinepulse.local.ports import PortPicker
from cinepulse.local.processes import families
from cinepulse.local.stack import Stack, StackEvent
from cinepulse.local.state import PartRecord, StackRecord, read_record
from tests.cinepulse.local.conftest import fake_part, fake_stages, journal, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

FAKE_UP = Path(__file__).with_name("fake_up.py")


def part(stack: Stack, name: str) -> PartRecord:
    """Return what the stack last saw of a part."""
    return next(record for record in stack.snapshot() if record.name == name)


def pid(stack: Stack, name: str) -> int:
    """Return the pid of a part."""
    process = part(stack, name).process
    assert process is not None
    return process.pid


def alive(record: StackRecord) -> list[int]:
    """Return the pids of the record's processes and their descendants that live."""
    return [process.pid for process in families(record.processes())]


def test_parts_start_in_order_and_stop_in_reverse(home: Path) -> None:
    """A stage starts when the one before it answers, and stops when the one after it has stopped."""
    with Stack(home, fake_stages(home)) as stack:
        stack.start()

    lines = journal(home)
    assert [lines[0], set(lines[1:3]), lines[3]] == ["start broker", {"start left", "start right"}, "start reader"]
    assert [lines[4], set(lines[5:7]), lines[7]] == ["term reader", {"term left", "term right"}, "term broker"]


def test_steps_between_stages_run_when_the_stage_answers(home: Path) -> None:
    """What has to happen between two stages finds the first answering and the second not started."""
    first, *rest = fake_stages(home)
    seen: list[str] = []
    step = Stage(first.parts, "topics", lambda: seen.extend(journal(home)))

    with Stack(home, [step, *rest]) as stack:
        stack.start()

    assert seen == ["start broker"]


def test_nothing_runs_after_the_stop(home: Path) -> None:
    """Parts and supervisord are gone when the stack is left."""
    with Stack(home, fake_stages(home)) as stack:
        stack.start()
        record = read_record(home)
    assert record is not None

    assert len(record.processes()) == 5
    assert alive(record) == []


def test_a_killed_part_is_back(stack: Stack) -> None:
    """A part that kill -9 ended runs again under a new pid, and its restart is counted."""
    before = pid(stack, "left")

    os.kill(before, signal.SIGKILL)
    until(lambda: part(stack, "left").restarts == 1 and part(stack, "left").health == "healthy", stack)

    assert pid(stack, "left") != before
    assert part(stack, "right").restarts == 0


def test_a_stuck_part_is_started_anew(stack: Stack, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that lives and does not answer is ended and replaced."""
    monkeypatch.setattr(watch_module, "UNHEALTHY_SECONDS", 0.3)
    (home / "left.sick").touch()

    until(lambda: part(stack, "left").restarts == 1, stack)
    (home / "left.sick").unlink()
    until(lambda: part(stack, "left").health == "healthy", stack)

    assert journal(home).count("term left") == 1


def test_a_stuck_part_that_ignores_the_request_is_killed(
    stack: Stack, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL follows where SIGTERM changed nothing."""
    monkeypatch.setattr(watch_module, "UNHEALTHY_SECONDS", 0.3)
    (home / "left.stubborn").touch()
    (home / "left.sick").touch()

    until(lambda: journal(home).count("start left") == 2, stack)

    assert part(stack, "left").restarts == 1


def test_a_part_that_cannot_start_says_why(home: Path) -> None:
    """The start ends with the part's own last line and the file it is in, and stops what it had started."""
    (home / "reader.broken").touch()

    with pytest.raises(StackUnavailable, match=r"reader does not start: reader needs a setting.*reader\.log"):  # noqa: SIM117 - the stack is what raises
        with Stack(home, fake_stages(home)) as stack:
            stack.start()

    record = read_record(home)
    assert record is not None
    assert alive(record) == []


def test_a_dead_supervisord_is_replaced(stack: Stack, home: Path) -> None:
    """When supervisord itself is killed its orphans are ended and all parts come back, in order, under a new one."""
    record = read_record(home)
    assert record is not None
    assert record.supervisor is not None

    os.kill(record.supervisor.pid, signal.SIGKILL)
    until(lambda: all(each.restarts == 1 and each.health == "healthy" for each in stack.snapshot()), stack)

    assert alive(record) == []
    starts = [line for line in journal(home) if line.startswith("start")][4:]
    assert (len(starts), starts[0], starts[-1]) == (4, "start broker", "start reader")


def test_a_stubborn_part_does_not_hold_up_the_stop(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that ignores SIGTERM is killed when its share of the time is over, and it is told."""
    monkeypatch.setattr(stack_module, "STOP_SECONDS", 2.5)
    (home / "left.stubborn").touch()
    events: list[StackEvent] = []

    with Stack(home, fake_stages(home), notify=events.append) as stack:
        stack.start()
        record = read_record(home)
    assert record is not None

    assert alive(record) == []
    assert StackEvent("left", "killed: it did not stop in time") in events
    assert StackEvent("broker", "stopped") in events


def test_a_cancelled_start_ends(home: Path) -> None:
    """Ctrl-C while parts still start ends the start."""
    (home / "broker.sick").touch()
    ports = PortPicker()

    with Stack(home, [Stage((fake_part(home, "broker", ports),))]) as stack:
        stack.cancel()
        with pytest.raises(KeyboardInterrupt):
            stack.start()


def test_parts_get_no_setting_but_the_data_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of the environment do not reach a part's environment, which others may read."""
    monkeypatch.setenv("REDDIT_CLIENT_SECRET", "hidden")
    monkeypatch.setenv("TMDB_READ_TOKEN", "hidden")
    monkeypatch.setenv("CINEPULSE_CLICKHOUSE_PASSWORD", "hidden")

    with Stack(home, fake_stages(home)) as stack:
        stack.start()

    names = (home / "left.environment").read_text().splitlines()
    assert {name for name in names if name.startswith(("CINEPULSE_", "REDDIT_", "TMDB_"))} == {
        "CINEPULSE_DATA_DIR",
        "CINEPULSE_METRICS_PORT",
    }


def test_a_deep_data_directory_works(tmp_path: Path) -> None:
    """A path longer than a socket's may be, with signs that configuration files give a meaning, is no hindrance."""
    deep = tmp_path / ("deep %(here)s ;#, é" * 3) / ("d" * 100)
    deep.mkdir(parents=True)

    with claim(deep) as home, Stack(home, fake_stages(home)) as stack:
        stack.start()

        record = read_record(home)
        assert record is not None
        assert record.socket is not None
        assert Path(record.socket).is_socket()
        assert (home / "logs" / "left.log").exists()

    assert not Path(record.socket).parent.exists()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Return a running `up` of fake parts in a process of its own."""
    process = subprocess.Popen([sys.executable, str(FAKE_UP), str(tmp_path)])
    until((tmp_path / "up").exists)
    yield process
    process.kill()
    process.wait()
    with claim(tmp_path):
        """Ends what a failed test left."""


def test_the_next_up_ends_what_a_killed_one_left(up: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """After kill -9 of `up` its parts run on; the next claim of the directory ends them all, cleanly."""
    up.kill()
    up.wait()
    record = read_record(tmp_path)
    assert record is not None
    assert len(alive(record)) == 5

    with claim(tmp_path) as home:
        left = alive(record)

        assert left == []
        assert not (home / "run" / "endpoints.json").exists()

    assert journal(tmp_path)[-1].startswith("term")


def test_orphans_of_a_dead_supervisord_are_found_too(up: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """With `up` and supervisord both killed each part is found by its own record."""
    record = read_record(tmp_path)
    assert record is not None
    assert record.supervisor is not None
    up.kill()
    os.kill(record.supervisor.pid, signal.SIGKILL)
    up.wait()
    until(lambda: not psutil.pid_exists(record.supervisor.pid if record.supervisor else 0))

    with claim(tmp_path):
        left = alive(record)

    assert left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_reverse(
    up: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C and `kill` end `up` with all parts stopped in reverse order and no state of a running stack left."""
    record = read_record(tmp_path)
    assert record is not None

    up.send_signal(number)
    code = up.wait(15)

    assert code == 0
    assert alive(record) == []
    assert [line for line in journal(tmp_path) if line.startswith("term")][::3] == ["term reader", "term broker"]
    assert read_record(tmp_path) is None


def test_a_full_disk_does_not_end_the_supervision(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be written down is told once and written when there is room; dead parts are restarted meanwhile."""
    events: list[StackEvent] = []

    def full(_home: Path, _record: StackRecord) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Stack(home, fake_stages(home), notify=events.append) as stack:
        stack.start()
        before = pid(stack, "left")
        with monkeypatch.context() as patch:
            patch.setattr(stack_module, "write_record", full)
            stack.supervise_in_background()
            os.kill(before, signal.SIGKILL)
            until(lambda: part(stack, "left").restarts == 1 and part(stack, "left").health == "healthy")
        after = pid(stack, "left")
        until(lambda: str(after) in (home / "run" / "parts.json").read_text())

    told = [event for event in events if event.subject == "up"]
    assert [event.what for event in told] == [f"cannot write {home}: {os.strerror(errno.ENOSPC)}"]
