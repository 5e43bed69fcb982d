"""Turns Kafka messages into waiting rows, partition by partition, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid, OffsetsExpired, Poison
from cinepulse.logging import get_logger
from cinepulse.metrics import DEAD_LETTERS, RECORDS_PROCESSED
from clickhouse.batches import Waiting, cut
from clickhouse.letters import STAGE, letter_of
from clickhouse.offsets import Partition
from clickhouse.rows import INSTANTS_END, Record
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from confluent_kafka import Message

    from cinepulse.clock import Clock
    from clickhouse.batches import Batch
    from clickhouse.ledger import TopicEpoch
    from clickhouse.rows import Route
    from schemas.codec import Codec

LOG = get_logger(__name__)

# Waiting rows take about ten times the bytes they had on the wire.
WAITING_BYTES: Final = 32 * 1024 * 1024


class Intake:
    """The rows that wait, by partition, and which partitions have more than enough of them."""

    def __init__(
        self, routes: Iterable[Route], codec: Codec, clock: Clock, epochs: Mapping[str, TopicEpoch], *, max_rows: int
    ) -> None:
        self._epochs = epochs
        self._routes = {route.source: (order, route) for order, route in enumerate(routes)}
        self._codec = codec
        self._clock = clock
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
        """Turn messages into waiting rows or letters.

        Raises OffsetsExpired when Kafka no longer has what is to be read next, BrokerUnavailable when the client gives
        up for good.
        """
        for message in messages:
            failure = message.error()
            if failure is not None:
                _raise_fatal(failure, message)
                continue
            partition = Partition(message.topic() or "", message.partition() or 0)
            waiting, offset = self._waiting.get(partition), message.offset() or 0
            # What was fetched before a partition was taken away or paused may still arrive.
            if waiting is None or offset < waiting.read_to:
                continue
            self._take_one(message, waiting, offset)
        RECORDS_PROCESSED.labels(stage=STAGE).inc(len(messages))

    def cut(self, limit: int) -> list[Batch]:
        """Return the next batches, at most `limit` rows together."""
        return cut(self._waiting.values(), limit)

    @property
    def due(self) -> bool:
        """Whether anything waits."""
        return any(waiting.due for waiting in self._waiting.values())

    @property
    def rows(self) -> int:
        """How many rows wait."""
        return sum(len(waiting) for waiting in self._waiting.values())

    def full(self) -> set[Partition]:
        """Return the partitions that should not be read further for now."""
        if sum(waiting.size for waiting in self._waiting.values()) >= WAITING_BYTES:
            return {partition for partition, waiting in self._waiting.items() if waiting.size}
        return {partition for partition, waiting in self._waiting.items() if len(waiting) >= self._max_rows}

    def positions(self) -> dict[Partition, int]:
        """Return the offset that is read next, by partition."""
        return {partition: waiting.read_to for partition, waiting in self._waiting.items()}

    def _take_one(self, message: Message, waiting: Waiting, offset: int) -> None:
        key, value, (_, timestamp) = message.key(), message.value(), message.timestamp()
        timestamp = min(max(timestamp, 0), INSTANTS_END - 1)
        record = Record(key, value, waiting.partition, offset, timestamp, waiting.epoch)
        try:
            row = waiting.route.row(self._codec, record)
        except Poison as error:
            self._reject(waiting, record, error)
        else:
            waiting.add(offset, row, len(value or b"") + len(key or b""))

    def _reject(self, waiting: Waiting, record: Record, error: Poison) -> None:
        LOG.warning(
            "sink.record_rejected",
            topic=waiting.route.source,
            partition=record.partition,
            offset=record.offset,
            reason=error.reason,
        )
        if waiting.route.topic == PIPELINE_DEAD_LETTERS:
            # A letter about a letter would come back here: a count is all there is.
            DEAD_LETTERS.labels(stage=STAGE, reason=error.reason).inc()
            waiting.reject(record.offset, None)
        else:
            waiting.reject(record.offset, letter_of(record, waiting.route.source, error, self._clock.now_ms()))


def _raise_fatal(failure: KafkaError, message: Message) -> None:
    """Raise what ends the sink; log what the client recovers from by itself."""
    code, place = failure.code(), f"{message.topic()}-{message.partition()}"
    if code == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's own codes are named so
        raise OffsetsExpired(f"{place}: Kafka no longer has the records to read next: {failure.str()}")
    if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise ConfigurationInvalid(f"Kafka has no topic {message.topic()}: run `cinepulse topics create`")
    if failure.fatal():
        raise BrokerUnavailable(f"the Kafka client gave up: {failure.str()}")
    if code != KafkaError._PARTITION_EOF:  # noqa: SLF001 - as above
        LOG.warning("sink.kafka_error", place=place, error=failure.str())
