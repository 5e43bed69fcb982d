"""The delivery process: one way a destination, until told to stop."""

from __future__ import annotations

import signal
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import SystemClock
from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid, WorkerCrashed
from cinepulse.health import beat, mark_ready, serve_health
from cinepulse.kafka import consumer_config, missing_topic
from cinepulse.logging import configure_logging, get_logger
from schemas.codec import Codec
from schemas.registry import schema_ids
from schemas.topics import TREND_ALERTS
from stream_processors.alerting.delivered import Delivered
from stream_processors.alerting.deliverer import GROUP_PREFIX, Deliverer, Way
from stream_processors.alerting.destinations import destinations_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka import Message

    from cinepulse.settings import Settings
    from stream_processors.alerting.deliverer import Incoming
    from stream_processors.alerting.destinations import Destination

    TitleOf = Callable[[int], str | None]

log = get_logger(__name__)

TICK_SECONDS: Final = 0.5
STOP_SECONDS: Final = 6.0
# A killed process's partitions go to the next one after this long.
SESSION_MS: Final = 6_000
HEARTBEAT_MS: Final = 1_500
FOLDER: Final = "alerts"


class TopicSource:
    """The records of `trend.alerts` for one group; what is not done comes again to the next member."""

    def __init__(self, settings: Settings, group: str) -> None:
        from confluent_kafka import Consumer

        own = {"group.id": group, "session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": HEARTBEAT_MS}
        self._consumer = Consumer(consumer_config(settings, "deliver") | own)
        self._consumer.subscribe([TREND_ALERTS.name])

    def next(self, seconds: float) -> Message | None:
        """Return the next record; raises ConfigurationInvalid when the topic is gone, BrokerUnavailable for good."""
        from confluent_kafka import KafkaError

        message = self._consumer.poll(seconds)
        if message is None or (error := message.error()) is None:
            return message
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise missing_topic(TREND_ALERTS.name)
        if error.fatal():
            raise BrokerUnavailable(f"the Kafka client gave up: {error.str()}")
        log.warning("alerts.kafka_error", error=error.str())
        return None

    def idle(self, seconds: float) -> None:
        """Poll without taking anything."""
        assignment = self._consumer.assignment()
        if assignment:
            self._consumer.pause(assignment)
        stray = self._consumer.poll(seconds)
        if stray is not None and stray.error() is None:
            # A partition that came meanwhile is not paused: its first record waits for its turn.
            self._seek(stray)
        assignment = self._consumer.assignment()
        if assignment:
            self._consumer.resume(assignment)

    def done(self, record: Incoming) -> None:
        """Commit; one that fails costs a look into the record of what was delivered."""
        from confluent_kafka import KafkaException

        try:
            self._consumer.commit(message=record, asynchronous=False)  # type: ignore[call-overload]  # given by `next`
        except KafkaException as error:
            log.warning("alerts.commit_failed", error=error.args[0].str())

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _seek(self, message: Any) -> None:
        from confluent_kafka import TopicPartition

        self._consumer.seek(TopicPartition(message.topic(), message.partition(), message.offset()))


def run_delivery(settings: Settings, title_of: TitleOf) -> int:
    """Deliver until SIGTERM or SIGINT; returns the exit code.

    Raises ConfigurationInvalid when no destination is set, and what ended one of the ways.
    """
    if not settings.alert_destinations:
        raise ConfigurationInvalid("CINEPULSE_ALERT_DESTINATIONS: name at least one of log, webhook, email")
    configure_logging(settings.log_level)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serve_health(settings)
    ways = [Way(one.name, _work(settings, one, title_of), stop) for one in destinations_of(settings)]
    mark_ready()
    while not stop.wait(TICK_SECONDS) and all(way.alive() for way in ways):
        beat()
    ended = [way for way in ways if not way.alive()]
    stop.set()
    # One that waits for its destination must not hold up the exit: its alert comes again after the next start.
    in_time = [way.join(STOP_SECONDS) for way in ways]
    log.info("alerts.stopped", in_time=all(in_time))
    for way in ended:
        if way.error is not None:
            raise way.error
        raise WorkerCrashed(f"delivery to {way.name} ended by itself")
    return 0


def _work(settings: Settings, destination: Destination, title_of: TitleOf) -> Callable[[Event], None]:
    def work(stop: Event) -> None:
        delivered = Delivered(settings.data_dir / FOLDER / f"{destination.name}.sqlite", destination.name)
        source = TopicSource(settings, GROUP_PREFIX + destination.name)
        try:
            Deliverer(
                source,
                destination,
                delivered,
                Codec(schema_ids(settings)),
                title_of=title_of,
                clock=SystemClock(),
                kinds=frozenset(settings.alert_kinds),
                max_age_hours=settings.alert_max_age_hours,
            ).run(stop)
        finally:
            source.close()
            destination.close()
            delivered.close()

    return work
