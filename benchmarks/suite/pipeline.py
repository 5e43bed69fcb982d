"""The pipeline's own processes on a broker and a server of a benchmark, fed with posts."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from confluent_kafka import Producer

from benchmarks.suite.children import child_of
from benchmarks.suite.model import ContenderFailed
from benchmarks.suite.posts import send_films
from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.kafka import producer_config
from cinepulse.local.kafka import STORAGE
from clickhouse.migrate import load_migrations, migrate
from schemas.codec import Codec
from schemas.partitioning import post_partition
from schemas.provision import admin_client, create_topics
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS, REDDIT_POSTS, TOPICS
from stream_processors.linking import DEFAULT_THRESHOLD, Catalog
from stream_processors.mentioning import Mentioner
from stream_processors.workers import COUNT_APP, LINK_APP
from tests.fixtures.clickhouse import environment_of
from tests.stream_processors.running import lag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.children import Child
    from cinepulse.settings import Settings
    from schemas.events import Movie, RedditPost
    from tests.fixtures.kafka import BrokerProcess

PARTITIONS: Final = 4
LONGEST_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.02
CODEC: Final = Codec(ManifestIds())
FilmDay = tuple[int, int]


@dataclass(slots=True)
class Pipeline:
    """A broker with all topics and a whole catalogue, a database with all tables; start the parts that are wanted."""

    settings: Settings
    broker: BrokerProcess
    catalog: Catalog
    directory: Path
    parts: ExitStack
    _mentioner: Mentioner = field(init=False)
    _producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        self._mentioner = Mentioner(lambda: self.catalog, DEFAULT_THRESHOLD)
        self._producer = Producer(producer_config(self.settings, "bench"))

    def start(self, *command: str, until: str) -> Child:
        """Start `cinepulse …` and return once its log says `until`; it ends with the pipeline."""
        directory = self.directory / "-".join((*command, uuid4().hex[:8]))
        directory.mkdir()
        environment = {name: value for name, value in environment_of(self.settings).items() if value is not None}
        environment |= {
            "CINEPULSE_DATA_DIR": str(directory),
            "CINEPULSE_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
        }
        child = self.parts.enter_context(
            child_of([sys.executable, "-m", "cinepulse", *command], directory, environment)
        )
        await_true(lambda: until in child.errors.read_text() or not child.running(), f"{' '.join(command)}: {until}")
        if not child.running():
            raise ContenderFailed(child.reason())
        return child

    def start_all(self) -> dict[str, Child]:
        """Start sink, count and link, and return them by name once all of them work."""
        return {
            "sink": self.start("sink", until="sink.assigned"),
            "count": self.start("process", "count", until="worker.recovered"),
            "link": self.start("process", "link", until="worker.recovered"),
        }

    def await_counted(self) -> None:
        """Return once every post in Kafka is linked and every mention counted."""
        bootstrap = self.settings.kafka_bootstrap
        await_true(lambda: not lag(bootstrap, LINK_APP, REDDIT_POSTS.name), "all posts linked")
        await_true(lambda: not lag(bootstrap, COUNT_APP, MOVIE_MENTIONS.name), "all mentions counted")

    def send(self, post: RedditPost) -> None:
        """Send a post; the client sends what waits by itself."""
        while True:
            try:
                self._producer.produce(
                    REDDIT_POSTS.name,
                    CODEC.encode(REDDIT_POSTS.value_subject, post),
                    CODEC.encode(REDDIT_POSTS.key_subject, post.fullname),
                    partition=post_partition(post.fullname, PARTITIONS),
                )
            except BufferError:
                self._producer.poll(LOOK_SECONDS)
            else:
                return

    def flush(self) -> None:
        """Return once Kafka has all posts sent."""
        if self._producer.flush(LONGEST_SECONDS):
            raise ContenderFailed("Kafka does not take posts")

    def named(self, posts: Iterable[RedditPost]) -> Counter[FilmDay]:
        """Return how many of some posts name each film, by the day they were written on: the linker's own answer."""
        return Counter(
            (film, post.created_at // MILLISECONDS_PER_DAY) for post in posts for film in self._mentioner.mentions(post)
        )


@contextmanager
def pipeline(bench: Bench, films: Sequence[Movie], *, tables: bool) -> Iterator[Pipeline]:
    """Let there be a pipeline of which no part runs yet; `tables`: whether it needs ClickHouse."""
    with bench.new_broker() as broker, ExitStack() as parts:
        create_topics(admin_client(broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
        settings = bench.server.settings.model_copy(
            update={
                "kafka_bootstrap": broker.bootstrap,
                "partitions": PARTITIONS,
                "clickhouse_database": f"bench_{uuid4().hex[:8]}",
            }
        )
        if tables:
            migrate(settings, load_migrations())
        send_films(settings, films)
        yield Pipeline(settings, broker, Catalog.build(films), bench.new_directory("parts"), parts)


def topic_bytes(broker: BrokerProcess, topic: str) -> int:
    """Return what a topic's records take on the broker's disk, compressed as they were sent."""
    return sum(log.stat().st_size for log in broker.directory.glob(f"{STORAGE}/{topic}-*/*.log"))


def stop(part: Child) -> None:
    """End a part as a supervisor does, and return once it has."""
    part.popen.terminate()
    part.wait(LONGEST_SECONDS)


def await_true(true: Callable[[], bool], what: str, *, seconds: float = LONGEST_SECONDS) -> None:
    """Return once something is true; raises ContenderFailed with `what` when it takes too long."""
    deadline = monotonic() + seconds
    while not true():
        if monotonic() > deadline:
            raise ContenderFailed(f"after {seconds:.0f} s still not: {what}")
        sleep(LOOK_SECONDS)
