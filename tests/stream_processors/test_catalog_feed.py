from __future__ import annotations

import asyncio
import gc
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Producer

from cinepulse.errors import WorkerCrashed
from cinepulse.settings import Settings
from schemas.codec import Codec
from schemas.events import CoverageKey, Movie, PollReport
from schemas.partitioning import text_partition
from schemas.provision import admin_client, create_topics
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_COVERAGE, TMDB_MOVIES
from stream_processors import catalog_feed
from stream_processors.catalog_feed import CatalogFeed, without_collector
from tests.stream_processors.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from pathlib import Path

    from confluent_kafka import Message

    from schemas.events import PollOutcome

pytestmark = pytest.mark.anyio

Titles = dict[int, str]

TOPICS = {"TMDB_MOVIES": TMDB_MOVIES, "PIPELINE_COVERAGE": PIPELINE_COVERAGE}


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, as the worker does."""
    return "asyncio"


@pytest.fixture
def settings(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings of the shared broker; both topics have names of the test's own."""
    for name, topic in TOPICS.items():
        own = replace(topic, name=f"{topic.name}.{uuid.uuid4().hex[:8]}")
        create_topics(admin_client(broker), [own], partitions=4, replication_factor=1)
        monkeypatch.setattr(catalog_feed, name, Renamed(topic, own.name))
    return Settings(data_dir=tmp_path, kafka_bootstrap=broker)


class Renamed:
    """A topic under another name, with the contract's subjects."""

    def __init__(self, topic: object, name: str) -> None:
        self.topic = topic
        self.name = name

    def __getattr__(self, name: str) -> object:
        return getattr(self.topic, name)


def own_name(topic: str) -> str:
    """Return what a topic is called in this test."""
    name: str = getattr(catalog_feed, topic).name
    return name


@pytest.fixture
async def feed(settings: Settings) -> AsyncIterator[CatalogFeed[Titles]]:
    """Return a running feed of titles by id."""

    def build(movies: Collection[Movie], _rest: Callable[[], None]) -> Titles:
        return {movie.tmdb_id: movie.title for movie in movies}

    running = CatalogFeed(settings, Codec(ManifestIds()), build)
    running.start()
    yield running
    running.stop()


class Sender:
    """Sends films and reports to the test's own topics."""

    def __init__(self, settings: Settings) -> None:
        self.codec = Codec(ManifestIds())
        self.producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})

    def report(self, outcome: PollOutcome) -> None:
        """Send the report of a pass over the catalogue."""
        sent = report(outcome)
        partition = text_partition("tmdb/catalog", 4)
        self.producer.produce(own_name("PIPELINE_COVERAGE"), sent.value(), sent.key(), partition=partition)
        self.producer.flush(10)

    def film(self, tmdb_id: int, title: str | None) -> None:
        """Send a film, or remove it."""
        movie = None if title is None else Movie(tmdb_id=tmdb_id, title=title, observed_at=1, source="details")
        self._send(own_name("TMDB_MOVIES"), "tmdb.movies", tmdb_id, movie, tmdb_id % 4)

    def junk(self) -> None:
        """Send a film that is none."""
        self.producer.produce(own_name("TMDB_MOVIES"), b"junk", b"junk", partition=1)
        self.producer.flush(10)

    def _send(self, topic: str, subject: str, key: object, value: object, partition: int) -> None:
        encoded = None if value is None else self.codec.encode(f"{subject}-value", value)
        self.producer.produce(topic, encoded, self.codec.encode(f"{subject}-key", key), partition=partition)
        self.producer.flush(10)


@pytest.mark.real
async def test_it_waits_for_the_whole_catalogue_and_then_follows_it(
    settings: Settings, feed: CatalogFeed[Titles]
) -> None:
    """Films before the report are all there at the first moment; later ones appear while it runs, and films go."""
    sender = Sender(settings)
    sender.film(1, "Alien")
    sender.film(2, "Dune")
    sender.report("failed")
    sender.junk()
    sender.film(1, "Aliens")
    sender.report("ok")
    ready = await feed.ready(asyncio.Event())
    first = feed.catalog

    sender.film(3, "Heat")
    sender.film(2, None)
    await until(lambda: feed.catalog == {1: "Aliens", 3: "Heat"})

    assert ready
    assert first == {1: "Aliens", 2: "Dune"}


