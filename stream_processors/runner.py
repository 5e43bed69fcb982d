"""One worker process from start to end: signals, health, recovery, a clean stop, an exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import SystemClock
from cinepulse.errors import CinepulseError, ConfigurationInvalid, WorkerCrashed
from cinepulse.health import beat, mark_ready, serve_health
from cinepulse.kafka import missing_topic, producer_config
from cinepulse.logging import configure_logging, get_logger
from cinepulse.metrics import LAG
from schemas.provision import admin_client, describe_topics
from schemas.topics import topic_named
from stream_processors.app import connect, make_app
from stream_processors.batch_worker import BatchWorker
from stream_processors.changelog_store import ChangelogStore
from stream_processors.outbox import Outbox
from stream_processors.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import faust

    from cinepulse.settings import Settings
    from stream_processors.stage import Stage
    from stream_processors.transport import Consumer

    StageMaker = Callable[[asyncio.Event], Awaitable["Stage | None"]]

log = get_logger(__name__)

TICK_SECONDS: Final = 1.0
# A clean stop: two seconds for the last flush (see `batch_worker`), one for its commit, the rest for leaving the group.
COMMIT_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 1.5

GC_OBJECTS: Final = 100_000


class Runner:
    """Runs one stage in this process.

    Args:
        app_id: consumer group, and name of the changelog.
        settings: where Kafka is, and what to serve.
        make_stage: builds the stage once Kafka has been reached; may wait for what the stage needs, until the event.
        flush_seconds: most time between two flushes.
        flush_records: most records between two flushes.
    """

    def __init__(
        self,
        app_id: str,
        settings: Settings,
        make_stage: StageMaker,
        *,
        flush_seconds: float,
        flush_records: int,
    ) -> None:
        self._app_id = app_id
        self._settings = settings
        self._make_stage = make_stage
        self._flush_seconds = flush_seconds
        self._flush_records = flush_records
        self._clock = SystemClock()
        self._watchdog = Watchdog(app_id, self._clock)

    def run(self) -> int:
        """Run until SIGTERM or SIGINT and return 0; an error ends the process at once with a line that names it."""
        return run_together([self], self._settings)

    async def serve(self, stop: asyncio.Event, recovered: Callable[[], None]) -> bool:
        """Run until the event; return whether all was left in time.

        `recovered` is called once the state is there. An error ends the process.
        """
        try:
            return await self._main(stop, recovered)
        except CinepulseError as error:
            sys.stderr.write(f"cinepulse: {self._app_id}: {error}\n")
            sys.stderr.flush()
            # Ended from within the loop: closing it would wait for threads of clients whose broker is gone, and for
            # flushes that nobody needs any more.
            os._exit(error.exit_code)
        except Exception as error:
            log.exception("worker.crashed", worker=self._app_id)
            sys.stderr.write(f"cinepulse: {self._app_id}: {type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)

    async def _main(self, stop: asyncio.Event, recovered: Callable[[], None]) -> bool:
        stage = await self._make_stage(stop)
        if stage is None:
            return True
        outbox = Outbox(producer_config(self._settings, self._app_id))
        store = ChangelogStore(self._settings, self._app_id, stage.source, outbox, self._watchdog.moved)
        await asyncio.to_thread(self._provision, stage.source, store)
        worker = BatchWorker(
            stage,
            store,
            outbox,
            clock=self._clock,
            flush_seconds=self._flush_seconds,
            flush_records=self._flush_records,
        )
        app = make_app(self._app_id, stage.source, worker, self._settings)
        consumer = connect(app, worker)
        self._watchdog.start()
        worker.start()
        await app.start()
        try:
            await self._until_stopped(stop, app, consumer, worker, stage, recovered)
        finally:
            self._watchdog.stop()
        return await self._stop(app, consumer, worker)

    def _provision(self, source: str, store: ChangelogStore) -> None:
        topic = topic_named(source)
        state = describe_topics(admin_client(self._settings), [topic])[source]
        if state is None:
            raise missing_topic(source)
        if len(state.partitions) != self._settings.partitions:
            raise ConfigurationInvalid(
                f"CINEPULSE_PARTITIONS: topic {source} has {len(state.partitions)} partitions, not "
                f"{self._settings.partitions}"
            )
        store.provision()

    async def _until_stopped(  # noqa: PLR0913, PLR0917 - the parts of a process
        self,
        stop: asyncio.Event,
        app: faust.App,
        consumer: Consumer,
        worker: BatchWorker,
        stage: Stage,
        recovered: Callable[[], None],
    ) -> None:
        stopping = asyncio.ensure_future(stop.wait())
        committed: dict[int, int] = {}
        said_ready = False
        while not stopping.done():
            events: set[asyncio.Future[Any]] = {stopping, worker.failure}
            await asyncio.wait(events, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if worker.failure.done():
                worker.failure.result()
            stage.check()
            if app.crashed:
                raise WorkerCrashed(f"{type(app.crash_reason).__name__}: {app.crash_reason}") from app.crash_reason
            if worker.ready and not said_ready:
                recovered()
                said_ready = True
            lag = sum(consumer.lag().values())
            LAG.labels(stage.name, stage.source).set(lag)
            before, committed = committed, consumer.deliveries.committed_offsets()
            self._watchdog.turned(idle=(worker.ready and not lag) or committed != before)
            beat()

    async def _stop(self, app: faust.App, consumer: Consumer, worker: BatchWorker) -> bool:
        # Stopped in the middle of a rebalance, these would print the traces of their own cancellation.
        for chatty in ("aiokafka", "asyncio"):
            logging.getLogger(chatty).setLevel(logging.CRITICAL)
        in_time = await worker.before_revoke()
        for step, seconds in ((consumer.commit(), COMMIT_SECONDS), (app.stop(), LEAVE_SECONDS)):
            try:
                await asyncio.wait_for(step, seconds)
            except TimeoutError:
                in_time = False
        log.info("worker.stopped", worker=self._app_id, in_time=in_time)
        return in_time


def run_together(runners: Sequence[Runner], settings: Settings) -> int:
    """Run stages in this process until SIGTERM or SIGINT and return 0; an error of one ends them all."""
    configure_logging(settings.log_level)
    for chatty in ("aiokafka", "faust", "mode"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    serve_health(settings)
    # The state is made of numbers, which the garbage collector does not follow. What it would look through, again and
    # again, are modules and the flush being built.
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)
    asyncio.run(_serve(runners))
    return 0


async def _serve(runners: Sequence[Runner]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    waiting = len(runners)

    def recovered() -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting:
            mark_ready()

    in_time = await asyncio.gather(*(runner.serve(stop, recovered) for runner in runners))
    if not all(in_time):
        # What could be delivered is; a client that still waits for its broker must not hold up the exit.
        sys.stderr.flush()
        os._exit(0)
