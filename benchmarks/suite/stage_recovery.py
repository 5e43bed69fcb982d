"""Restore of the count stage's state: from the start of a worker on ten million mentions to the first it can count.

The changelog is the one that a worker wrote over the same mentions (`fill_state.py`). Whether all of it came back, the
worker itself tells: of a mention that it knows already it tells the film-day's count anew, so it is sent one of each.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

import psutil
from confluent_kafka import Producer

from benchmarks.suite.children import child_of
from benchmarks.suite.mention_stream import CODEC, PARTITIONS, PIECE, MentionStream
from benchmarks.suite.model import Contender, ContenderFailed, Measured, Stage, Workload
from cinepulse.settings import Settings
from schemas.partitioning import film_partition
from schemas.provision import admin_client, create_topics
from schemas.reader import TopicReader
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS, TOPICS
from stream_processors.workers import COUNT_APP
from tests.fixtures.kafka import BrokerProcess
from tests.stream_processors.running import lag, workers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.mention_stream import Record
    from tests.stream_processors.running import Counts, Process, Workers

MENTIONS: Final = 10_000_000
MEGABYTE: Final = 1_000_000
RECOVERED: Final = "worker.recovered"
LONGEST_SECONDS: Final = 600.0
FILL_SECONDS: Final = 3_600.0
LOOK_SECONDS: Final = 0.02
ASK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Filled:
    """A broker whose changelog holds the state.

    `empty_bytes`: memory of a worker without any; `live_bytes`: what the state took in the process that counted it.
    """

    broker: BrokerProcess
    directory: Path
    stream: MentionStream
    empty_bytes: int
    live_bytes: int


@contextmanager
def filled(bench: Bench) -> Iterator[Filled]:
    """Let a broker run with the state of ten million mentions in its changelog."""
    stream = MentionStream(bench.records(MENTIONS))
    broker = BrokerProcess(bench.new_directory("kafka"))
    try:
        broker.start()
        create_topics(admin_client(broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
        directory = bench.new_directory("recovery")
        with workers_of(broker.bootstrap, directory) as workers:
            worker, _, _ = recovered(workers)
            empty = psutil.Process(worker.popen.pid).memory_info().rss
            worker.stop()
        command = [sys.executable, "-m", "benchmarks.suite.fill_state", broker.bootstrap, str(stream.mentions)]
        with child_of(command, bench.new_directory("fill")) as child:
            if child.wait(FILL_SECONDS):
                raise ContenderFailed(child.reason())
            told = json.loads(child.text())
        yield Filled(broker, directory, stream, empty, told["after"] - told["before"])
    finally:
        broker.kill()


def recover(given: Filled) -> Measured:
    """Start a worker, measure it once it is recovered, and have it tell all that it knows."""
    bootstrap, mentions = given.broker.bootstrap, given.stream.mentions
    with workers_of(bootstrap, given.directory) as workers:
        process, seconds, reading = recovered(workers)
        worker = psutil.Process(process.popen.pid)
        resident, spent = worker.memory_info().rss, sum(worker.cpu_times()[:2])
        extra = {
            "restore_seconds": seconds,
            "reading_seconds": reading,
            "cpu_seconds": spent,
            "memory_mb": peak_bytes(worker.pid) / MEGABYTE,
            "bytes_a_mention": (resident - given.empty_bytes) / mentions,
            "live_bytes_a_mention": given.live_bytes / mentions,
        }
        counts = told_anew(bootstrap, given.stream)
        process.stop()
    return Measured(mentions, seconds, counts, extra)


def recovered(workers: Workers) -> tuple[Process, float, float]:
    """Start a worker and return it once it is recovered; the seconds since its start, and those of reading the log."""
    begun = monotonic()
    process = workers.start("count")
    while not process.said(RECOVERED):
        if process.popen.poll() is not None or monotonic() - begun > LONGEST_SECONDS:
            raise ContenderFailed(f"the worker did not recover: {process.log.read_text()[-300:]}")
        sleep(LOOK_SECONDS)
    seconds = monotonic() - begun
    told = next(line for line in process.log.read_text().splitlines() if RECOVERED in line)
    return process, seconds, float(json.loads(told)["seconds"])


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    kilobytes = next(line for line in lines if line.startswith("VmHWM:")).split()[1]
    return int(kilobytes) * 1_024


def told_anew(bootstrap: str, stream: MentionStream) -> Counts:
    """Send a mention of each film and day that the state knows, and return the counts that the worker tells then."""
    settings = Settings(kafka_bootstrap=bootstrap, partitions=PARTITIONS)
    with TopicReader(settings, MOVIE_MENTION_COUNTS.name, "bench") as reader:
        starts = reader.ends()
    send(bootstrap, stream.one_of_each())
    deadline = monotonic() + LONGEST_SECONDS
    while lag(bootstrap, COUNT_APP, MOVIE_MENTIONS.name):
        if monotonic() > deadline:
            raise ContenderFailed("the worker does not count")
        sleep(ASK_SECONDS)
    counts: Counts = {}
    with TopicReader(settings, MOVIE_MENTION_COUNTS.name, "bench", starts=starts) as reader:
        for record in reader.to_end():
            key = CODEC.decode(MOVIE_MENTION_COUNTS.key_subject, record.key or b"")
            count = CODEC.decode(MOVIE_MENTION_COUNTS.value_subject, record.value or b"")
            counts[key.tmdb_id, key.day] = count.mentions
    return counts


def send(bootstrap: str, records: Iterable[Record]) -> None:
    """Send mentions to their films' partitions."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 50})
    for number, record in enumerate(records, 1):
        film = CODEC.decode(MOVIE_MENTIONS.key_subject, record.key).tmdb_id
        place = film_partition(film, PARTITIONS)
        producer.produce(MOVIE_MENTIONS.name, record.value, record.key, place, timestamp=record.timestamp)
        if number % PIECE == 0:
            producer.flush()
    if producer.flush(LONGEST_SECONDS):
        raise ContenderFailed("Kafka does not take mentions")


STAGE: Final = Stage(
    "recovery",
    "Ten million mentions of state restored from the changelog: from the worker's start until it can count.",
    "s",
    [Workload("10m", "distinct mentions, film-like skew over 20,000 films, 30 days in event-time order", filled)],
    [
        Contender(
            "cinepulse",
            recover,
            peer=False,
            about="memory_mb is the most that the worker ever has; bytes_a_mention what the state adds to an empty one",
            limits={
                "restore_seconds": 60.0,
                "bytes_a_mention": 200.0,
                "live_bytes_a_mention": 200.0,
                "memory_mb": 2_000.0,
            },
        )
    ],
    lambda given: given.stream.counts(),
    figure=lambda measured: measured.seconds,
    better="less",
)
