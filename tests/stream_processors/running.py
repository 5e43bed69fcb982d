"""Workers as processes on a real broker, what goes into them and what comes out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition

from cinepulse.clock import MILLISECONDS_PER_DAY
from schemas.codec import Codec
from schemas.events import Mention, MentionCount, MentionCountKey, MentionKey
from schemas.partitioning import film_partition
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PARTITIONS: Final = 4
CODEC: Final = Codec(ManifestIds())
FIRST_DAY: Final = 20_000
PIECE: Final = 200

Counts = dict[tuple[int, int], int]


@dataclass
class Process:
    """A worker process."""

    popen: subprocess.Popen[bytes]
    log: Path

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        self.popen.kill()
        self.popen.wait()

    def stop(self) -> int:
        """Tell it to stop and return its exit code."""
        self.popen.terminate()
        return self.popen.wait(20)

    def said(self, event: str) -> bool:
        """Return whether it has logged something."""
        return event in self.log.read_text()


@dataclass
class Workers:
    """Starts workers, and leaves none behind."""

    bootstrap: str
    directory: Path
    started: list[Process] = field(default_factory=list)

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start `cinepulse process …` and return at once."""
        number = len(self.started)
        log = self.directory / f"worker{number}.log"
        program = "import sys; from cinepulse.cli import main; sys.exit(main(sys.argv[1:]))"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-c", program, "process", *arguments],
                env={
                    **os.environ,
                    "CINEPULSE_DATA_DIR": str(self.directory / f"data{number}"),
                    "CINEPULSE_KAFKA_BOOTSTRAP": self.bootstrap,
                    **environment,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.started.append(Process(popen, log))
        return self.started[-1]

    def ready(self, *arguments: str, **environment: str) -> Process:
        """Start a worker and return once it has recovered its partitions."""
        process = self.start(*arguments, **environment)
        wait_until(lambda: process.said("worker.recovered") or process.popen.poll() is not None, "worker recovered")
        assert process.popen.poll() is None, process.log.read_text()
        return process


@contextmanager
def workers_of(bootstrap: str, directory: Path) -> Iterator[Workers]:
    """Let workers run within a block."""
    workers = Workers(bootstrap, directory)
    try:
        yield workers
    finally:
        for process in workers.started:
            if process.popen.poll() is None:
                process.popen.kill()
                process.popen.wait()


@dataclass(frozen=True)
class Said:
    """A mention or its retraction."""

    tmdb_id: int
    post: str
    created_at: int
    observed_at: int
    gone: bool


def some_mentions(count: int, *, seed: int) -> list[Said]:
    """Return mentions of 500 films over ten days: one in eight comes again, one in thirty is taken back."""
    rng = random.Random(seed)  # noqa: S311 - reproducible test data
    weights = [1 / (rank + 1) for rank in range(500)]
    said: list[Said] = []
    for number, film in enumerate(rng.choices(range(1, 501), weights, k=count)):
        chance = rng.random()
        created_at = FIRST_DAY * MILLISECONDS_PER_DAY + number * 10 * MILLISECONDS_PER_DAY // count
        if said and chance < 0.16:
            again = rng.choice(said)
            said.append(Said(again.tmdb_id, again.post, again.created_at, created_at, gone=chance < 0.03))
        else:
            kind = "t3_" if number % 4 == 0 else "t1_"
            said.append(Said(film, f"{kind}{number:x}", created_at, created_at + 2_000, gone=False))
    return said


def exact_counts(said: Sequence[Said]) -> Counts:
    """Return the truth: the sizes of the sets of posts, of those that are not empty."""
    sets: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for one in said:
        held = sets[one.tmdb_id, one.created_at // MILLISECONDS_PER_DAY]
        (held.discard if one.gone else held.add)(one.post)
    return {film_day: len(posts) for film_day, posts in sets.items() if posts}


def send_mentions(bootstrap: str, said: Sequence[Said], *, a_second: int = 10**9) -> None:
    """Send mentions to their films' partitions, so many a second."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5})
    value = CODEC.encode(
        MOVIE_MENTIONS.value_subject,
        Mention(
            community="movies",
            kind="comment",
            location="body",
            method="rules",
            confidence=0.9,
            score=1,
            observed_at=0,
            linker_version="test",
        ),
    )
    for number, one in enumerate(said, 1):
        key = MentionKey(tmdb_id=one.tmdb_id, platform="reddit", post_id=one.post, created_at=one.created_at)
        producer.produce(
            MOVIE_MENTIONS.name,
            None if one.gone else value,
            CODEC.encode(MOVIE_MENTIONS.key_subject, key),
            partition=film_partition(one.tmdb_id, PARTITIONS),
            timestamp=one.observed_at,
        )
        producer.poll(0)
        if number % PIECE == 0:
            time.sleep(PIECE / a_second)
    producer.flush(30)


def read_all(bootstrap: str, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
    """Return every record of a topic: its partition, key and value."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test-reader", "enable.auto.commit": False})
    try:
        ends = {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1]
            for number in range(PARTITIONS)
        }
        consumer.assign([TopicPartition(topic, number, 0) for number in ends])
        records: list[tuple[int, bytes | None, bytes | None]] = []
        reached = dict.fromkeys(ends, 0)

        def read() -> bool:
            for message in consumer.consume(5_000, 0.05):
                assert message.error() is None, message.error()
                number = message.partition() or 0
                records.append((number, message.key(), message.value()))
                reached[number] = (message.offset() or 0) + 1
            return all(reached[number] >= end for number, end in ends.items())

        wait_until(read, f"{topic} read")
        return records
    finally:
        consumer.close()


def read_counts(bootstrap: str) -> dict[tuple[int, int], MentionCount]:
    """Return the counts with the highest revision by film and day; a film's counts must lie in its partition."""
    latest: dict[tuple[int, int], MentionCount] = {}
    for partition, key, value in read_all(bootstrap, MOVIE_MENTION_COUNTS.name):
        film_day: MentionCountKey = CODEC.decode(MOVIE_MENTION_COUNTS.key_subject, key or b"")
        count: MentionCount = CODEC.decode(MOVIE_MENTION_COUNTS.value_subject, value or b"")
        assert partition == film_partition(film_day.tmdb_id, PARTITIONS)
        known = latest.get((film_day.tmdb_id, film_day.day))
        if known is None or count.revision >= known.revision:
            latest[film_day.tmdb_id, film_day.day] = count
    return latest


def told_counts(bootstrap: str) -> Counts:
    """Return how many mentions are told by film and day, where any are."""
    return {film_day: count.mentions for film_day, count in read_counts(bootstrap).items() if count.mentions}


def lag(bootstrap: str, group: str, topic: str) -> int:
    """Return how many offsets a group's commits are behind the end of a topic."""
    config: dict[str, Any] = {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False}
    consumer = Consumer(config)
    try:
        total = 0
        for committed in consumer.committed(
            [TopicPartition(topic, number) for number in range(PARTITIONS)], timeout=30
        ):
            first, end = consumer.get_watermark_offsets(committed, timeout=30)
            total += end - (committed.offset if committed.offset >= 0 else first)
        return total
    finally:
        consumer.close()
