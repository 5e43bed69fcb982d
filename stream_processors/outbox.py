"""Sends a flush and waits until Kafka has confirmed it.

Faust's producer takes about 20 microseconds of Python a record and its buffer has no bound; librdkafka's takes about
one, works outside the interpreter's lock, and refuses records beyond its bound. A flush is sent and confirmed before
the next one begins, so what is in flight is never more than one flush.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from cinepulse.errors import BrokerUnavailable
from cinepulse.metrics import RECORDS_DELIVERED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from cinepulse.kafka import Config

# What a flush leads to must not reach Kafka long after the proof that the partition is owned: a process that is paused
# for longer than this, and wakes as no longer the owner, finds the records in its queue expired. Kafka gives a
# partition away no sooner than 4.5 seconds after an owner fell silent (`stream_processors.app.SESSION_SECONDS` less one
# heartbeat).
PROMPT_MS: Final = 3_000
TIMEOUTS: Final = frozenset({-192, -185})
"""librdkafka's _MSG_TIMED_OUT and _TIMED_OUT."""

# A send queue that is full empties within a flush; one that does not is a broker that is gone.
POLL_SECONDS: Final = 0.05
# The client itself gives a record up earlier; this is for a client that answers nothing at all.
CONFIRM_SECONDS: Final = 75.0


class Outgoing(NamedTuple):
    """A record to send; `timestamp` in milliseconds, 0 for the time of sending."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    timestamp: int = 0


class Sender(Protocol):
    """What an outbox needs of confluent-kafka's Producer."""

    def produce(self, topic: str, value: bytes | None, key: bytes, partition: int, **options: Any) -> None:
        """Queue one record; raises BufferError when the queue is full."""
        ...

    def poll(self, timeout: float) -> int:
        """Run due delivery callbacks, waiting up to `timeout` seconds for one."""
        ...

    def flush(self, timeout: float) -> int:
        """Send what is queued and return how many records are unconfirmed after `timeout` seconds."""
        ...


class Outbox:
    """Sends lists of records, one list at a time.

    Args:
        config: a producer's configuration.
        connect: makes the producer; confluent-kafka's when left out.
    """

    def __init__(self, config: Config, connect: Any = None) -> None:
        if connect is None:
            from confluent_kafka import Producer as connect  # noqa: N813 - stands in for the argument
        self._errors: list[str] = []
        self._late = 0
        # Two producers: reporting every record costs Python time, and of what a flush leads to only failures matter.
        self._quiet: Sender = connect(
            config
            | {
                "delivery.report.only.error": True,
                "on_delivery": self._failed,
                "delivery.timeout.ms": PROMPT_MS,
                "request.timeout.ms": PROMPT_MS,
            }
        )
        self._telling: Sender = connect(config)

    async def send(self, records: Iterable[Outgoing]) -> bool:
        """Return True when Kafka has confirmed the records, False when some were not sent in `PROMPT_MS`.

        Raises BrokerUnavailable when Kafka refuses one. Some of the records may be in Kafka in either case.
        """
        sent: Counter[str] = Counter()
        for record in records:
            self._produce(self._quiet, record)
            sent[record.topic] += 1
        await self._confirm(self._quiet)
        late, self._late = self._late, 0
        if late:
            return False
        for topic, count in sent.items():
            RECORDS_DELIVERED.labels(topic).inc(count)
        return True

    async def append(self, records: Iterable[Outgoing]) -> list[int]:
        """Return the records' offsets, in their order, when Kafka has confirmed them.

        Raises BrokerUnavailable when it does not; some of them may be in Kafka then.
        """
        offsets: dict[int, int] = {}
        count = 0
        for count, record in enumerate(records, 1):

            def delivered(error: Any, message: Any, number: int = count - 1) -> None:
                if error is not None:
                    self._errors.append(error.str())
                else:
                    offsets[number] = message.offset()

            self._produce(self._telling, record, on_delivery=delivered)
        await self._confirm(self._telling)
        return [offsets[number] for number in range(count)]

    def _produce(self, sender: Sender, record: Outgoing, **options: Any) -> None:
        deadline = monotonic() + CONFIRM_SECONDS
        while True:
            try:
                sender.produce(
                    record.topic, record.value, record.key, record.partition, timestamp=record.timestamp, **options
                )
            except BufferError:
                if monotonic() > deadline:
                    raise BrokerUnavailable("Kafka takes no records: the send queue stays full") from None
                sender.poll(POLL_SECONDS)
            else:
                return

    async def _confirm(self, sender: Sender) -> None:
        waiting = await asyncio.to_thread(sender.flush, CONFIRM_SECONDS)
        errors, self._errors = self._errors, []
        if errors:
            self._late = 0
            raise BrokerUnavailable(f"Kafka refused {len(errors)} records, the first because: {errors[0]}")
        if waiting:
            raise BrokerUnavailable(f"Kafka has not confirmed {waiting} records")

    def _failed(self, error: Any, _message: Any) -> None:
        if error.code() in TIMEOUTS:
            self._late += 1
        else:
            self._errors.append(error.str())
