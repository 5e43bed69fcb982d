"""Loopback ports: the usual one where it is free, another where it is not."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from cinepulse.errors import StackUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK: Final = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections (32768 and up): one picked from that range
# could be taken by any client between the picking and the listening.
SPARE_PORTS: Final = range(20_000, 32_000)
ATTEMPTS: Final = 200


def is_free(port: int) -> bool:
    """Return whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do, so that a port whose last connections still linger counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


class PortPicker:
    """Picks ports that are free and keeps them, for as long as it lives, from every other picker of this user.

    A server that has just died frees its port for a moment. Were another stack to take it then, clients of the one
    would talk to the other's server. `free` tells whether nothing listens on a port; `folder` holds the pickers' locks.
    Picking raises StackUnavailable where the folder cannot be written.
    """

    def __init__(self, free: Callable[[int], bool] = is_free, folder: Path | None = None) -> None:
        self._free = free
        self._random = SystemRandom()
        self._folder = folder or Path(tempfile.gettempdir(), f"cinepulse-ports-{os.getuid()}")
        self._kept: dict[int, FileLock] = {}

    def take(self, port: int) -> bool:
        """Keep a port, and return whether it was to be had."""
        if port in self._kept:
            return False
        lock = FileLock(self._folder / str(port))
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise StackUnavailable(f"cannot write {self._folder}: {error.strerror}") from error
        if not self._free(port):
            lock.release()
            return False
        self._kept[port] = lock
        return True

    def pick(self, usual: int | None = None) -> int:
        """Return `usual` if it is to be had, else a port of the spare range; raises StackUnavailable if none is."""
        candidates = [usual] if usual else []
        candidates += [self._random.choice(SPARE_PORTS) for _ in range(ATTEMPTS)]
        for port in candidates:
            if self.take(port):
                return port
        raise StackUnavailable(f"no free port found on {LOOPBACK}: too many programs listen")

    def release(self) -> None:
        """Let others have the ports."""
        for lock in self._kept.values():
            lock.release()
        self._kept.clear()
