"""Removes records from compacted topics now, where the broker would take its time.

A record leaves a compacted topic when a later one has its key, its segment is closed and the cleaner has come by; its
tombstone leaves with the pass after that. While a `Compaction` is open the topics' settings make all of this a matter
of seconds. Each needs something to be appended, so that the segment closes: a tombstone of a key that nothing has.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from cinepulse.errors import BrokerUnavailable
from cinepulse.kafka import consumer_config
from schemas.append import Appender, RawAppend
from schemas.provision import REQUEST_SECONDS, admin_client
from schemas.topics import ERASING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from types import TracebackType

    from cinepulse.settings import Settings
    from schemas.append import Place
    from schemas.topics import Topic

# Above `segment.ms` of ERASING, so that each appended record closes the segment of the one before.
ROLL_SECONDS: Final = 0.7
CONSUME_SECONDS: Final = 10.0
CAREFUL_MS: Final = 5_000


class Compaction:
    """Lets the broker compact some topics at once, for the length of a block.

    Args:
        settings: where Kafka is.
        rolls: the topics, each with the key, as bytes, of the tombstone that is appended to close segments.
        careful: names of those whose tombstones others must read: nothing fresher than `CAREFUL_MS` is compacted.
        pause: sleeps.
    """

    def __init__(
        self,
        settings: Settings,
        rolls: Mapping[Topic, bytes],
        *,
        careful: Collection[str] = (),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._careful = careful
        self._settings = settings
        self._rolls = {topic.name: (topic, key) for topic, key in rolls.items()}
        self._pause = pause
        self._admin = admin_client(settings)
        self._appender = Appender(settings, "forget")

    def __enter__(self) -> Self:
        fresh = {"min.compaction.lag.ms": str(CAREFUL_MS)}
        self._alter({name: ERASING | (fresh if name in self._careful else {}) for name in self._rolls})
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        declared = {
            name: topic.config(replication_factor=self._settings.replication_factor)
            for name, (topic, _) in self._rolls.items()
        }
        self._alter({name: {key: config[key] for key in ERASING} for name, config in declared.items()})

    def until_gone(
        self, places: Collection[Place], seconds: float, go_on: Callable[[], bool] = lambda: True
    ) -> set[Place]:
        """Wait until the records are gone; return those that are still there after `seconds`, or without `go_on`.

        They must be superseded: followed, in their partition, by a record of the same key, or be tombstones.
        """
        left, deadline = set(places), time.monotonic() + seconds
        while left and time.monotonic() < deadline and go_on():
            self._roll({(place.topic, place.partition) for place in left})
            self._pause(ROLL_SECONDS)
            left = self.still_there(left)
        return left

    def still_there(self, places: Iterable[Place]) -> set[Place]:
        """Return those of the places that hold a record."""
        config = consumer_config(self._settings, "forget") | {
            "group.id": "cinepulse-forget-no-group", "enable.partition.eof": True, "fetch.wait.max.ms": 50,
        }  # fmt: skip
        consumer = Consumer(config)
        try:
            return {place for place in places if _holds(consumer, place)}
        finally:
            consumer.close()

    def _roll(self, partitions: Iterable[tuple[str, int]]) -> None:
        self._appender.append(
            [RawAppend(name, partition, self._rolls[name][1], None) for name, partition in partitions]
        )

    def _alter(self, configs: Mapping[str, Mapping[str, str]]) -> None:
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                    for key, value in config.items()
                ],
            )
            for name, config in configs.items()
        ]
        try:
            for answer in self._admin.incremental_alter_configs(resources).values() if resources else ():
                answer.result(REQUEST_SECONDS)
        except (KafkaException, TimeoutError) as error:
            raise BrokerUnavailable(f"Kafka does not take the topics' settings: {error}") from error


def _holds(consumer: Consumer, place: Place) -> bool:
    """Return whether reading from the place brings its own record first, and not a later one or the end."""
    consumer.assign([TopicPartition(*place)])
    deadline = time.monotonic() + CONSUME_SECONDS
    while time.monotonic() < deadline:
        for message in consumer.consume(1, 0.2):
            error = message.error()
            if error is None:
                return message.offset() == place.offset
            if error.code() in (KafkaError._PARTITION_EOF, KafkaError.OFFSET_OUT_OF_RANGE):  # noqa: SLF001 - its name
                return False
            raise BrokerUnavailable(f"Kafka: {error.str()}")
    raise BrokerUnavailable(f"Kafka sends nothing of {place.topic}-{place.partition}")
