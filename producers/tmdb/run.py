"""The TMDB producer's loop: the catalogue first, then every poll when it is due, until asked to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack, suppress
from datetime import date
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from cinepulse.clock import SystemClock
from cinepulse.errors import BrokerUnavailable
from cinepulse.health import beat, mark_ready, serve_health
from cinepulse.kafka import topic_identity
from cinepulse.logging import get_logger
from producers.outbox import Outbox
from producers.tmdb.catalog import CATALOG, CATALOG_DAY, DISCOVER, EXPORT, EXPORT_DAY, CatalogPass
from producers.tmdb.client import TmdbClient
from producers.tmdb.details import LISTING as DETAILS
from producers.tmdb.films import Films
from producers.tmdb.parts import Parts
from producers.tmdb.polls import CHANGES, LISTS, poll_changes, poll_list, refresh_details
from producers.tmdb.schedule import Job, Loop, attempt
from producers.tmdb.state import TmdbState
from schemas.publisher import Publisher
from schemas.topics import TMDB_MOVIES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cinepulse.settings import Settings

log = get_logger(__name__)

# One look for the broker's confirmation holds up the event loop, and with it a stop, for this long at most.
FLUSH_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 2.0

# How often to look whether a new day's export or a day's changes are due.
DAILY_CHECK_SECONDS: Final = 900.0
# Titles and dates change rarely, and the changes feed tells of the tracked ones.
CATALOG_DAYS: Final = 7


async def read_catalog(parts: Parts) -> None:
    """Read the whole catalogue, each step as often as it takes, and say in `pipeline.coverage` that it is there."""
    begun, the_pass = parts.begin(), CatalogPass(parts)
    steps: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        (EXPORT, the_pass.read_export),
        (DISCOVER, the_pass.read_lists),
        (DETAILS, the_pass.read_tracked),
    ]
    for name, step in steps:
        job = Job(name, 0.0, partial(_completed, step))
        while (pause := await attempt(parts, job)) is not None:
            await parts.pause(pause)
    await parts.report(CATALOG, begun, items=parts.state.count())
    parts.state.remember(CATALOG_DAY, parts.today().isoformat())


def jobs_of(parts: Parts) -> list[Job]:
    """Return what is done for ever once the catalogue is there."""
    every = parts.settings.tmdb_poll_seconds
    lists = [Job(name, every, partial(poll_list, parts, name)) for name in LISTS]
    return [
        *lists,
        Job(DETAILS, every, partial(refresh_details, parts)),
        Job(EXPORT, DAILY_CHECK_SECONDS, partial(_new_export, parts)),
        Job(CHANGES, DAILY_CHECK_SECONDS, partial(poll_changes, parts)),
        Job(CATALOG, DAILY_CHECK_SECONDS, partial(_old_catalog, parts)),
    ]


async def produce(parts: Parts, on_ready: Callable[[], None]) -> None:
    """Read the catalogue if this memory has none, then poll for ever.

    A catalogue that was published before is announced at once: its records lie in the compacted topic.
    """
    if parts.state.get(CATALOG_DAY) is None:
        await read_catalog(parts)
    else:
        await parts.report(CATALOG, parts.begin(), items=parts.state.count())
    on_ready()
    log.info("tmdb.started", films=parts.state.count())
    loop = Loop(parts, jobs_of(parts))
    while True:
        await loop.turn()


def run(settings: Settings) -> None:
    """Run the TMDB producer until SIGTERM or SIGINT.

    Raises ConfigurationInvalid when the settings, the token or the topics are wrong.
    """
    # It tells of each request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    serve_health(settings)
    with suppress(asyncio.CancelledError):
        asyncio.run(_until_stopped(settings))
    log.info("tmdb.stopped")


async def pause(seconds: float) -> None:
    """Let seconds pass and show once a second that the part is alive."""
    beat()
    while seconds > 1.0:
        await asyncio.sleep(1.0)
        beat()
        seconds -= 1.0
    await asyncio.sleep(seconds)


async def _until_stopped(settings: Settings) -> None:
    main = asyncio.ensure_future(_main(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, main.cancel)
    await main


async def _main(settings: Settings) -> None:
    clock, random = SystemClock(), SystemRandom()
    async with AsyncExitStack() as stack:
        state = stack.enter_context(TmdbState(settings.data_dir))
        client = TmdbClient(settings, clock=clock, sleep=pause, random=random)
        await stack.enter_async_context(client)
        publisher = Publisher.connected(settings, "tmdb", flush_seconds=FLUSH_SECONDS)
        stack.callback(_last_flush, publisher)
        await _bind(settings, state)
        outbox = Outbox(publisher, "tmdb", _give_up)
        parts = Parts(settings, client, state, Films(outbox, state), outbox, clock, random, pause)
        await produce(parts, mark_ready)


async def _completed(step: Callable[[], Awaitable[object]]) -> None:
    await step()


async def _new_export(parts: Parts) -> None:
    last = parts.state.get(EXPORT_DAY)
    if last is not None and date.fromisoformat(last) < parts.today():
        await CatalogPass(parts).read_export(after=date.fromisoformat(last))


async def _old_catalog(parts: Parts) -> None:
    last = date.fromisoformat(parts.state.get(CATALOG_DAY) or date.min.isoformat())
    if (parts.today() - last).days >= CATALOG_DAYS:
        await read_catalog(parts)


async def _bind(settings: Settings, state: TmdbState) -> None:
    """Tie the memory to the topic, waiting for the broker; raises ConfigurationInvalid."""
    while True:
        try:
            state.bind(topic_identity(settings, TMDB_MOVIES.name, timeout=LOOK_SECONDS))
        except BrokerUnavailable as error:
            log.warning("tmdb.waiting_for_kafka", error=str(error))
            await pause(1.0)
        else:
            return


def _give_up(error: BrokerUnavailable, _failures: int) -> None:
    raise error


def _last_flush(publisher: Publisher) -> None:
    with suppress(BrokerUnavailable):
        publisher.flush()
