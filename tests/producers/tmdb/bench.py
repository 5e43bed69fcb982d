"""The TMDB producer's parts on a real loopback TMDB and a real broker, on a clock that moves when told."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import TYPE_CHECKING, Any

from cinepulse.clock import ManualClock
from producers.outbox import Outbox
from producers.tmdb.client import TmdbClient
from producers.tmdb.films import Films
from producers.tmdb.parts import Parts
from producers.tmdb.run import _give_up
from producers.tmdb.state import TmdbState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from cinepulse.settings import Settings
    from schemas.publisher import Publisher


class TooLong(Exception):
    """More pauses than any test needs."""


def with_parts(
    settings: Settings,
    data_dir: Path,
    publisher: Publisher,
    use: Callable[[Parts], Awaitable[Any]],
    *,
    most_pauses: int = 100_000,
) -> Any:
    """Return what a use of the parts returns; pauses move their clock and let no real time pass."""
    clock = ManualClock(wall_ms=round(time.time() * 1000))
    pauses = 0

    async def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses > most_pauses:
            raise TooLong
        clock.advance(seconds)
        await asyncio.sleep(0)

    async def run() -> Any:
        random = Random(1)  # noqa: S311 - the same jitter in every run
        client = TmdbClient(settings, clock=clock, sleep=pause, random=random)
        outbox = Outbox(publisher, "tmdb", _give_up)
        async with client:
            with TmdbState(data_dir) as state:
                return await use(Parts(settings, client, state, Films(outbox, state), outbox, clock, random, pause))

    return asyncio.run(run())
