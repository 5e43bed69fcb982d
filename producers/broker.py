"""What a producer does while Kafka is away: it waits, and says so ever less often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.logging import get_logger

if TYPE_CHECKING:
    from cinepulse.errors import BrokerUnavailable

log = get_logger(__name__)

# The call that failed has itself waited for the broker; this is only to not turn in circles when it fails at once.
RETRY_SECONDS: Final = 0.2


def note_absence(source: str, error: BrokerUnavailable, failures: int) -> float:
    """Log the first, second, fourth... failure in a row and return how many seconds to wait."""
    if failures & (failures - 1) == 0:
        log.warning("producer.broker_unavailable", source=source, error=str(error), failures=failures)
    return RETRY_SECONDS
