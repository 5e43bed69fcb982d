"""Runs the pipeline's own count stage: the worker process of the product, from an empty state to the last commit."""

from __future__ import annotations

import signal
import sys
import time
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
    from benchmarks.suite.children import Child
    from benchmarks.suite.mentions import Counts, MentionsTopic

PROGRAM: Final = "import sys; from cinepulse.cli import main; sys.exit(main(sys.argv[1:]))"
READY: Final = "worker.recovered"
READY_SECONDS: Final = 60.0
DONE_SECONDS: Final = 600.0
STOP_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.01


def run_count(given: MentionsTopic) -> Measured:
    """Let `cinepulse process count` count everything, and return the counts that its output topic tells.

    The time runs from the moment its state is recovered, when it folds its first batch, to the moment when the commit
    of the last offset is in Kafka, by when changelog and output are confirmed.
    """
    _forget_former_runs(given)
    ends = ends_of(given.bootstrap, MOVIE_MENTIONS.name, given.partitions)
    directory = given.new_directory("count")
    settings = {
        "CINEPULSE_DATA_DIR": str(directory / "data"),
        "CINEPULSE_KAFKA_BOOTSTRAP": given.bootstrap,
        "CINEPULSE_PARTITIONS": str(given.partitions),
    }
    with (
        Commits(given.bootstrap, COUNT_APP, MOVIE_MENTIONS.name) as commits,
        child_of([sys.executable, "-c", PROGRAM, "process", "count"], directory, settings) as child,
    ):
        _await_ready(child)
        started, spent = time.perf_counter(), child.cpu_seconds()
        while not commits.have_reached(ends):
            if not child.running():
                raise ContenderFailed(child.reason())
            if time.perf_counter() - started > DONE_SECONDS:
                raise ContenderFailed(f"not done after {DONE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        seconds, spent = time.perf_counter() - started, child.cpu_seconds() - spent
        child.popen.send_signal(signal.SIGTERM)
        if child.wait(STOP_SECONDS):
            raise ContenderFailed(child.reason())
    return Measured(
        given.records, seconds, told_counts(given.bootstrap), {"cpu_seconds": spent, "memory_mb": child.memory_mb}
    )


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


def _await_ready(child: Child) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while READY not in child.errors.read_text("utf-8", "replace"):
        if not child.running() or time.monotonic() > deadline:
            raise ContenderFailed(child.reason())
        time.sleep(LOOK_SECONDS)


def _forget_former_runs(given: MentionsTopic) -> None:
    admin = admin_client(given.bootstrap)
    delete_group(admin, COUNT_APP)
    for topic in (changelog_topic(COUNT_APP), MOVIE_MENTION_COUNTS):
        delete_matching(given.bootstrap, topic.name)
    create_topics(admin, [MOVIE_MENTION_COUNTS], partitions=given.partitions, replication_factor=1)
