"""What becomes of records that cannot be rows: letters to `pipeline.dead_letters`, and a cap on their share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse import __version__
from cinepulse.errors import BrokerUnavailable, DeadLetterRateExceeded, Poison
from cinepulse.metrics import DEAD_LETTERS
from schemas.events import DeadLetter
from schemas.partitioning import text_partition
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import KafkaError, Message, Producer

    from clickhouse.rows import Record
    from schemas.codec import Codec

STAGE: Final = "sink"

# The contract cuts a letter's value here: a broken record may be of any size, its letter must fit a Kafka message.
VALUE_BYTES: Final = 64 * 1024
ERROR_CHARACTERS: Final = 300

# The share is taken over about this many of a partition's latest records, and only once this many were poison: one
# bad record among the first few says nothing about the set-up.
WINDOW_RECORDS: Final = 1_000
LEAST_POISON: Final = 20


def letter_of(record: Record, source: str, error: Exception, failed_at: int) -> DeadLetter:
    """Return the letter of a record of topic `source` that failed with `error` at `failed_at` (milliseconds)."""
    return DeadLetter(
        stage=STAGE,
        source=source,
        partition=record.partition,
        offset=record.offset,
        reason=error.reason if isinstance(error, Poison) else "insert_refused",
        error=f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS],
        key=record.key,
        value=None if record.value is None else record.value[:VALUE_BYTES],
        value_size=len(record.value or b""),
        code_version=__version__,
        failed_at=failed_at,
    )


class PoisonCap:
    """Stops the sink when too large a share of a partition's latest records is poison.

    A wrong configuration or a bad deployment makes everything look poison; draining the topic into dead letters would
    turn a restart into a repair.
    """

    def __init__(self, max_share: float) -> None:
        self._max_share = max_share
        self._seen: dict[tuple[str, int], tuple[float, float]] = {}

    def observe(self, topic: str, partition: int, *, records: int, poison: int) -> None:
        """Count a partition's records, `poison` of them poison; raises DeadLetterRateExceeded past the share."""
        seen, bad = self._seen.get((topic, partition), (0.0, 0.0))
        seen, bad = seen + records, bad + poison
        if bad >= LEAST_POISON and bad > seen * self._max_share:
            raise DeadLetterRateExceeded(
                f"{bad:.0f} of the latest {seen:.0f} records of {topic}-{partition} cannot be stored, more than the "
                f"share of {self._max_share:g}: check the schemas and the version of the writer, or raise "
                "CINEPULSE_DEAD_LETTER_MAX_SHARE"
            )
        shrink = min(1.0, WINDOW_RECORDS / seen) if seen else 1.0
        self._seen[topic, partition] = (seen * shrink, bad * shrink)


class LetterBox:
    """Sends dead letters and returns once Kafka has them."""

    def __init__(self, producer: Producer, codec: Codec, partitions: int, topic: str) -> None:
        self._producer = producer
        self._codec = codec
        self._partitions = partitions
        self._topic = topic

    def send(self, letters: Sequence[DeadLetter], timeout: float) -> None:
        """Deliver the letters; raises BrokerUnavailable when Kafka has not confirmed them all within `timeout` seconds.

        Letters that were confirmed before such a failure are sent again with the rest: a letter twice is harmless.
        """
        refused: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                refused.append(error)

        for letter in letters:
            self._producer.produce(
                self._topic,
                key=self._codec.encode(PIPELINE_DEAD_LETTERS.key_subject, letter.source),
                value=self._codec.encode(PIPELINE_DEAD_LETTERS.value_subject, letter),
                partition=text_partition(letter.source, self._partitions),
                on_delivery=delivered,
            )
        waiting = self._producer.flush(timeout)
        if waiting or refused:
            self._producer.purge()
            raise BrokerUnavailable(f"{waiting + len(refused)} dead letters were not delivered")
        for letter in letters:
            DEAD_LETTERS.labels(stage=STAGE, reason=letter.reason).inc()
