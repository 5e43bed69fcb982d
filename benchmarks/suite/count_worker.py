"""Runs the pipeline's own count stage: the worker process of the product, from an empty state to the last commit."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Final

from benchmarks.suite.children import child_of
from benchmarks.suite.model import ContenderFailed, Measured
from benchmarks.suite.topics import Commits, delete_group, delete_matching, ends_of, read_topic
from schemas.codec import Codec
from schemas.provision import admin_client, create_topics
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.changelog_store import changelog_topic
from stream_processors.workers import COUNT_APP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from benchmarks.suite.children import Child
    from benchmarks.suite.mentions import Counts, MentionsTopic

PROGRAM: Final = "import sys; from cinepulse.cli import main; sys.exit(main(sys.argv[1:]))"
READY: Final = "worker.recovered"
READY_SECONDS: Final = 60.0
DONE_SECONDS: Final = 600.0
STOP_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.01


def run_count(given: MentionsTopic, workers: int = 1) -> Measured:
    """Let `cinepulse process count` count everything, and return the counts that its output topic tells.

    The time runs from the moment a worker's state is recovered, when it folds its first batch, to the moment when the
    commit of the last offset is in Kafka, by when changelog and output are confirmed. Of several workers the broker
    must let all join at once (`join_ms` of the workload), or the first would have begun before the last was there.
    """
    _forget_former_runs(given)
    ends = ends_of(given.bootstrap, MOVIE_MENTIONS.name, given.partitions)
    with ExitStack() as running:
        commits = running.enter_context(Commits(given.bootstrap, COUNT_APP, MOVIE_MENTIONS.name))
        children = [running.enter_context(_worker(given)) for _ in range(workers)]
        begun = _await_ready(children)
        spent, brokers = _cpu_seconds(children), given.broker_cpu_seconds()
        while not commits.have_reached(ends):
            for child in children:
                if not child.running():
                    raise ContenderFailed(child.reason())
            if time.time() - begun > DONE_SECONDS:
                raise ContenderFailed(f"not done after {DONE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        seconds, spent = time.time() - begun, _cpu_seconds(children) - spent
        brokers = given.broker_cpu_seconds() - brokers
        for child in children:
            child.popen.send_signal(signal.SIGTERM)
        for child in children:
            if child.wait(STOP_SECONDS):
                raise ContenderFailed(child.reason())
    memory = sum(child.memory_mb for child in children)
    extra = {"cpu_seconds": spent, "memory_mb": memory, "broker_cpu_seconds": brokers}
    return Measured(given.records, seconds, told_counts(given.bootstrap), extra)


def _worker(given: MentionsTopic) -> AbstractContextManager[Child]:
    directory = given.new_directory("count")
    settings = {
        "CINEPULSE_DATA_DIR": str(directory / "data"),
        "CINEPULSE_KAFKA_BOOTSTRAP": given.bootstrap,
        "CINEPULSE_PARTITIONS": str(given.partitions),
    }
    return child_of([sys.executable, "-c", PROGRAM, "process", "count"], directory, settings)


def _cpu_seconds(children: Sequence[Child]) -> float:
    return sum(child.cpu_seconds() for child in children)


def told_counts(bootstrap: str) -> Counts:
    """Return what `movie.mention_counts` tells, by the highest revision of each film and day."""
    codec = Codec(ManifestIds())
    latest: dict[tuple[int, int], tuple[int, int]] = {}
    for key, value in read_topic(bootstrap, MOVIE_MENTION_COUNTS.name):
        film_day = codec.decode(MOVIE_MENTION_COUNTS.key_subject, key)
        count = codec.decode(MOVIE_MENTION_COUNTS.value_subject, value or b"")
        told = count.revision, count.mentions
        latest[film_day.tmdb_id, film_day.day] = max(told, latest.get((film_day.tmdb_id, film_day.day), told))
    return {film_day: mentions for film_day, (_, mentions) in latest.items() if mentions}


def _await_ready(children: Sequence[Child]) -> float:
    """Return when the first has recovered its state, as its log has it: Unix time in seconds."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        for child in children:
            lines = child.errors.read_text("utf-8", "replace").splitlines(keepends=True)
            for line in lines:
                if READY in line and line.endswith("\n"):
                    return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
            if not child.running() or time.monotonic() > deadline:
                raise ContenderFailed(child.reason())
        time.sleep(LOOK_SECONDS)


def _forget_former_runs(given: MentionsTopic) -> None:
    admin = admin_client(given.bootstrap)
    delete_group(admin, COUNT_APP)
    for topic in (changelog_topic(COUNT_APP), MOVIE_MENTION_COUNTS):
        delete_matching(given.bootstrap, topic.name)
    create_topics(admin, [MOVIE_MENTION_COUNTS], partitions=given.partitions, replication_factor=1)
