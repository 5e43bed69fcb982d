"""Kafka messages waiting to be written, partition by partition, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError

from cinepulse.errors import ClientGaveUp, OffsetsExpired
from cinepulse.kafka import missing_topic
from cinepulse.logging import get_logger
from cinepulse.metrics import RECORDS_PROCESSED
from clickhouse.batches import Waiting, cut
from clickhouse.letters import STAGE
from clickhouse.tables import LAST_INSTANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from confluent_kafka import Message

    from clickhouse.batches import Batch
    from clickhouse.ledger import TopicEpoch
    from clickhouse.offsets import Partition
    from clickhouse.rows import Route

LOG = get_logger(__name__)

# How many full inserts a flush may hold: what waits behind it waits for less than a second.
FULL_INSERTS: Final = 2

# Decoded, records take about ten times the bytes they have on the wire.
WAITING_BYTES: Final = 32 * 1024 * 1024


class Intake:
    """The records that wait, by partition, and which partitions have more than enough of them."""

    def __init__(self, routes: Iterable[Route], epochs: Mapping[str, TopicEpoch], *, max_rows: int) -> None:
        self._epochs = epochs
        self._routes = {route.source: (order, route) for order, route in enumerate(routes)}
        self._max_rows = max_rows
        self._waiting: dict[Partition, Waiting] = {}

    def assign(self, starts: Mapping[Partition, int]) -> None:
        """Begin anew with these partitions, each at its offset."""
        self._waiting = {
            partition: Waiting(
                self._routes[partition.topic][1],
                partition.number,
                self._epochs[partition.topic].epoch,
                starts[partition],
            )
            for partition in sorted(starts, key=lambda partition: (self._routes[partition.topic][0], partition.number))
        }

    def clear(self) -> None:
        """Drop everything: another owner reads it again."""
        self._waiting = {}

    def take(self, messages: Sequence[Message]) -> None:
        """Keep the messages of assigned partitions.

        Raises OffsetsExpired when Kafka no longer has what is to be read next, ConfigurationInvalid when a topic is
        gone, ClientGaveUp when the client gives up for good.
        """
        waiting = self._waiting
        for message in messages:
            failure = message.error()
            if failure is not None:
                _raise_fatal(failure, message)
                continue
            # What was fetched before a partition was taken away may still arrive.
            key = (message.topic(), message.partition())
            place = waiting.get(key)  # type: ignore[call-overload]  # a Partition is such a tuple
            if place is not None:
                timestamp = min(max(message.timestamp()[1], 0), LAST_INSTANT)
                place.add(message.offset(), message.key(), message.value(), timestamp)
        RECORDS_PROCESSED.labels(stage=STAGE).inc(len(messages))

    def cut(self) -> list[Batch]:
        """Return the next batches."""
        return cut(self._waiting.values(), most=self._max_rows, together=FULL_INSERTS * self._max_rows)

    @property
    def due(self) -> bool:
        """Whether anything waits."""
        return any(len(waiting) for waiting in self._waiting.values())

    @property
    def records(self) -> int:
        """How many records wait."""
        return sum(len(waiting) for waiting in self._waiting.values())

    def full(self) -> set[Partition]:
        """Return the partitions that should not be read further for now."""
        if sum(waiting.size for waiting in self._waiting.values()) >= WAITING_BYTES:
            return {partition for partition, waiting in self._waiting.items() if waiting.size}
        return {partition for partition, waiting in self._waiting.items() if len(waiting) >= self._max_rows}

    def positions(self) -> dict[Partition, int]:
        """Return the offset that is read next, by partition."""
        return {partition: waiting.read_to for partition, waiting in self._waiting.items()}


def _raise_fatal(failure: KafkaError, message: Message) -> None:
    """Raise what ends the sink; log what the client recovers from by itself."""
    code, place = failure.code(), f"{message.topic()}-{message.partition()}"
    if code == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's own codes are named so
        raise OffsetsExpired(f"{place}: Kafka no longer has the records to read next: {failure.str()}")
    if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise missing_topic(message.topic() or "")
    if failure.fatal():
        raise ClientGaveUp(f"the Kafka client gave up: {failure.str()}")
    if code != KafkaError._PARTITION_EOF:  # noqa: SLF001 - as above
        LOG.warning("sink.kafka_error", place=place, error=failure.str())
