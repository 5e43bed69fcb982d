"""A broker in memory, behind the same interface as confluent-kafka's Producer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException

BYTES_TAKEN = 1_000_000


@dataclass
class MemoryBroker:
    """What was delivered, and how the next deliveries go.

    `down`: nothing is confirmed. `fail_next`: error codes with which the next deliveries fail, one a record.
    `partitions`: partitions of every topic.
    """

    partitions: int = 4
    delivered: list[tuple[str, int, bytes, bytes | None]] = field(default_factory=list)
    down: bool = False
    fail_next: list[KafkaError] = field(default_factory=list)
    connections: int = 0

    def connect(self) -> MemoryProducer:
        """Return a producer on this broker."""
        self.connections += 1
        return MemoryProducer(self)


@dataclass
class _Message:
    record: tuple[str, int, bytes, bytes | None]

    def topic(self) -> str:
        return self.record[0]

    def partition(self) -> int:
        return self.record[1]

    def key(self) -> bytes:
        return self.record[2]

    def value(self) -> bytes | None:
        return self.record[3]


class MemoryProducer:
    """Queues records and delivers them on `poll` and `flush`."""

    def __init__(self, broker: MemoryBroker, capacity: int = 1_000) -> None:
        self._broker = broker
        self._capacity = capacity
        self._queue: list[tuple[_Message, Any]] = []

    def produce(self, topic: str, value: bytes | None, key: bytes, partition: int, *, on_delivery: Any) -> None:
        """Queue a record as librdkafka does: too large ones are refused at once, a full queue raises BufferError."""
        if len(value or b"") > BYTES_TAKEN:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        if len(self._queue) >= self._capacity:
            raise BufferError
        self._queue.append((_Message((topic, partition, key, value)), on_delivery))

    def poll(self, timeout: float) -> int:
        """Deliver what is queued unless the broker is down."""
        del timeout
        count = len(self._queue)
        return count - self.flush(0)

    def flush(self, timeout: float) -> int:
        """Deliver what is queued unless the broker is down; return what is left."""
        del timeout
        if self._broker.down:
            return len(self._queue)
        queue, self._queue = self._queue, []
        for message, on_delivery in queue:
            error = self._error(message)
            if error is None:
                self._broker.delivered.append(message.record)
            on_delivery(error, message)
        return 0

    def _error(self, message: _Message) -> KafkaError | None:
        if message.partition() >= self._broker.partitions:
            return KafkaError(KafkaError._UNKNOWN_PARTITION)
        return self._broker.fail_next.pop(0) if self._broker.fail_next else None
