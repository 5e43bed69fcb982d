"""One part of the pipeline as the product runs it, with points at which it can be hit.

Run as `python -m tests.chaos.part ROLE CINEPULSE-ARGUMENTS…`; the data directory comes from the environment.
"""

from __future__ import annotations

import functools
import inspect
import os
import random
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.failpoints import CLOCK, FOLDER, HELD, TWICE, Failpoints

if TYPE_CHECKING:
    from collections.abc import Callable

HOLD_SECONDS: Final = 0.05
INSERT_SECONDS: Final = 0.02


def around(owner: Any, name: str, *, before: Callable[[], None] | None = None, after: Any = None) -> None:
    """Put a step before or after a method, which stays as it is."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def call(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            before()
        result = inner(*arguments, **options)
        if after is not None:
            after()
        return result

    @functools.wraps(inner)
    async def call_async(*arguments: Any, **options: Any) -> Any:
        if before is not None:
            before()
        result = await inner(*arguments, **options)
        if after is not None:
            after()
        return result

    setattr(owner, name, call_async if inspect.iscoroutinefunction(inner) else call)


def producer(role: str, points: Failpoints) -> None:
    """A producer dies with what it has fetched, sent or had confirmed."""
    from producers.outbox import Outbox
    from producers.reddit.poller import Poller
    from producers.reddit.state import RedditState
    from schemas.publisher import Publisher

    reach = points.reach
    around(Poller, "_publish", before=lambda: reach(f"{role}.fetched"))
    around(Outbox, "confirm", before=lambda: reach(f"{role}.sent"))
    around(RedditState, "save_poll", before=lambda: reach(f"{role}.confirmed"))
    publish = Publisher.publish

    def again(self: Publisher, topic: Any, key: Any, value: Any) -> None:
        publish(self, topic, key, value)
        if points.flagged(TWICE, role) is not None:
            publish(self, topic, key, value)

    Publisher.publish = again  # type: ignore[method-assign]  # stands in for the method


def worker(role: str, points: Failpoints) -> None:
    """A worker dies at each step of a flush, whose order is what makes counts exact."""
    from stream_processors.batch_worker import BatchWorker
    from stream_processors.outbox import Outbox
    from stream_processors.transport import Consumer

    reach = points.reach
    around(BatchWorker, "_take", before=lambda: reach(f"{role}.folded"))
    around(BatchWorker, "_prove", after=lambda: reach(f"{role}.state_delivered"))
    around(BatchWorker, "_settle", before=lambda: reach(f"{role}.output_delivered"))
    around(Consumer, "commit", before=lambda: reach(f"{role}.committing"))
    send = Outbox.send

    async def again(self: Outbox, records: Any) -> bool:
        held = list(records)
        return await send(self, held * 2 if points.flagged(TWICE, role) is not None else held)

    Outbox.send = again  # type: ignore[method-assign]  # stands in for the method


def sink(role: str, points: Failpoints) -> None:
    """The sink dies between an insert, its ledger and its commit."""
    from clickhouse.sink import SinkLoop
    from clickhouse.store import Store

    reach = points.reach
    for insert in ("insert", "insert_block"):
        around(Store, insert, before=lambda: reach(f"{role}.inserting"), after=lambda: reach(f"{role}.inserted"))
    around(Store, "record", after=lambda: reach(f"{role}.recorded"))
    around(SinkLoop, "_commit", before=lambda: reach(f"{role}.committing"))


def engine(role: str, points: Failpoints) -> None:
    """ClickHouse dies within an insert, at a moment that nobody chooses."""
    from clickhouse.engine_handle import Handle

    run = Handle._run

    def doomed(self: Handle, sql: str, *arguments: Any, **options: Any) -> Any:
        if sql.lstrip().startswith("INSERT") and (number := points.take(f"{role}.inserting")) is not None:
            wait = random.SystemRandom().uniform(0, INSERT_SECONDS)
            threading.Timer(wait, os.kill, (os.getpid(), number)).start()
        return run(self, sql, *arguments, **options)

    Handle._run = doomed  # type: ignore[method-assign]  # stands in for the method


def wrong_clock(seconds: float) -> None:
    """Let this process live so many seconds away from everybody else."""
    from cinepulse.clock import SystemClock

    def now_ms(self: SystemClock) -> int:
        del self
        return time.time_ns() // 1_000_000 + round(seconds * 1_000)

    SystemClock.now_ms = now_ms  # type: ignore[method-assign]  # stands in for the method


def quick_fates() -> None:
    """Let posts be edited and deleted within seconds, so that a reckoning need not wait for the last re-check."""
    from cinepulse.world import fates

    fates.UNTIL_SECONDS = 3.0  # type: ignore[misc]  # the world's own number is for people who watch


def world(_role: str, _points: Failpoints) -> None:
    """The world is what is true: a full disk must not make it forget what was put into it."""
    from cinepulse.world.journal import Journal

    quick_fates()
    write = Journal.write

    def write_if_possible(self: Journal, timeline: Any, served: int, now_ms: int) -> None:
        with suppress(OSError):
            write(self, timeline, served, now_ms)

    Journal.write = write_if_possible  # type: ignore[method-assign]  # stands in for the method


ROLES: Final[dict[str, Callable[[str, Failpoints], None]]] = {
    "reddit": producer,
    "tmdb": producer,
    "link": worker,
    "count": worker,
    "sink": sink,
    "clickhouse": engine,
    "world": world,
}


def main() -> int:
    """Run the part."""
    role, *arguments = sys.argv[1:]
    points = Failpoints(Path(os.environ["CINEPULSE_DATA_DIR"]) / FOLDER)
    while points.flagged(HELD, role) is not None:
        time.sleep(HOLD_SECONDS)
    if role in ROLES:
        ROLES[role](role, points)
    if (offset := points.flagged(CLOCK, role)) is not None:
        wrong_clock(float(offset))
    from cinepulse.cli import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
