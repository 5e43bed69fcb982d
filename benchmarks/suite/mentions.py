"""Mentions to count: made from a seed, sent to a broker as the pipeline's own records, with the exact counts known.

The records are `movie.mentions` as the link stage writes them: Avro keys and values in Confluent's wire format, in the
partition of their film, compressed as the pipeline's producers do. A mention's observation, which is its record's
timestamp, is the moment at which its post was written: engines that take event time from the record's timestamp, which
is their documented and fastest way, see the same days as those that read it from the key.
"""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import psutil
from confluent_kafka import Producer

from benchmarks.suite.model import Workload
from benchmarks.suite.topics import create_topic
from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.kafka import producer_config
from cinepulse.settings import Settings
from schemas.codec import Codec
from schemas.events import Mention, MentionKey
from schemas.partitioning import film_partition
from schemas.provision import admin_client, create_topics
from schemas.registry import ManifestIds
from schemas.topics import HOUR_MS, MOVIE_MENTIONS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from benchmarks.suite.bench import Bench

RECORDS: Final = 400_000
FILMS: Final = 20_000
DAYS: Final = 30
PARTITIONS: Final = 4
SEED: Final = 7
FIRST_DAY: Final = 20_400

# Ids of films are spread over TMDB's range, and those of posts have Reddit's length.
TMDB_IDS: Final = 1_400_000
FIRST_POST: Final = 36**6
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
COMMUNITIES: Final = ("movies", "boxoffice", "TrueFilm", "horror", "scifi", "MovieSuggestions", "Letterboxd", "flicks")

DELAYED_HOURS: Final = 6
# A record that is delivered again comes within this share of all records: 18 hours of 30 days.
AGAIN_WITHIN: Final = 1 / 40
UNFLUSHED: Final = 50_000

Counts = dict[tuple[int, int], int]
"""Mentions by film (TMDB id) and UTC day (days since 1970-01-01)."""


class Said(NamedTuple):
    """One mention: the film, the number of its post and when it was written, milliseconds since 1970-01-01 UTC."""

    tmdb_id: int
    post: int
    created_at: int


@dataclass(frozen=True, slots=True)
class MentionsTopic:
    """A broker whose `movie.mentions` holds a workload; the other topics of the pipeline are empty.

    `distinct`: exact counts with each mention once. `delivered`: the same with each record counted, however often.
    """

    bootstrap: str
    partitions: int
    records: int
    distinct: Mapping[tuple[int, int], int]
    delivered: Mapping[tuple[int, int], int]
    new_directory: Callable[[str], Path]
    broker_pid: int | None = field(default=None, kw_only=True)

    def broker_cpu_seconds(self) -> float:
        """Return the processor time that the broker has taken, 0 where its process is not known."""
        if self.broker_pid is None:
            return 0.0
        spent = psutil.Process(self.broker_pid).cpu_times()
        return spent.user + spent.system


def some_mentions(
    count: int, *, days: int = DAYS, again: float = 0.0, delayed: float = 0.0, seed: int = SEED
) -> list[Said]:
    """Return mentions in the order of their arrival: popularity by Zipf's law, spread evenly over the days.

    `again`: share of records that are an earlier one once more. `delayed`: share that arrives later than it was
    written, by up to `DELAYED_HOURS`.
    """
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, FILMS + 1)
    films = rng.choice(np.arange(1, TMDB_IDS), FILMS, replace=False)[rng.choice(FILMS, count, p=shares / shares.sum())]
    times = FIRST_DAY * MILLISECONDS_PER_DAY + np.sort(rng.integers(0, days * MILLISECONDS_PER_DAY, count))
    arrival = times + np.where(rng.random(count) < delayed, rng.integers(0, DELAYED_HOURS * HOUR_MS, count), 0)
    order = np.argsort(arrival, kind="stable")
    said = [
        Said(film, FIRST_POST + number, created_at)
        for number, (film, created_at) in enumerate(zip(films[order].tolist(), times[order].tolist(), strict=True))
    ]
    repeats = np.flatnonzero(rng.random(count) < again).tolist()
    back = rng.integers(1, max(2, round(count * AGAIN_WITHIN)), len(repeats)).tolist()
    # Of the records as they were: one that comes again and again would come later than any grace.
    first = said.copy()
    for number, distance in zip(repeats, back, strict=True):
        said[number] = first[max(0, number - distance)]
    return said


