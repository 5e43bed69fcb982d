"""The catalogue that the linker looks films up in, kept up to date from `tmdb.movies` while posts flow.

A thread with a consumer of its own, outside any group, reads the whole topic, for every worker needs every film. It
first waits for the TMDB producer's report that a full pass over the catalogue is in the topic: posts linked before
would silently miss the films that come later.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from cinepulse.errors import Poison, WorkerCrashed
from cinepulse.kafka import consumer_config
from cinepulse.logging import get_logger
from cinepulse.metrics import CATALOG_FILMS
from schemas.events import CoverageKey
from schemas.partitioning import text_partition
from schemas.topics import PIPELINE_COVERAGE, TMDB_MOVIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from confluent_kafka import Consumer, Message

    from cinepulse.settings import Settings
    from schemas.codec import Codec
    from schemas.events import Movie

log = get_logger(__name__)

CATALOG_PASS: Final = CoverageKey(source="tmdb", listing="catalog")

POLL_SECONDS: Final = 0.2
FETCH_RECORDS: Final = 500
STILL_WAITING_SECONDS: Final = 30.0

# Building an index of a large catalogue takes a second of one core. Changes within the pause share one build, and
# building never takes more than a tenth of the time.
PAUSE_SECONDS: Final = 0.5
BUILD_SHARE: Final = 0.1

# Posts are linked in another thread of the same interpreter, which waits for this one at every turn. Twice as long at
# rest as at work, an index takes three times as long and the stream keeps its pace.
REST_SECONDS: Final = 0.001

C = TypeVar("C")


def rest() -> None:
    """Leave the interpreter to the thread that links."""
    sleep(REST_SECONDS)


def _go_on() -> None:
    """Rest not at all."""


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep the cycle collector from walking through an index that is being built, and ever after.

    An index is millions of objects without a cycle: a walk through them stops every thread for half a second.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


class CatalogFeed(Generic[C]):
    """Follows `tmdb.movies`; `catalog` is always a whole, immutable index of the films known.

    Args:
        settings: where Kafka is.
        codec: decodes films.
        build: makes an index of films; the function it is given is to be called often, to rest.
    """

    def __init__(
        self, settings: Settings, codec: Codec, build: Callable[[Collection[Movie], Callable[[], None]], C]
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._build = build
        self._movies: dict[int, Movie] = {}
        self.catalog = build((), rest)
        """The latest index; empty until `ready`."""
        self._first = Event()
        self._stopped = Event()
        self._built_at = 0.0
        self._build_seconds = 0.0
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start to read."""
        Thread(target=self._run, name="catalog", daemon=True).start()

    def stop(self) -> None:
        """Stop reading; the latest index stays."""
        self._stopped.set()

    async def ready(self, stop: asyncio.Event) -> bool:
        """Return True once the whole catalogue is read, False when `stop` is set before.

        Raises WorkerCrashed when the thread has ended.
        """
        while not stop.is_set():
            if self._first.is_set():
                return True
            self.check()
            await asyncio.sleep(POLL_SECONDS / 2)
        return False

    def check(self) -> None:
        """Raise the error that ended the thread, if it has."""
        if self._failure is not None:
            raise WorkerCrashed(f"the catalogue's feed ended: {self._failure!r}") from self._failure

    def _run(self) -> None:
        try:
            self._wait_for_pass()
            self._follow()
        except BaseException as error:
            log.exception("catalog.failed")
            self._failure = error

    def _wait_for_pass(self) -> None:
        partition = text_partition(f"{CATALOG_PASS.source}/{CATALOG_PASS.listing}", self._settings.partitions)
        consumer = self._consumer()
        try:
            _assign(consumer, PIPELINE_COVERAGE.name, [partition])
            waiting_since = monotonic()
            while not self._stopped.is_set():
                if any(self._is_pass(message) for message in _fetch(consumer)):
                    return
                if monotonic() - waiting_since > STILL_WAITING_SECONDS:
                    waiting_since = monotonic()
                    log.warning("catalog.waiting", until="`cinepulse produce tmdb` has sent the whole catalogue")
        finally:
            consumer.close()

    def _is_pass(self, message: Message) -> bool:
        try:
            if self._codec.decode(PIPELINE_COVERAGE.key_subject, message.key() or b"") != CATALOG_PASS:
                return False
            report = self._codec.decode(PIPELINE_COVERAGE.value_subject, message.value() or b"")
        except Poison:
            # The sink puts it into the dead letters.
            return False
        return bool(report.outcome == "ok")

    def _follow(self) -> None:
        consumer = self._consumer()
        try:
            partitions = range(self._settings.partitions)
            _assign(consumer, TMDB_MOVIES.name, partitions)
            ends = _ends(consumer, TMDB_MOVIES.name, partitions)
            changed = False
            while not self._stopped.is_set():
                for message in _fetch(consumer):
                    changed |= self._take(message)
                if self._first.is_set():
                    if changed and self._may_build():
                        self._swap()
                        changed = False
                elif _passed(consumer, TMDB_MOVIES.name, ends):
                    self._swap()
                    changed = False
                    self._first.set()
        finally:
            consumer.close()

    def _take(self, message: Message) -> bool:
        """Put a film in its place and return whether that changes anything the linker sees."""
        try:
            tmdb_id = self._codec.decode(TMDB_MOVIES.key_subject, message.key() or b"")
            value = message.value()
            movie = None if value is None else self._codec.decode(TMDB_MOVIES.value_subject, value)
        except Poison as poison:
            # The sink puts it into the dead letters; the linker goes on without it.
            log.warning("catalog.film_skipped", offset=message.offset(), reason=poison.reason)
            return False
        if movie is None:
            return self._movies.pop(tmdb_id, None) is not None
        before = self._movies.get(tmdb_id)
        self._movies[tmdb_id] = movie
        return bool(movie != before)

    def _may_build(self) -> bool:
        pause = max(PAUSE_SECONDS, self._build_seconds / BUILD_SHARE)
        return monotonic() - self._built_at > pause

    def _swap(self) -> None:
        started = monotonic()
        # Nothing flows before the first index is whole, so that one is built without rests.
        resting = rest if self._first.is_set() else _go_on
        with without_collector():
            self.catalog = self._build(tuple(self._movies.values()), resting)
        self._built_at = monotonic()
        self._build_seconds = self._built_at - started
        CATALOG_FILMS.set(len(self._movies))
        log.info("catalog.built", films=len(self._movies), seconds=round(self._build_seconds, 3))

    def _consumer(self) -> Consumer:
        from confluent_kafka import Consumer

        # The library wants a group's name even of a consumer that never joins one.
        return Consumer(consumer_config(self._settings, "catalog") | {"group.id": "cinepulse-catalog"})


def _assign(consumer: Consumer, topic: str, partitions: Sequence[int]) -> None:
    from confluent_kafka import OFFSET_BEGINNING, TopicPartition

    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])


def _fetch(consumer: Consumer) -> list[Message]:
    messages = consumer.consume(FETCH_RECORDS, POLL_SECONDS)
    for message in messages:
        if (error := message.error()) is not None:
            log.warning("catalog.read_failed", error=error.str())
    return [message for message in messages if message.error() is None]


def _ends(consumer: Consumer, topic: str, partitions: Sequence[int]) -> dict[int, int]:
    """Return the offset at which each partition that holds anything ends now."""
    from confluent_kafka import TopicPartition

    marks = {number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10) for number in partitions}
    return {number: end for number, (start, end) in marks.items() if end > start}


def _passed(consumer: Consumer, topic: str, ends: dict[int, int]) -> bool:
    from confluent_kafka import TopicPartition

    positions: list[Any] = consumer.position([TopicPartition(topic, number) for number in ends])
    return all(position.offset >= ends[position.partition] for position in positions)
