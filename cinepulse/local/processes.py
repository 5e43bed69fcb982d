"""Processes named by pid and time of birth, so that a recycled pid is never taken for the process that had it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

# Linux derives a birth from the boot time, which moves when the clock is set; a pid is not used again this fast.
BIRTH_TOLERANCE_SECONDS: Final = 1.5
# SIGKILL cannot be refused; only a process inside the kernel takes a moment.
KILL_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """One process for ever: its pid and when it was born, seconds since 1970."""

    pid: int
    born: float

    @classmethod
    def of(cls, pid: int) -> ProcessRef | None:
        """Return the reference of a living process, None if there is none with that pid."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    @classmethod
    def own(cls) -> ProcessRef:
        """Return the reference of this process."""
        return cls(os.getpid(), psutil.Process().create_time())

    def process(self) -> psutil.Process | None:
        """Return the process if it lives and is the one that was meant."""
        try:
            found = psutil.Process(self.pid)
            alive = found.status() != psutil.STATUS_ZOMBIE
            return found if alive and abs(found.create_time() - self.born) < BIRTH_TOLERANCE_SECONDS else None
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """Return whether the process lives."""
        return self.process() is not None


def families(refs: Iterable[ProcessRef]) -> list[psutil.Process]:
    """Return the living processes among `refs`, each followed by its descendants."""
    found: dict[psutil.Process, None] = {}
    for process in filter(None, (ref.process() for ref in refs)):
        found[process] = None
        try:
            found |= dict.fromkeys(process.children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    return list(found)


def end_processes(refs: Iterable[ProcessRef], *, grace: float) -> int:
    """End processes and all their descendants: SIGTERM, then SIGKILL after `grace` seconds; return how many there were.

    The order of `refs` matters: each is signalled before those after it, so that a supervisor named first does not
    start again what is ended next.
    """
    meant = tuple(refs)
    wanted = families(meant)
    for process in wanted:
        _signal(process, kill=False)
    left = wait_gone(wanted, grace)
    # A supervisor may have started something between the first look and its end.
    kill_processes(dict.fromkeys([*left, *families(meant)]))
    return len(wanted)


def kill_processes(processes: Iterable[psutil.Process]) -> None:
    """End processes with SIGKILL and return when they are gone."""
    killed = list(processes)
    for process in killed:
        _signal(process, kill=True)
    wait_gone(killed, KILL_SECONDS)


def wait_gone(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return the processes that still run when all have ended or `seconds` are over.

    A zombie has ended: it holds no file, port or memory, only its parent's attention.
    """
    deadline = time.monotonic() + seconds
    left = [process for process in processes if _runs(process)]
    while left and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        left = [process for process in left if _runs(process)]
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
