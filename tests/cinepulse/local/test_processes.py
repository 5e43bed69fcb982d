from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from cinepulse.local.processes import ProcessRef, end_processes, families, wait_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(child.pid, flush=True)
time.sleep(300)
"""
IDLE = """
import time
print("ready", flush=True)
time.sleep(300)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(300)
"""


@pytest.fixture
def run() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Return a list whose processes are ended after the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def start(code: str, run: list[subprocess.Popen[bytes]]) -> tuple[ProcessRef, str]:
    """Start Python code and return its reference and its first line."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    run.append(process)
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    ref = ProcessRef.of(process.pid)
    assert ref is not None
    return ref, line


def test_a_reference_holds_while_its_process_lives(run: list[subprocess.Popen[bytes]]) -> None:
    """A killed process is gone at once, its zombie does not count as life."""
    ref, _ = start(IDLE, run)
    before = ref.alive()
    os.kill(ref.pid, 9)
    wait_gone([psutil.Process(ref.pid)], 10)

    assert (before, ref.alive()) == (True, False)


def test_another_birth_is_another_process() -> None:
    """The pid alone is not the process."""
    own = ProcessRef.own()

    assert own.alive()
    assert not ProcessRef(own.pid, own.born - 10).alive()


def test_descendants_end_too(run: list[subprocess.Popen[bytes]]) -> None:
    """Ending a process ends what it started."""
    ref, line = start(PARENT, run)
    child = ProcessRef.of(int(line))
    assert child is not None

    count = end_processes([ref], grace=10)

    assert count == 2
    assert not ref.alive()
    assert not child.alive()


def test_what_ignores_the_request_is_killed(run: list[subprocess.Popen[bytes]]) -> None:
    """SIGKILL follows SIGTERM."""
    ref, _ = start(STUBBORN, run)

    end_processes([ref], grace=0.2)

    assert not ref.alive()


def test_nothing_to_end_is_nothing() -> None:
    """Processes that are gone are no error."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert end_processes([ProcessRef(gone.pid, 0)], grace=1) == 0
    assert families([ProcessRef(gone.pid, 0)]) == []
