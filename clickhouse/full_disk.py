"""What a full disk may have spoiled: the engine opens its files anew, which makes them whole, once there is room.

ClickHouse asks for room before a merge and does not hold it. Where the disk fills up meanwhile, a merge can end with an
empty file and be taken for good (seen with 26.9, compact and wide parts, with and without fsync): whoever reads the
part is told CORRUPTED_DATA, and the parts it was made of are deleted after a while (`old_parts_lifetime`,
https://clickhouse.com/docs/operations/settings/merge-tree-settings, here `engine_config.REPLACED_SECONDS`). When it
opens its files the engine compares each part with its checksums, sets aside what differs, and takes up what that was
made of: in time, nothing is lost.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from cinepulse.logging import get_logger
from clickhouse.engine_config import KEEP_FREE_BYTES, REPLACED_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cinepulse.clock import Clock
    from clickhouse.engine_handle import EngineError
    from clickhouse.http_errors import RequestRefused

LOG = get_logger(__name__)

FULL: Final = frozenset({"NOT_ENOUGH_SPACE", "CANNOT_WRITE_TO_FILE_DESCRIPTOR", "CANNOT_WRITE_TO_FILE"})
SPOILED: Final = frozenset({"CORRUPTED_DATA"})
MARK: Final = "opened-anew"
"""A file whose time is that of the last opening for spoiled data."""

# What the engine leaves free, and as much as a few inserts and merges of fresh rows take.
ROOM_BYTES: Final = KEEP_FREE_BYTES + (64 << 20)
# Without room as well, before what a spoiled part was made of is gone.
LONGEST_SECONDS: Final = REPLACED_SECONDS / 2
# Data that opening does not mend stays as it is: again and again would only take the server away.
SPOILED_PAUSE_SECONDS: Final = 600.0


def free_bytes(path: Path) -> int:
    """Return the room on a path's file system."""
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize


class FullDisk:
    """Watches for signs of a full disk.

    Args:
        path: the engine's folder.
        clock: tells the time.
        free: returns the bytes free on its disk.
    """

    def __init__(self, path: Path, clock: Clock, free: Callable[[Path], int] = free_bytes) -> None:
        self._path = path
        self._clock = clock
        self._free = free
        self._since: float | None = None

    def note(self, error: EngineError | RequestRefused) -> None:
        """Take in an error that a request ended with."""
        if error.name in FULL or (error.name in SPOILED and self._may_mend()):
            self._since = self._clock.monotonic() if self._since is None else self._since

    def must_open_anew(self) -> bool:
        """Return whether the engine has to open its files anew now: there is room, or waiting on would lose rows."""
        if self._since is None:
            return False
        return self._free(self._path) >= ROOM_BYTES or self._clock.monotonic() - self._since >= LONGEST_SECONDS

    def _may_mend(self) -> bool:
        mark, now = self._path / MARK, self._clock.now_ms()
        try:
            if now - mark.stat().st_mtime * 1_000 < SPOILED_PAUSE_SECONDS * 1_000:
                return False
        except FileNotFoundError:
            """It was never opened anew."""
        mark.touch()
        os.utime(mark, (now / 1_000, now / 1_000))
        return True


def open_anew() -> None:
    """Become a new process of the same command, with the same pid; everything must be closed before."""
    LOG.warning("clickhouse.opening_anew", reason="the disk was full or a part is spoiled")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this very command again
