"""The one way to send records to Kafka: encoded by the contract, partitioned by it, counted when confirmed.

Nothing handed to a publisher is dropped while its process lives: a record that the client gives up on is kept and sent
again by the next `flush`. What a process must not forget beyond its own life it writes down only after a `flush` that
returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from cinepulse import __version__
from cinepulse.clock import SystemClock
from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid, InvalidRecord
from cinepulse.kafka import missing_topic, producer_config
from cinepulse.logging import get_logger
from cinepulse.metrics import DEAD_LETTERS, RECORDS_DELIVERED
from schemas.codec import Codec
from schemas.events import DeadLetter
from schemas.letters import letter_key
from schemas.partitioning import partition_of
from schemas.registry import schema_ids
from schemas.topics import PIPELINE_DEAD_LETTERS, topic_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from confluent_kafka import Message

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings
    from schemas.topics import Topic

log = get_logger(__name__)

# Dead letters keep enough of a record to see what is wrong with it; Kafka's default record limit is 1 MiB.
DEAD_VALUE_BYTES: Final = 64 * 1024
DEAD_KEY_BYTES: Final = 1024
DEAD_ERROR_CHARS: Final = 1000

# How long one `flush`, and one `publish` into a full queue, waits for the broker before it says that it does not
# answer. Well below the time after which a silent part counts as stuck.
FLUSH_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05


class Transport(Protocol):
    """What a publisher needs of confluent-kafka's Producer."""

    def produce(self, topic: str, value: bytes | None, key: bytes, partition: int, *, on_delivery: Any) -> None:
        """Queue one record; raises BufferError when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Run due delivery callbacks, waiting up to `timeout` seconds for one."""
        ...

    def flush(self, timeout: float) -> int:
        """Send what is queued and return how many records are unconfirmed after `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class _Encoded:
    topic: str
    partition: int
    key: bytes
    value: bytes | None


class Publisher:
    """Sends records of the contract; one a process, not shared between threads.

    Args:
        connect: returns a fresh transport; called again when a transport has failed for good.
        codec: encodes keys and values.
        partitions: partitions of every topic.
        clock: stamps dead letters and bounds waiting.
        flush_seconds: how long `flush` and a full queue wait for the broker.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        codec: Codec,
        *,
        partitions: int,
        clock: Clock | None = None,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._connect = connect
        self._transport = connect()
        self._codec = codec
        self._partitions = partitions
        self._clock = clock or SystemClock()
        self._flush_seconds = flush_seconds
        self._undelivered: list[_Encoded] = []
        self._broken: KafkaError | None = None
        self._last_error: KafkaError | None = None

    @classmethod
    def connected(cls, settings: Settings, part: str, *, flush_seconds: float = FLUSH_SECONDS) -> Self:
        """Return a publisher on the broker of `settings`; it connects in the background."""
        config = producer_config(settings, part)
        codec = Codec(schema_ids(settings))
        return cls(lambda: Producer(config), codec, partitions=settings.partitions, flush_seconds=flush_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if _type is None:
            self.flush()

    def publish(self, topic: Topic, key: Any, value: Any) -> None:
        """Queue a record, or a tombstone when `value` is None.

        Raises InvalidRecord when it breaks the contract, BrokerUnavailable when the queue stays full: then this
        record is not queued.
        """
        encoded = _Encoded(
            topic.name,
            partition_of(topic, key, self._partitions),
            self._codec.encode(topic.key_subject, key),
            None if value is None else self._codec.encode(topic.value_subject, value),
        )
        self._queue(encoded)
        self._transport.poll(0)

    def dead_letter(  # noqa: PLR0913 - one argument a field of the record
        self,
        *,
        stage: str,
        source: str,
        reason: str,
        error: str,
        key: bytes | None = None,
        value: bytes | None = None,
        partition: int | None = None,
        offset: int | None = None,
    ) -> None:
        """Queue a dead letter: the record's bytes, cut where they are long, and why it failed.

        Args:
            stage: producer, link, count or sink.
            source: topic the record came from; for a producer the API and listing.
            reason: class of the failure, a snake_case constant.
            error: message of the failure, without secrets.
            key: original key bytes.
            value: original value bytes, None for a tombstone.
            partition: partition of the source topic.
            offset: offset in the partition.
        """
        DEAD_LETTERS.labels(stage, reason).inc()
        letter = DeadLetter(
            stage=stage,
            source=source,
            reason=reason,
            error=error[:DEAD_ERROR_CHARS],
            value_size=len(value or b""),
            code_version=__version__,
            failed_at=self._clock.now_ms(),
            partition=partition,
            offset=offset,
            key=None if key is None else key[:DEAD_KEY_BYTES],
            value=None if value is None else value[:DEAD_VALUE_BYTES],
        )
        self.publish(PIPELINE_DEAD_LETTERS, letter_key(letter), letter)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until Kafka has confirmed every record handed in so far.

        Raises BrokerUnavailable when that takes longer than `timeout` seconds: nothing is dropped, and a later call
        goes on. Raises ConfigurationInvalid when a topic or partition does not exist.
        """
        deadline = monotonic() + (self._flush_seconds if timeout is None else timeout)
        self._resend()
        waiting = self._transport.flush(max(0.0, deadline - monotonic()))
        if waiting or self._undelivered:
            self._raise_for_last_error()
            count = waiting + len(self._undelivered)
            raise BrokerUnavailable(f"Kafka has not confirmed {count} records")
        self._last_error = None

    def _resend(self) -> None:
        if self._broken is not None:
            log.warning("publisher.reconnected", error=self._broken.str())
            # The records a dead transport still holds come back through their callbacks, as failed.
            self._transport.flush(0)
            self._transport, self._broken = self._connect(), None
        pending, self._undelivered = self._undelivered, []
        while pending:
            try:
                self._queue(pending[0])
            except BrokerUnavailable:
                self._undelivered += pending
                raise
            del pending[0]

    def _queue(self, encoded: _Encoded) -> None:
        deadline = monotonic() + self._flush_seconds
        while True:
            try:
                self._transport.produce(
                    encoded.topic, encoded.value, encoded.key, encoded.partition, on_delivery=self._delivered
                )
            except BufferError:
                if monotonic() > deadline:
                    raise BrokerUnavailable("Kafka takes no records: the send queue stays full") from None
                self._transport.poll(POLL_SECONDS)
            except KafkaException as failure:
                self._refused(encoded, failure.args[0])
                return
            else:
                return

    def _refused(self, encoded: _Encoded, error: KafkaError) -> None:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            size = len(encoded.value or b"")
            raise InvalidRecord(f"{encoded.topic}: {size} bytes are more than Kafka takes", reason="record_too_large")
        self._failed(encoded, error)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            RECORDS_DELIVERED.labels(message.topic()).inc()
            return
        topic, partition, key = message.topic(), message.partition(), message.key()
        self._failed(_Encoded(str(topic), partition or 0, _bytes(key) or b"", _bytes(message.value())), error)

    def _failed(self, encoded: _Encoded, error: KafkaError) -> None:
        self._undelivered.append(encoded)
        self._last_error = error
        if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - the binding names it so
            self._broken = error

    def _raise_for_last_error(self) -> None:
        error, self._last_error = self._last_error, None
        code = None if error is None else error.code()
        topic = self._undelivered[0].topic if self._undelivered else ""
        if code in {KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART}:  # noqa: SLF001 - as above
            raise missing_topic(topic_named(topic).name)
        if code == KafkaError._UNKNOWN_PARTITION:  # noqa: SLF001 - as above
            raise ConfigurationInvalid(
                f"CINEPULSE_PARTITIONS: {self._partitions} are more partitions than topic {topic} has"
            )


def _bytes(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
