"""Builds the sink from the settings and runs it."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Final

import stamina
from confluent_kafka import Consumer

from cinepulse.clock import SystemClock
from cinepulse.errors import Retryable
from cinepulse.health import serve_health
from cinepulse.kafka import consumer_config
from clickhouse.client import connect
from clickhouse.columnar import Columnar
from clickhouse.erasure import Sweeper
from clickhouse.intake import Intake
from clickhouse.letters import PoisonCap
from clickhouse.mention_days import KEEP_EVERY_SECONDS, DayKeeper
from clickhouse.merging import MERGE_EVERY_SECONDS, merge_days
from clickhouse.offsets import committed_by, extents, start_offsets, topic_ids
from clickhouse.rows import routes
from clickhouse.sink import SinkLoop
from clickhouse.store import Store
from clickhouse.terms import COUNT_EVERY_SECONDS, count_terms
from clickhouse.writer import Writer
from schemas.codec import Codec
from schemas.provision import admin_client
from schemas.publisher import Publisher
from schemas.registry import schema_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

    from confluent_kafka.admin import AdminClient

    from cinepulse.settings import Settings
    from clickhouse.offsets import Partition
    from clickhouse.rows import Route

GROUP: Final = "cinepulse-sink"

# How long a start waits for Kafka and ClickHouse before it gives up and lets the supervisor try anew.
START_SECONDS: Final = 60.0


def sink_consumer(settings: Settings, group: str) -> Consumer:
    """Return the sink's consumer."""
    # A static member: its successor takes its place at once, where a stranger waits for the end of its session.
    known = {"group.instance.id": settings.sink_instance_id} if settings.sink_instance_id else {}
    return Consumer(
        consumer_config(settings, "sink")
        | known
        | {
            "group.id": group,
            # A position that Kafka no longer has is an error to be told, never a silent jump.
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            # Every rebalance assigns all partitions anew, which the loop relies on.
            "partition.assignment.strategy": "range",
            # A killed sink's partitions are free again after this long: the broker's least.
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 1_500,
            # What is fetched ahead waits in the client: bounded, and asked for again as soon as there is room, where
            # the default is to look again after a second.
            "queued.max.messages.kbytes": 32_768,
            "fetch.queue.backoff.ms": 10,
        }
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """What a sink reads: the routes' topics, as a member of a group. `accept_gaps`: see `start_offsets`."""

    settings: Settings
    routes: Sequence[Route]
    group: str = GROUP
    accept_gaps: bool = False


def build_sink(setup: Setup, store: Store, publisher: Publisher) -> SinkLoop:
    """Return a sink that writes to `store` and sends dead letters through `publisher`.

    Raises ConfigurationInvalid when a topic or table is missing, BrokerUnavailable or DatabaseUnavailable when Kafka
    or ClickHouse does not answer.
    """
    settings = setup.settings
    ids = schema_ids(settings)
    clock, codec = SystemClock(), Codec(ids)
    admin = admin_client(settings)
    store.check()
    epochs = store.epochs(topic_ids(admin, [route.source for route in setup.routes]))
    writer = Writer(
        store=store,
        codec=codec,
        columnar=Columnar(ids, codec),
        publisher=publisher,
        cap=PoisonCap(settings.dead_letter_max_share),
        clock=clock,
        epochs=epochs,
    )
    return SinkLoop(
        sink_consumer(settings, setup.group),
        Intake(setup.routes, epochs, max_rows=settings.sink_max_rows),
        writer,
        lambda consumer, partitions: _starts(admin, setup, consumer, partitions),
        clock,
        flush_seconds=settings.sink_flush_seconds,
        max_rows=settings.sink_max_rows,
    )


def run_sink(settings: Settings, stop: Event, *, accept_gaps: bool = False) -> None:
    """Run the sink until `stop` is set.

    Raises ConfigurationInvalid when a topic or table is missing, BrokerUnavailable or DatabaseUnavailable when Kafka
    or ClickHouse does not answer for a minute at the start, OffsetsExpired and DeadLetterRateExceeded as they say.
    """
    serve_health(settings)
    chosen = routes()
    for attempt in stamina.retry_context(on=Retryable, attempts=None, timeout=START_SECONDS, wait_max=1.0):
        with attempt:
            if stop.is_set():
                return
            store = Store(connect(settings), token_hex(8))
            publisher = Publisher.connected(settings, "sink")
            sink = build_sink(Setup(settings, chosen, accept_gaps=accept_gaps), store, publisher)
    Sweeper(lambda: connect(settings)).start(stop)
    Sweeper(lambda: connect(settings), every_seconds=COUNT_EVERY_SECONDS, work=count_terms, name="term_counter").start(
        stop
    )
    Sweeper(lambda: connect(settings), every_seconds=KEEP_EVERY_SECONDS, work=DayKeeper(), name="day_keeper").start(
        stop
    )
    Sweeper(lambda: connect(settings), every_seconds=MERGE_EVERY_SECONDS, work=merge_days, name="day_merger").start(
        stop
    )
    sink.run([route.source for route in chosen], stop)


def _starts(
    admin: AdminClient, setup: Setup, consumer: Consumer, partitions: Sequence[Partition]
) -> Mapping[Partition, int]:
    """Return where to begin each partition, asking Kafka again while it comes back from a restart."""
    if not partitions:
        return {}
    for attempt in stamina.retry_context(on=Retryable, attempts=None, timeout=START_SECONDS):
        with attempt:
            found = extents(admin, setup.routes)
            asked = {partition: found[partition] for partition in partitions}
            at = committed_by(consumer, partitions)
            return start_offsets(asked, at, accept_gaps=setup.accept_gaps)
    raise AssertionError("unreachable: the last attempt raises")
