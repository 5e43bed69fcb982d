"""Disks that fail: the stack's data directory on a small file system of its own, where the machine allows one."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tests.chaos.failpoints import HELD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.rig import Rig

SIZE: Final = "3g"
FILLER: Final = "filler"
STEP: Final = 1 << 20


def unmountable() -> str:
    """Return why this process cannot mount a file system, empty where it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "needs the right to mount a file system"
    with TemporaryDirectory() as folder:
        if not _run("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder):
            return "needs the right to mount a file system"
        _run("umount", folder)
    return ""


def mount(home: Path) -> None:
    """Put a directory on a file system of its own."""
    home.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(home))


def unmount(home: Path) -> None:
    """Undo `mount`, with what lies in it."""
    _run("umount", "--lazy", str(home))


def fill(home: Path, left: int = 0) -> None:
    """Leave so many bytes of room, or not a single one."""
    stat = os.statvfs(home)
    with (home / FILLER).open("wb") as file:
        with suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - (left or STEP))
        if left:
            return
        with suppress(OSError):
            while True:
                os.write(file.fileno(), b"\0" * STEP)


def free(home: Path) -> None:
    """Give the room back."""
    (home / FILLER).unlink(missing_ok=True)


def make_read_only(rig: Rig) -> None:
    """Kill ClickHouse and let its successor find a directory that it cannot write."""
    folder = str(rig.home / "clickhouse")
    rig.points.flag(HELD, "clickhouse")
    rig.kill("clickhouse")
    _run("mount", "--bind", folder, folder)
    _run("mount", "-o", "remount,bind,ro", folder)
    rig.points.unflag(HELD, "clickhouse")


def make_writable(rig: Rig) -> None:
    """Undo it."""
    rig.points.flag(HELD, "clickhouse")
    with suppress(ProcessLookupError, KeyError):
        os.kill(rig.pids()["clickhouse"], signal.SIGKILL)
    _run("umount", "--lazy", str(rig.home / "clickhouse"))
    rig.points.unflag(HELD, "clickhouse")


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
