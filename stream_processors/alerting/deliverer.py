"""Takes alerts from the topic to one destination: at least once, and not again once it was confirmed.

Each destination has a consumer group and a thread of its own, so that one that is broken holds up nobody else. An
offset is committed after the destination has taken the alert and the record says so.
"""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Protocol

import stamina

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.errors import Poison
from cinepulse.logging import get_logger
from cinepulse.metrics import ALERTS_DELIVERED
from stream_processors.alerting.destinations import AlertRefused, DestinationUnavailable
from stream_processors.alerting.message import Message, read_message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cinepulse.clock import Clock
    from schemas.codec import Codec
    from stream_processors.alerting.delivered import Delivered
    from stream_processors.alerting.destinations import Destination

log = get_logger(__name__)

ATTEMPTS: Final = 4
FIRST_WAIT_SECONDS: Final = 0.2
LONGEST_WAIT_SECONDS: Final = 2.0
# Between two rounds of attempts at a destination that is away; the consumer is polled meanwhile.
REST_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.5
HOUR_SECONDS: Final = 3_600

GROUP_PREFIX: Final = "cinepulse-deliver-"


class Incoming(Protocol):
    """A record of `trend.alerts`, as a consumer gives it."""

    def key(self) -> bytes | None:
        """Key as it came."""
        ...

    def value(self) -> bytes | None:
        """Value as it came."""
        ...


class Source(Protocol):
    """Gives records one by one and takes note of what is done."""

    def next(self, seconds: float) -> Incoming | None:
        """Return the next record, None when there is none within so long."""
        ...

    def idle(self, seconds: float) -> None:
        """Let time pass and stay a member of the group, without taking records."""
        ...

    def done(self, record: Incoming) -> None:
        """Commit a record."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


class Deliverer:
    """One destination's way.

    Args:
        source: where alerts come from.
        destination: where they go.
        delivered: what has gone there.
        codec: the contract.
        title_of: returns a film's title, None where it is not known.
        clock: tells how old an alert is.
        kinds: what is wanted.
        max_age_hours: what is older is passed over: nobody wants last month's bursts after a backfill.
    """

    def __init__(  # noqa: PLR0913 - the parts of a way
        self,
        source: Source,
        destination: Destination,
        delivered: Delivered,
        codec: Codec,
        *,
        title_of: Callable[[int], str | None],
        clock: Clock,
        kinds: Collection[str],
        max_age_hours: float,
    ) -> None:
        self._source = source
        self._destination = destination
        self._delivered = delivered
        self._codec = codec
        self._title_of = title_of
        self._clock = clock
        self._kinds = kinds
        self._max_age_ms = max_age_hours * HOUR_SECONDS * MILLISECONDS_PER_SECOND

    def run(self, stop: Event) -> None:
        """Deliver until told to stop."""
        while not stop.is_set():
            record = self._source.next(POLL_SECONDS)
            if record is not None and self._deliver(record, stop):
                self._source.done(record)

    def _deliver(self, record: Incoming, stop: Event) -> bool:
        """Return True once a record needs no more work, False when told to stop before."""
        message = self._read(record)
        if message is None:
            return True
        while not stop.is_set():
            try:
                self._attempt(message, stop)
            except DestinationUnavailable as error:
                self._count("failed")
                log.warning("alerts.destination_unavailable", destination=self._destination.name, error=str(error))
                self._rest(stop)
            except AlertRefused as error:
                self._count("refused")
                log.warning("alerts.refused", destination=self._destination.name, id=message.identity, error=str(error))
                return True
            else:
                self._delivered.add(message.identity)
                self._count("delivered")
                return True
        return False

    def _read(self, record: Incoming) -> Message | None:
        """Return what is to be delivered, None for what is not."""
        try:
            found = read_message(self._codec, record.key(), record.value())
        except Poison as poison:
            # The sink, which reads the same topic, has made a dead letter of it.
            log.warning("alerts.unreadable", reason=poison.reason)
            self._count("unreadable")
            return None
        old = self._clock.now_ms() - found.alert.happened_at > self._max_age_ms
        if old or found.key.kind not in self._kinds:
            self._count("unwanted")
            return None
        if self._delivered.has(found.identity):
            self._count("repeated")
            return None
        return Message(found.key, found.alert, self._title_of(found.key.tmdb_id))

    def _attempt(self, message: Message, stop: Event) -> None:
        attempts = stamina.retry_context(
            on=lambda error: isinstance(error, DestinationUnavailable) and not stop.is_set(),
            attempts=ATTEMPTS,
            timeout=None,
            wait_initial=FIRST_WAIT_SECONDS,
            wait_max=LONGEST_WAIT_SECONDS,
        )
        for attempt in attempts:
            with attempt:
                self._destination.send(message)

    def _rest(self, stop: Event) -> None:
        until = self._clock.monotonic() + REST_SECONDS
        while not stop.is_set() and self._clock.monotonic() < until:
            self._source.idle(POLL_SECONDS)

    def _count(self, outcome: str) -> None:
        ALERTS_DELIVERED.labels(self._destination.name, outcome).inc()


class Way:
    """A deliverer in a thread of its own, ended by what it raises; `work` makes, runs and closes it."""

    def __init__(self, name: str, work: Callable[[Event], None], stop: Event) -> None:
        self.name = name
        self.error: BaseException | None = None
        self._work = work
        self._stop = stop
        self._thread = Thread(target=self._run, name=f"deliver-{name}", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Return whether it still works."""
        return self._thread.is_alive()

    def join(self, seconds: float) -> bool:
        """Wait for its end; return whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work(self._stop)
        except BaseException as error:  # noqa: BLE001 - carried to the main thread, which raises it
            self.error = error
