"""A broker that takes little: the count worker on a long backlog, reading fast and writing slowly.

Everything that the worker writes goes through a link of 400 kB/s, a fraction of what it would write, while what it
reads comes at full speed; half-way the broker stands still for some seconds. Were anything unbounded between the two,
the worker's memory would grow by the backlog. It is compared with the most memory of the same work on a fast link.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from benchmarks.suite.count_worker import run_count
from benchmarks.suite.mentions import PARTITIONS, RECORDS, MentionsTopic, counted, distinct, send, some_mentions
from benchmarks.suite.model import RECORDS_A_SECOND, Contender, Measured, Stage, Workload
from benchmarks.suite.slow_link import slow_link
from benchmarks.suite.topics import create_topic
from cinepulse.local.ports import LOOPBACK, PortPicker
from schemas.provision import admin_client, create_topics
from schemas.topics import MOVIE_MENTIONS, TOPICS
from tests.fixtures.kafka import BrokerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.mentions import Counts

BYTES_A_SECOND: Final = 400_000.0
PAUSE_AFTER_SECONDS: Final = 8.0
PAUSE_SECONDS: Final = 4.0
MOST_GROWTH_MB: Final = 64.0


@dataclass(frozen=True, slots=True)
class Narrow:
    """A topic behind a slow link; `usual_mb`: the most memory that the same work takes on a fast one."""

    topic: MentionsTopic
    broker: BrokerProcess
    usual_mb: float


@contextmanager
def narrow(bench: Bench) -> Iterator[Narrow]:
    """Fill a topic, do the work once on a fast link, then narrow the way to the broker."""
    said = some_mentions(bench.records(RECORDS))
    broker, picker = BrokerProcess(bench.new_directory("kafka")), PortPicker()
    slow, way = picker.pick(), picker.pick()
    client, controller = broker.ports.client, broker.ports.controller
    host = f"PLAINTEXT://{LOOPBACK}"
    broker.more_properties = {
        "listeners": f"{host}:{client},SLOW://{LOOPBACK}:{slow},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"{host}:{client},SLOW://{LOOPBACK}:{way}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SLOW:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }
    try:
        broker.start()
        admin = admin_client(broker.bootstrap)
        rest = [topic for topic in TOPICS if topic != MOVIE_MENTIONS]
        create_topics(admin, rest, partitions=PARTITIONS, replication_factor=1)
        create_topic(admin, MOVIE_MENTIONS.name, PARTITIONS)
        send(broker.bootstrap, said, partitions=PARTITIONS)
        counts = distinct(said), counted(said)
        fast = MentionsTopic(broker.bootstrap, PARTITIONS, len(said), *counts, bench.new_directory)
        usual = run_count(fast).extra["memory_mb"]
        with slow_link(way, slow, BYTES_A_SECOND):
            yield Narrow(replace(fast, bootstrap=f"{LOOPBACK}:{way}"), broker, usual)
    finally:
        broker.kill()


def count(given: Narrow) -> Measured:
    """Count everything, with the broker standing still for a while in the middle."""
    done = Event()

    def pause() -> None:
        if not done.wait(PAUSE_AFTER_SECONDS):
            os.kill(given.broker.pid, signal.SIGSTOP)
            done.wait(PAUSE_SECONDS)
            os.kill(given.broker.pid, signal.SIGCONT)

    pauser = Thread(target=pause, daemon=True)
    pauser.start()
    try:
        measured = run_count(given.topic)
    finally:
        done.set()
        pauser.join()
    return replace(measured, extra={**measured.extra, "growth_mb": measured.extra["memory_mb"] - given.usual_mb})


def exact(given: Narrow) -> Counts:
    """Return the exact counts with each mention once."""
    return dict(given.topic.distinct)


STAGE: Final = Stage(
    name="pressure",
    about="the count worker behind a slow link: the intake slows down, the memory does not grow",
    unit=RECORDS_A_SECOND,
    workloads=(Workload("slow-link", "400 kB/s to the broker, which pauses for 4 s", narrow),),
    contenders=(
        Contender(
            "cinepulse",
            count,
            peer=False,
            about="growth_mb: above the most memory of the same work on a fast link",
            limits={"growth_mb": MOST_GROWTH_MB},
        ),
    ),
    reference=exact,
)
