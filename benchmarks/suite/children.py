"""Contenders as processes of their own: started, watched, and what they took."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.suite.model import ContenderFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).parents[2]
STOP_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.05
MEGABYTE: Final = 1_000_000
KIBIBYTE: Final = 1024


@dataclass(slots=True)
class Child:
    """A running child; `output` and `errors` are the files of what it writes."""

    popen: subprocess.Popen[bytes]
    output: Path
    errors: Path
    memory_mb: float = 0.0
    """The most memory it has held, known when it has ended."""

    def text(self) -> str:
        """Return what it has printed."""
        return self.output.read_text("utf-8", "replace")

    def cpu_seconds(self) -> float:
        """Return the processor time it has taken, in user and kernel mode, while it runs."""
        try:
            spent = psutil.Process(self.popen.pid).cpu_times()
        except psutil.NoSuchProcess:
            raise ContenderFailed(self.reason()) from None
        return spent.user + spent.system

    def running(self) -> bool:
        """Return whether it still runs; once it does not, what it took is known."""
        if self.popen.returncode is None:
            done, status, usage = os.wait4(self.popen.pid, os.WNOHANG)
            if done:
                self.popen.returncode = os.waitstatus_to_exitcode(status)
                self.memory_mb = usage.ru_maxrss * KIBIBYTE / MEGABYTE
        return self.popen.returncode is None

    def wait(self, seconds: float) -> int:
        """Return its exit code; raises ContenderFailed when it still runs after so many seconds."""
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                raise ContenderFailed(f"not done after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        return int(self.popen.returncode)

    def reason(self) -> str:
        """Return the last line that it wrote about itself."""
        lines = (self.errors.read_text("utf-8", "replace").strip() or self.text().strip()).splitlines()
        return lines[-1][:300] if lines else "it ended and said nothing"


@contextmanager
def child_of(command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Let a child run within a block, in the repository's root; it does not outlive the block."""
    output, errors = directory / "output", directory / "errors"
    with output.open("wb") as out, errors.open("wb") as err:
        whole = {**os.environ, **(environment or {})}
        popen = subprocess.Popen(command, cwd=ROOT, env=whole, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    child = Child(popen, output, errors)
    try:
        yield child
    finally:
        if child.running():
            popen.kill()
            child.wait(STOP_SECONDS)
