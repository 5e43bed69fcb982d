"""Read a topic from its beginning without a consumer group: for state that is rebuilt, and for reckonings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from cinepulse.errors import BrokerUnavailable
from cinepulse.kafka import METADATA_TIMEOUT_SECONDS, consumer_config, missing_topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from confluent_kafka import Message

    from cinepulse.settings import Settings

FETCH_RECORDS: Final = 2_000
POLL_SECONDS: Final = 0.2
# So many fetches in a row without a record, though the ends are not reached: the broker is gone.
SILENT_FETCHES: Final = 150


class RawRecord(NamedTuple):
    """One record as its bytes; `value` is None for a tombstone, `timestamp` its producer's, milliseconds."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()


class TopicReader:
    """Follows every partition of one topic, or the one `only`, from the first record on.

    `starts`: the partitions to follow and the offset to begin at in each; all of them from the first one without it.

    Each `to_end` yields what has come since the last one, so a reader can be asked again and again.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        part: str,
        *,
        only: int | None = None,
        starts: Mapping[int, int] | None = None,
    ) -> None:
        # librdkafka wants a group's name even of a consumer that never joins or commits.
        config = consumer_config(settings, part) | {"group.id": f"cinepulse-{part}-no-group", "fetch.wait.max.ms": 50}
        self._consumer = Consumer(config)
        self._topic = topic
        self._only = only
        self._starts = starts
        self._next: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def to_end(self) -> Iterator[RawRecord]:
        """Yield the records from where the last call ended to the ends of the partitions as they are now.

        Raises BrokerUnavailable when Kafka does not answer, ConfigurationInvalid when the topic does not exist.
        """
        for records in self.fetches(self.ends()):
            yield from records

    def fetches(self, ends: Mapping[int, int]) -> Iterator[list[RawRecord]]:
        """Yield the records from where the reader stands to `ends`, and maybe some behind them, as they are fetched.

        Raises BrokerUnavailable when Kafka sends nothing for half a minute though the ends are not reached.
        """
        silent = 0
        while self.left(ends):
            messages = self._consumer.consume(FETCH_RECORDS, POLL_SECONDS)
            silent = 0 if messages else silent + 1
            if silent > SILENT_FETCHES:
                raise BrokerUnavailable(f"{self._topic}: Kafka sends no records")
            if messages:
                yield [self._record(message) for message in messages]
            # Compaction and transaction markers leave offsets without records: the position passes them.
            for position in self._consumer.position([TopicPartition(self._topic, number) for number in ends]):
                self._next[position.partition] = max(self._next[position.partition], position.offset)

    def left(self, ends: Mapping[int, int]) -> int:
        """Return how many offsets there are from where the reader stands to `ends`."""
        return sum(max(0, end - self._next[partition]) for partition, end in ends.items())

    def _record(self, message: Message) -> RawRecord:
        if (error := message.error()) is not None:
            raise BrokerUnavailable(f"Kafka: {error.str()}")
        key, value = message.key(), message.value()
        time = message.timestamp()[1]
        # A list of pairs, as a consumer gives it; the mapping and text of its type are what a producer may take.
        headers: Any = message.headers() or ()
        return RawRecord(
            message.partition() or 0, message.offset() or 0, _bytes(key), _bytes(value), time, tuple(headers)
        )

    def ends(self) -> dict[int, int]:
        """Return the offset at which each partition ends now.

        Raises BrokerUnavailable when Kafka does not answer, ConfigurationInvalid when the topic does not exist.
        """
        try:
            if not self._next:
                self._assign()
            offsets = {
                number: self._consumer.get_watermark_offsets(
                    TopicPartition(self._topic, number), timeout=METADATA_TIMEOUT_SECONDS
                )
                for number in self._next
            }
        except KafkaException as error:
            raise BrokerUnavailable(f"Kafka does not answer: {error.args[0].str()}") from error
        for number, (first, _) in offsets.items():
            self._next[number] = max(self._next[number], first)
        return {number: end for number, (_, end) in offsets.items()}

    def _assign(self) -> None:
        metadata = self._consumer.list_topics(self._topic, timeout=METADATA_TIMEOUT_SECONDS).topics[self._topic]
        if metadata.error is not None or not metadata.partitions:
            raise missing_topic(self._topic)
        numbers = metadata.partitions if self._starts is None else self._starts
        starts = self._starts or {}
        self._next = {number: starts.get(number, 0) for number in numbers if self._only in {None, number}}
        self._consumer.assign([TopicPartition(self._topic, *start) for start in self._next.items()])


def _bytes(data: Any) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
