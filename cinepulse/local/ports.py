"""Loopback ports: the usual one where it is free, another where it is not."""

from __future__ import annotations

import socket
from random import SystemRandom
from typing import TYPE_CHECKING, Final

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
    """Picks ports that are free and that it has not picked before; `free` tells whether one is."""

    def __init__(self, free: Callable[[int], bool] = is_free) -> None:
        self._free = free
        self._random = SystemRandom()
        self._picked: set[int] = set()

    def pick(self, usual: int | None = None) -> int:
        """Return `usual` if it is free, else a free port of the spare range; raises StackUnavailable if none is."""
        candidates = [usual] if usual else []
        candidates += [self._random.choice(SPARE_PORTS) for _ in range(ATTEMPTS)]
        for port in candidates:
            if port not in self._picked and self._free(port):
                self._picked.add(port)
                return port
        raise StackUnavailable(f"no free port found on {LOOPBACK}: too many programs listen")