def counted(said: list[Said]) -> Counts:
    """Return how many of some mentions there are by film and day."""
    return dict(Counter((one.tmdb_id, one.created_at // MILLISECONDS_PER_DAY) for one in said))


def distinct(said: list[Said]) -> Counts:
    """Return how many different mentions there are by film and day."""
    return counted(list(set(said)))


def send(bootstrap: str, said: list[Said], *, partitions: int) -> None:
    """Send mentions to `movie.mentions`, and return when the broker has them."""
    codec = Codec(ManifestIds())
    # A broker that has just started makes the client complain until it has found its coordinator.
    quiet = {"logger": logging.getLogger("kafka.bench"), "log_level": 0}
    producer = Producer(producer_config(Settings(kafka_bootstrap=bootstrap), "bench") | quiet)
    for number, one in enumerate(said, 1):
        kind, prefix = ("submission", "t3_") if one.post % 4 == 0 else ("comment", "t1_")
        key = MentionKey(
            tmdb_id=one.tmdb_id, platform="reddit", post_id=prefix + base36(one.post), created_at=one.created_at
        )
        value = Mention(
            community=COMMUNITIES[one.post % len(COMMUNITIES)],
            kind="submission" if kind == "submission" else "comment",
            location="body",
            method="name",
            confidence=0.9,
            score=one.post % 500,
            observed_at=one.created_at,
            linker_version="bc569081beda",
            thread_id=None if kind == "submission" else "t3_" + base36(FIRST_POST + one.post // 8),
            sentiment=(one.post % 200 - 100) / 100,
            author_sketch=one.post % 12_000,
        )
        producer.produce(
            MOVIE_MENTIONS.name,
            codec.encode(MOVIE_MENTIONS.value_subject, value),
            codec.encode(MOVIE_MENTIONS.key_subject, key),
            partition=film_partition(one.tmdb_id, partitions),
            timestamp=one.created_at,
        )
        if number % UNFLUSHED == 0:
            producer.flush()
    producer.flush()


def base36(number: int) -> str:
    """Return a number as Reddit writes its ids."""
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def workload(  # noqa: PLR0913 - what workloads differ in
    name: str,
    about: str,
    *,
    days: int = DAYS,
    again: float = 0.0,
    delayed: float = 0.0,
    partitions: int = PARTITIONS,
    records: int = RECORDS,
    join_ms: int = 0,
) -> Workload:
    """Return a workload of mentions in a broker of its own; it yields a `MentionsTopic`.

    `records`: how many, unless the run asks for another number. `join_ms`: how long the broker waits for further
    members of a new group.
    """

    @contextmanager
    def prepare(bench: Bench) -> Iterator[MentionsTopic]:
        said = some_mentions(bench.records(records), days=days, again=again, delayed=delayed)
        with bench.new_broker({"group.initial.rebalance.delay.ms": str(join_ms)}) as broker:
            admin = admin_client(broker.bootstrap)
            rest = [topic for topic in TOPICS if topic != MOVIE_MENTIONS]
            create_topics(admin, rest, partitions=partitions, replication_factor=1)
            create_topic(admin, MOVIE_MENTIONS.name, partitions)
            send(broker.bootstrap, said, partitions=partitions)
            counts = distinct(said), counted(said)
            yield MentionsTopic(
                broker.bootstrap, partitions, len(said), *counts, bench.new_directory, broker_pid=broker.pid
            )

    return Workload(name, about, prepare)