@pytest.mark.real
async def test_later_indexes_are_built_beside_the_stream(settings: Settings) -> None:
    """The first index is waited for and built at once; the builder of each later one is told to rest."""
    resting: dict[int, bool] = {}

    def build(movies: Collection[Movie], take_rest: Callable[[], None]) -> int:
        resting[len(movies)] = take_rest is catalog_feed.rest
        return len(movies)

    feed = CatalogFeed(settings, Codec(ManifestIds()), build)
    sender = Sender(settings)
    sender.film(1, "Alien")
    sender.report("ok")
    feed.start()
    try:
        await feed.ready(asyncio.Event())
        sender.film(2, "Dune")
        await until(lambda: feed.catalog == 2)
    finally:
        feed.stop()

    assert (resting[1], resting[2]) == (False, True)


def test_collector_is_back_whatever_happens() -> None:
    """An index that cannot be built leaves the cycle collector as it was."""
    collecting = []

    def build() -> None:
        with without_collector():
            collecting.append(gc.isenabled())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build()

    assert (collecting, gc.isenabled()) == ([False], True)


@pytest.mark.real
async def test_a_worker_that_is_told_to_stop_does_not_wait(feed: CatalogFeed[Titles]) -> None:
    """A clean stop works before the catalogue is there."""
    stop = asyncio.Event()
    stop.set()

    assert not await feed.ready(stop)


@pytest.mark.real
async def test_an_error_reaches_the_worker(settings: Settings) -> None:
    """A catalogue that cannot be built is a crash with its reason, not a silent wait."""

    def build(movies: Collection[Movie], _rest: Callable[[], None]) -> Titles:
        if movies:
            raise ZeroDivisionError("no index")
        return {}

    feed = CatalogFeed(settings, Codec(ManifestIds()), build)
    sender = Sender(settings)
    sender.film(1, "Alien")
    sender.report("ok")

    feed.start()

    with pytest.raises(WorkerCrashed, match="no index"):
        await feed.ready(asyncio.Event())


@dataclass(frozen=True)
class Report:
    """A record of `pipeline.coverage`."""

    bytes_of_key: bytes | None
    bytes_of_value: bytes | None

    def key(self) -> bytes | None:
        """Return the key."""
        return self.bytes_of_key

    def value(self) -> bytes | None:
        """Return the value."""
        return self.bytes_of_value


def report(outcome: PollOutcome, source: str = "tmdb", listing: str = "catalog") -> Report:
    """Return a poll report's record."""
    codec = Codec(ManifestIds())
    said = PollReport(started_at=1, finished_at=2, outcome=outcome, requests=1, items=1, known=0)
    key = codec.encode(PIPELINE_COVERAGE.key_subject, CoverageKey(source=source, listing=listing))
    return Report(key, codec.encode(PIPELINE_COVERAGE.value_subject, said))


@pytest.mark.parametrize(
    ("record", "opens"),
    [
        (report("ok"), True),
        (report("failed"), False),
        (report("overflowed"), False),
        (report("ok", listing="popular"), False),
        (report("ok", source="reddit"), False),
        (Report(None, None), False),
        (Report(report("ok").key(), None), False),
        (Report(report("ok").key(), b"junk"), False),
    ],
)
def test_only_a_full_pass_over_the_catalogue_opens_the_gate(record: Report, *, opens: bool) -> None:
    """A failed pass, another listing or a broken record leave the worker waiting."""
    feed = CatalogFeed(Settings(), Codec(ManifestIds()), lambda movies, _rest: list(movies))

    assert feed._is_pass(cast("Message", record)) == opens
