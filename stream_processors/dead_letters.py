"""Records that cannot be processed: kept with bytes and reason, up to a rate at which the fault must be ours."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from cinepulse import __version__
from cinepulse.errors import DeadLetterRateExceeded
from cinepulse.metrics import DEAD_LETTERS
from schemas.events import DeadLetter
from schemas.letters import letter_key
from schemas.partitioning import text_partition
from schemas.topics import PIPELINE_DEAD_LETTERS
from stream_processors.outbox import Outgoing

if TYPE_CHECKING:
    from cinepulse.clock import Clock
    from cinepulse.errors import Poison
    from schemas.codec import Codec

VALUE_BYTES: Final = 64 * 1024
KEY_BYTES: Final = 1024
ERROR_CHARS: Final = 1000

# The share of poison is taken over so many of a partition's latest records, and not before so many have come.
WINDOW_RECORDS: Final = 1_000
LEAST_RECORDS: Final = 100


class Failed(Protocol):
    """The Kafka record that failed."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def key(self) -> bytes | None:
        """Key as it came."""
        ...

    @property
    def value(self) -> bytes | None:
        """Value as it came."""
        ...


class DeadLetters:
    """Writes one stage's dead letters and watches their share.

    Args:
        stage: the stage that gives up: link or count.
        source: topic the records come from.
        codec: encodes the letters.
        clock: stamps them.
        partitions: partitions of the dead letters' topic.
        max_share: share of poison among a partition's latest records that stops the worker.
    """

    def __init__(  # noqa: PLR0913 - what a letter needs from its surroundings
        self, stage: str, source: str, codec: Codec, clock: Clock, *, partitions: int, max_share: float
    ) -> None:
        self._stage = stage
        self._source = source
        self._codec = codec
        self._clock = clock
        self._partitions = partitions
        self._max_share = max_share
        self._recent: dict[int, deque[tuple[int, int]]] = {}

    def letter(self, partition: int, record: Failed, poison: Poison) -> Outgoing:
        """Return the record to send for one that failed."""
        DEAD_LETTERS.labels(self._stage, poison.reason).inc()
        value = record.value
        letter = DeadLetter(
            stage=self._stage,
            source=self._source,
            partition=partition,
            offset=record.offset,
            reason=poison.reason,
            error=str(poison)[:ERROR_CHARS],
            key=None if record.key is None else record.key[:KEY_BYTES],
            value=None if value is None else value[:VALUE_BYTES],
            value_size=len(value or b""),
            code_version=__version__,
            failed_at=self._clock.now_ms(),
        )
        key = letter_key(letter)
        return Outgoing(
            PIPELINE_DEAD_LETTERS.name,
            text_partition(key, self._partitions),
            self._codec.encode(PIPELINE_DEAD_LETTERS.key_subject, key),
            self._codec.encode(PIPELINE_DEAD_LETTERS.value_subject, letter),
        )

    def observe(self, partition: int, records: int, poison: int) -> None:
        """Note how many of some records were poison.

        Raises DeadLetterRateExceeded when the share among the partition's latest ones is above the limit.
        """
        recent = self._recent.setdefault(partition, deque())
        recent.append((records, poison))
        total = sum(count for count, _ in recent)
        while total - recent[0][0] >= WINDOW_RECORDS:
            total -= recent.popleft()[0]
        failed = sum(count for _, count in recent)
        if total >= LEAST_RECORDS and failed > self._max_share * total:
            raise DeadLetterRateExceeded(
                f"{failed} of the latest {total} records of {self._source}, partition {partition}, are poison: see "
                f"topic {PIPELINE_DEAD_LETTERS.name}; CINEPULSE_DEAD_LETTER_MAX_SHARE sets the limit"
            )
