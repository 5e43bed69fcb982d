"""What becomes of records that cannot be rows: letters to `pipeline.dead_letters`, and a cap on their share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cinepulse.errors import DeadLetterRateExceeded, Poison

if TYPE_CHECKING:
    from clickhouse.rows import Record
    from schemas.publisher import Publisher

STAGE: Final = "sink"

# The share is taken over about this many of a partition's latest records, and only once this many were poison: one
# bad record among the first few says nothing about the set-up.
WINDOW_RECORDS: Final = 1_000
LEAST_POISON: Final = 20


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record of topic `source` that cannot be stored, and why."""

    source: str
    record: Record
    error: Exception

    @property
    def reason(self) -> str:
        """Class of the failure, a snake_case constant."""
        return self.error.reason if isinstance(self.error, Poison) else "insert_refused"

    def send(self, publisher: Publisher) -> None:
        """Queue its dead letter; raises BrokerUnavailable when there is no room, and then it is not queued."""
        publisher.dead_letter(
            stage=STAGE,
            source=self.source,
            reason=self.reason,
            error=f"{type(self.error).__name__}: {self.error}",
            key=self.record.key,
            value=self.record.value,
            partition=self.record.partition,
            offset=self.record.offset,
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
