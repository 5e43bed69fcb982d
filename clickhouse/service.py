"""Builds the sink from the settings and runs it."""

from __future__ import annotations

import logging
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import stamina
from confluent_kafka import Consumer, Producer

from cinepulse.clock import SystemClock
from cinepulse.errors import Retryable
from cinepulse.health import serve_health
from clickhouse.client import connect
from clickhouse.columnar import Columnar
from clickhouse.intake import Intake
from clickhouse.letters import LetterBox, PoisonCap
from clickhouse.offsets import Extent, Partition, committed, extents, start_offsets, topic_ids
from clickhouse.rows import routes
from clickhouse.sink import SinkLoop
from clickhouse.store import Store
from clickhouse.writer import Writer
from schemas.codec import Codec
from schemas.provision import admin_client
from schemas.registry import schema_ids
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

    from confluent_kafka.admin import AdminClient

    from cinepulse.settings import Settings
    from clickhouse.rows import Route

GROUP: Final = "cinepulse-sink"

# How long a start waits for Kafka and ClickHouse before it gives up and lets the supervisor try anew.
START_SECONDS: Final = 60.0


def consumer_config(bootstrap: str, group: str) -> dict[str, Any]:
    """Return the sink's consumer settings."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # A position that Kafka no longer has is an error to be told, never a silent jump.
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        # Every rebalance assigns all partitions anew, which the loop relies on.
        "partition.assignment.strategy": "range",
        # A killed sink's partitions are free again after this long: the broker's least.
        "session.timeout.ms": 6_000,
        "heartbeat.interval.ms": 1_500,
        "max.poll.interval.ms": 300_000,
        # What is fetched ahead waits in the client: bounded, and asked for again as soon as there is room; the default
        # is to look again after a second.
        "queued.max.messages.kbytes": 32_768,
        "fetch.queue.backoff.ms": 10,
        "reconnect.backoff.max.ms": 1_000,
        "log.connection.close": False,
    }


def producer_config(bootstrap: str) -> dict[str, Any]:
    """Return the settings of the producer of dead letters."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": GROUP,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "reconnect.backoff.max.ms": 1_000,
        "log.connection.close": False,
    }


def build_sink(
    settings: Settings, store: Store, *, chosen: Sequence[Route], group: str = GROUP, accept_gaps: bool = False
) -> SinkLoop:
    """Return a sink for the routes, with its tables checked and its epochs known.

    Raises ConfigurationInvalid when a topic or table is missing, BrokerUnavailable or DatabaseUnavailable when Kafka
    or ClickHouse does not answer.
    """
    ids = schema_ids(settings.schema_registry_url)
    clock, codec = SystemClock(), Codec(ids)
    admin = admin_client(settings.kafka_bootstrap)
    store.check()
    epochs = store.epochs(topic_ids(admin, [route.source for route in chosen]))
    letters_topic = next(route.source for route in chosen if route.topic == PIPELINE_DEAD_LETTERS)

    writer = Writer(
        store=store,
        codec=codec,
        columnar=Columnar(ids, codec),
        letters=LetterBox(
            Producer(producer_config(settings.kafka_bootstrap), logger=logging.getLogger("kafka.producer")),
            codec,
            settings.partitions,
            letters_topic,
        ),
        cap=PoisonCap(settings.dead_letter_max_share),
        clock=clock,
        epochs=epochs,
    )
    return SinkLoop(
        Consumer(consumer_config(settings.kafka_bootstrap, group), logger=logging.getLogger("kafka.consumer")),
        Intake(chosen, epochs, max_rows=settings.sink_max_rows),
        writer,
        lambda partitions: _starts(admin, group, chosen, partitions, accept_gaps=accept_gaps),
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
    for attempt in stamina.retry_context(on=Retryable, attempts=None, timeout=START_SECONDS):
        with attempt:
            store = Store(connect(settings), token_hex(8))
            sink = build_sink(settings, store, chosen=chosen, accept_gaps=accept_gaps)
    sink.run([route.source for route in chosen], stop)


def _starts(
    admin: AdminClient, group: str, chosen: Sequence[Route], partitions: Sequence[Partition], *, accept_gaps: bool
) -> Mapping[Partition, int]:
    """Return where to begin each partition, asking Kafka again while it comes back from a restart."""
    if not partitions:
        return {}
    for attempt in stamina.retry_context(on=Retryable, attempts=None, timeout=START_SECONDS):
        with attempt:
            found = extents(admin, chosen)
            asked: dict[Partition, Extent] = {partition: found[partition] for partition in partitions}
            return start_offsets(asked, committed(admin, group, partitions), accept_gaps=accept_gaps)
    raise AssertionError("unreachable: the last attempt raises")
