"""Waiting for something to become true, with a deadline."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE_SECONDS: Final = 60.0


async def until(true: Callable[[], bool], *, pause: float = 0.01) -> None:
    """Return once something is true, asking every `pause` seconds; raises TimeoutError when it takes a minute."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not true():  # noqa: ASYNC110 - what is waited for happens in other threads and processes
            await asyncio.sleep(pause)


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Return once something is true; fails with `what` when it takes a minute."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"after {DEADLINE_SECONDS:.0f} s still not: {what}"
        time.sleep(0.05)
