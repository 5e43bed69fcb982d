"""Claims partitions of a changelog topic in Kafka and reads them back."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

from cinepulse.errors import BrokerUnavailable
from cinepulse.kafka import consumer_config, topic_identity
from cinepulse.logging import get_logger
from schemas.provision import admin_client, create_topics
from schemas.topics import HOUR_MS, Topic
from stream_processors.changelog import claim_entry
from stream_processors.outbox import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from confluent_kafka import Consumer, Message

    from cinepulse.settings import Settings
    from stream_processors.changelog import Entry, PartitionLog
    from stream_processors.outbox import Outbox

Stored = tuple[int, int, bytes | None, bytes | None]
"""A record of the changelog: partition, offset, key and value."""

log = get_logger(__name__)

CHANGELOG_LAG_MS: Final = 6 * HOUR_MS

FETCH_RECORDS: Final = 200
FETCH_SECONDS: Final = 0.1
# So many fetches in a row without a record, though the end is not reached: the broker is gone.
SILENT_FETCHES: Final = 600


def changelog_topic(app_id: str) -> Topic:
    """Return the changelog of a worker's app: ids and numbers, no text and no author, kept as long as the counts.

    What a state has dropped of deleted posts leaves it within hours: see `stream_processors.stage.REWRITE_MS`.
    """
    return Topic(f"{app_id}-changelog", "the state of a stream processor", "compact", None, CHANGELOG_LAG_MS)


class ChangelogStore:
    """The changelog of one app.

    Args:
        settings: where Kafka is.
        app_id: the app whose state it is.
        source: the topic that the state is made from; a claim names it.
        outbox: sends records.
        progress: called while reading, so that a long recovery does not look like a hang.
    """

    def __init__(
        self, settings: Settings, app_id: str, source: str, outbox: Outbox, progress: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._source = source
        self._outbox = outbox
        self._progress = progress
        self.topic = changelog_topic(app_id)

    def provision(self) -> None:
        """Create the changelog topic if it is missing; raises ConfigurationInvalid for another number of partitions."""
        create_topics(
            admin_client(self._settings),
            [self.topic],
            partitions=self._settings.partitions,
            replication_factor=self._settings.replication_factor,
        )

    async def open(self, logs: Mapping[int, PartitionLog]) -> None:
        """Claim each partition and read its log up to the claim.

        A log that has been read before is read from where it stood. Raises BrokerUnavailable when Kafka does not
        answer.
        """
        if not logs:
            return
        topic_id = await asyncio.to_thread(topic_identity, self._settings, self._source)
        claims = [(partition, claim_entry(uuid.uuid4().bytes, topic_id)) for partition in logs]
        offsets = await self._outbox.append(self.outgoing(partition, entry) for partition, entry in claims)
        ends = {partition: offset + 1 for (partition, _), offset in zip(claims, offsets, strict=True)}
        await asyncio.to_thread(self._read, logs, ends)

    def outgoing(self, partition: int, entry: Entry) -> Outgoing:
        """Return a log's entry as a record to send."""
        return Outgoing(self.topic.name, partition, *entry)

    async def keys(self, partition: int, start: int, end: int) -> list[bytes | None]:
        """Return the keys of a partition's records from `start` up to but not including `end`."""

        def read() -> list[bytes | None]:
            return [key for _, _, key, _ in self._records({partition: start}, {partition: end})]

        return await asyncio.to_thread(read)

    def _read(self, logs: Mapping[int, PartitionLog], ends: Mapping[int, int]) -> None:
        starts = {partition: partition_log.position for partition, partition_log in logs.items()}
        for partition, offset, key, value in self._records(starts, ends):
            logs[partition].read(offset, key, value)
        for partition, partition_log in logs.items():
            self._check_superseded(partition, partition_log, starts[partition], ends[partition])

    def _check_superseded(self, partition: int, partition_log: PartitionLog, start: int, end: int) -> None:
        """Check that no compaction came between the bodies that a state written anew has superseded.

        What one of them put in, a later one may have taken out. Where the first was read and the second was compacted
        away before its turn, the state has what is gone; but then the first is gone by now as well.
        """
        read, partition_log.superseded_read = partition_log.superseded_read, set()
        if not read:
            return
        present = {key for _, _, key, value in self._records({partition: start}, {partition: end}) if value is not None}
        if not read <= present:
            raise BrokerUnavailable(f"{self.topic.name}-{partition} was compacted while it was read: start again")

    def _records(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Stored]:
        from confluent_kafka import Consumer, TopicPartition

        config = consumer_config(self._settings, "changelog") | {"group.id": f"{self.topic.name}-reader"}
        consumer = Consumer(config)
        try:
            consumer.assign([TopicPartition(self.topic.name, number, start) for number, start in starts.items()])
            yield from self._until(consumer, ends)
        finally:
            consumer.close()

    def _until(self, consumer: Consumer, ends: Mapping[int, int]) -> Iterator[Stored]:
        missing = dict(ends)
        silent = 0
        while missing:
            messages = consumer.consume(FETCH_RECORDS, FETCH_SECONDS)
            self._progress()
            silent = 0 if messages else silent + 1
            if silent > SILENT_FETCHES:
                raise BrokerUnavailable(f"{self.topic.name}: Kafka sends no records")
            for stored in _whole(messages):
                partition, offset, _, _ = stored
                if offset < missing.get(partition, 0):
                    yield stored
                    if offset + 1 == missing[partition]:
                        del missing[partition]


def _whole(messages: Iterable[Message]) -> Iterator[Stored]:
    """Return the records among what a fetch brought; the rest are errors, of which the library tells in between."""
    for message in messages:
        partition, offset, key, value = message.partition(), message.offset(), message.key(), message.value()
        if (error := message.error()) is not None:
            log.warning("changelog.read_failed", error=error.str())
        elif partition is not None and offset is not None:
            yield partition, offset, key, value
