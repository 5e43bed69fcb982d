from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import ConfigurationInvalid, DataDirectoryBusy
from cinepulse.local.claim import claim
from cinepulse.local.processes import ProcessRef
from cinepulse.local.state import PartRecord, StackRecord, read_record, write_endpoints, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLAIM_AND_DIE = """
import os, sys
from pathlib import Path
from cinepulse.local.claim import claim
with claim(Path(sys.argv[1])):
    os.kill(os.getpid(), 9)
"""
LISTEN = """
import signal, sys, time
def ended(*_):
    exec(sys.argv[1])
signal.signal(signal.SIGTERM, ended)
print("ready", flush=True)
time.sleep(300)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that does nothing for long."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    yield process
    process.kill()
    process.wait()


@contextmanager
def listening(name: str, answer: str) -> Iterator[tuple[str, ProcessRef, subprocess.Popen[bytes]]]:
    """Run a part that answers a request to end with a statement."""
    process = subprocess.Popen([sys.executable, "-c", LISTEN, answer], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    ref = ProcessRef.of(process.pid)
    assert ref is not None
    try:
        yield name, ref, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def record_of(ref: ProcessRef) -> StackRecord:
    """Return the record of a stack of one part."""
    return StackRecord(ProcessRef(1, 0), parts=(PartRecord("part", 1, "kafka:1", "log", "healthy", 0, ref, ref.born),))


def test_a_second_claim_names_the_first(tmp_path: Path) -> None:
    """The same directory cannot be owned twice, and the error says by whom it is."""
    with claim(tmp_path), pytest.raises(DataDirectoryBusy, match=f"pid {os.getpid()}"), claim(tmp_path):
        pytest.fail("claimed twice")


def test_a_claim_ends_with_its_block(tmp_path: Path) -> None:
    """A directory that was given up can be owned again, and no addresses of a running stack are left in it."""
    with claim(tmp_path) as home:
        write_endpoints(home, {"kafka_bootstrap": "127.0.0.1:1"})

    assert not (tmp_path / "run" / "endpoints.json").exists()
    with claim(tmp_path) as home:
        assert home == tmp_path


def test_a_claim_dies_with_its_process(tmp_path: Path) -> None:
    """Kill -9 of the owner frees the directory."""
    killed = subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, str(tmp_path)], check=False)

    assert killed.returncode == -9
    with claim(tmp_path) as home:
        assert home == tmp_path


def test_recorded_orphans_are_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """What a killed `up` left running does not outlive the next claim."""
    ref = ProcessRef.of(sleeper.pid)
    assert ref is not None
    write_record(tmp_path, record_of(ref))

    with claim(tmp_path):
        code = sleeper.wait(10)

    assert code < 0
    assert read_record(tmp_path) is None


def test_recorded_stores_may_close_their_files(tmp_path: Path) -> None:
    """Of what a killed `up` left, all are asked to end, the broker last, and who ignores it is killed.

    The exit codes tell: the broker's own, which it has set after closing, and a SIGKILL for the part that ignores a
    request.
    """
    codes = {}
    with listening("kafka", "raise SystemExit(7)") as kafka, listening("count", "pass") as count:
        parts = [PartRecord(name, 1, "kafka:1", "log", "healthy", 0, found) for name, found, _ in (kafka, count)]
        write_record(tmp_path, StackRecord(ProcessRef(1, 0), parts=tuple(parts)))
        with claim(tmp_path):
            codes = {name: process.wait(10) for name, _, process in (kafka, count)}

    assert codes == {"kafka": 7, "count": -9}


def test_a_recycled_pid_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """A process that has a recorded pid and another birth is somebody else's."""
    ref = ProcessRef.of(sleeper.pid)
    assert ref is not None
    write_record(tmp_path, record_of(ProcessRef(ref.pid, ref.born - 60)))

    with claim(tmp_path):
        assert sleeper.poll() is None


def test_an_unreadable_record_is_no_hindrance(tmp_path: Path) -> None:
    """A record cut off or of another version is dropped."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "parts.json").write_text('{"up": 3')

    with claim(tmp_path) as home:
        assert read_record(home) is None


def test_a_directory_that_cannot_be_written_says_which_setting(tmp_path: Path) -> None:
    """A file in the directory's place is a wrong setting, told in one line."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_DATA_DIR"), claim(tmp_path / "file"):
        pytest.fail("claimed a file")
