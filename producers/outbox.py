"""What a producer sends: records, dead letters and poll reports, with one rule for a broker that is away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from cinepulse.errors import BrokerUnavailable, InvalidRecord
from cinepulse.logging import get_logger
from schemas.events import CoverageKey, PollReport
from schemas.topics import PIPELINE_COVERAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.errors import Poison
    from schemas.publisher import Publisher
    from schemas.topics import Topic

T = TypeVar("T")

log = get_logger(__name__)


class Outbox:
    """Sends one source's records.

    Args:
        publisher: does the sending.
        source: reddit or tmdb.
        unavailable: called with the error and the number of failures in a row when Kafka does not answer. Where it
            returns, the call is made again; what it raises ends the call.
    """

    def __init__(
        self, publisher: Publisher, source: str, unavailable: Callable[[BrokerUnavailable, int], None]
    ) -> None:
        self._publisher = publisher
        self._source = source
        self._unavailable = unavailable

    def send(self, topic: Topic, key: Any, value: Any, *, listing: str, thing: object) -> bool:
        """Queue a record; return False when it breaks the contract and went to dead letters instead.

        `listing` and `thing`, the source's own form of the record, tell the dead letter where it came from.
        """
        try:
            self._patiently(lambda: self._publisher.publish(topic, key, value))
        except InvalidRecord as error:
            self.dead_letter(listing, error, key=str(key), thing=thing)
            return False
        return True

    def dead_letter(self, listing: str, error: Poison, *, key: str | None, thing: object) -> None:
        """Queue a dead letter that holds the source's own form of the record: bytes as they are, others as JSON."""
        value = thing if isinstance(thing, bytes) else json.dumps(thing, ensure_ascii=True, default=str).encode()
        # Without the post's id: a log is kept for longer than the post may be.
        log.warning("producer.dead_letter", source=self._source, listing=listing, reason=error.reason)
        self._patiently(
            lambda: self._publisher.dead_letter(
                stage="producer",
                source=f"{self._source}/{listing}",
                reason=error.reason,
                error=str(error),
                key=None if key is None else key.encode(),
                value=value,
            )
        )

    def report(self, listing: str, report: PollReport) -> None:
        """Queue a poll report."""
        key = CoverageKey(source=self._source, listing=listing)
        self._patiently(lambda: self._publisher.publish(PIPELINE_COVERAGE, key, report))

    def confirm(self) -> None:
        """Wait until Kafka has confirmed everything sent."""
        self._patiently(self._publisher.flush)

    def _patiently(self, call: Callable[[], T]) -> T:
        failures = 0
        while True:
            try:
                return call()
            except BrokerUnavailable as error:
                failures += 1
                self._unavailable(error, failures)
