"""Appends records as they are: bytes, partition, timestamp and headers given, and says where each one landed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import KafkaException, Producer

from cinepulse.errors import BrokerUnavailable
from cinepulse.kafka import producer_config

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import KafkaError, Message

    from cinepulse.settings import Settings

FLUSH_SECONDS: Final = 30.0
NOW: Final = 0
"""Timestamp of a record that has no time of its own: that of sending."""


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class RawAppend:
    """A record to append; `value` None is a tombstone, `timestamp` in milliseconds since 1970-01-01 UTC."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp: int = NOW
    headers: tuple[tuple[str, bytes], ...] = ()


class Appender:
    """Appends through one idempotent producer; `part` names it in the broker's logs."""

    def __init__(self, settings: Settings, part: str) -> None:
        self._producer = Producer(producer_config(settings, part))

    def append(self, records: Sequence[RawAppend]) -> list[Place]:
        """Return where the records are, in their order, when Kafka has confirmed all of them.

        Raises BrokerUnavailable when it does not; some of them may be in Kafka then.
        """
        places: dict[int, Place] = {}
        errors: list[str] = []
        for number, record in enumerate(records):

            def delivered(error: KafkaError | None, message: Message, number: int = number) -> None:
                if error is not None:
                    errors.append(error.str())
                else:
                    places[number] = Place(str(message.topic()), message.partition() or 0, message.offset() or 0)

            self._produce(record, delivered)
        waiting = self._producer.flush(FLUSH_SECONDS)
        if waiting or errors:
            raise BrokerUnavailable(errors[0] if errors else f"Kafka has not confirmed {waiting} records")
        return [places[number] for number in range(len(records))]

    def _produce(self, record: RawAppend, delivered: Callable[[KafkaError | None, Message], None]) -> None:
        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    delivered,
                    timestamp=record.timestamp,
                    headers=list(record.headers),
                )
            except BufferError:
                self._producer.poll(1.0)
            except KafkaException as error:
                raise BrokerUnavailable(f"Kafka does not take the record: {error.args[0].str()}") from error
            else:
                self._producer.poll(0)
                return
