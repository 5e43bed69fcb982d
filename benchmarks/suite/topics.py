"""Topics of a benchmark: made, read to their end, deleted, and how far a group has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import stamina
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic

from benchmarks.suite.model import ContenderFailed
from schemas.provision import PASSING, admin_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka.admin import AdminClient

ADMIN_SECONDS: Final = 15.0
FETCH_RECORDS: Final = 10_000
SILENT_SECONDS: Final = 20.0

# Segments roll by their records' timestamps, and a month of them goes by in seconds.
SEGMENT_MS: Final = 10 * 365 * 86_400_000
KEEPING: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "segment.ms": str(SEGMENT_MS)}
"""Every record stays: neither expiry nor compaction, by event times long past, interferes."""


def create_topic(admin: AdminClient, topic: str, partitions: int) -> None:
    """Create a topic that keeps every record."""
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=KEEPING)
    admin.create_topics([new])[topic].result(ADMIN_SECONDS)


def delete_matching(bootstrap: str, prefix: str) -> None:
    """Delete the topics whose names begin so: what a contender leaves behind."""
    admin = admin_client(bootstrap)
    topics = [name for name in admin.list_topics(timeout=ADMIN_SECONDS).topics if name.startswith(prefix)]
    if topics:
        for deleted in admin.delete_topics(topics).values():
            deleted.result(ADMIN_SECONDS)


def delete_group(admin: AdminClient, group: str) -> None:
    """Delete a group that all members have left; does nothing when there is none of that name."""
    for attempt in stamina.retry_context(on=_passes, attempts=None, timeout=ADMIN_SECONDS):
        with attempt:
            try:
                admin.delete_consumer_groups([group])[group].result(ADMIN_SECONDS)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                    raise


def _passes(error: Exception) -> bool:
    """Return whether asking again helps: a broker that has just started has yet to find its groups."""
    return isinstance(error, KafkaException) and error.args[0].code() in {*PASSING, KafkaError.NON_EMPTY_GROUP}


def read_topic(bootstrap: str, topic: str) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the keys and values of a topic as it stands, each partition in its order.

    Raises ContenderFailed when it cannot be read to its end.
    """
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-reader", "enable.auto.commit": False})
    try:
        numbers = consumer.list_topics(topic, timeout=ADMIN_SECONDS).topics[topic].partitions
        places = [TopicPartition(topic, number, 0) for number in numbers]
        ends = {place.partition: consumer.get_watermark_offsets(place, timeout=ADMIN_SECONDS)[1] for place in places}
        consumer.assign([place for place in places if ends[place.partition]])
        missing = {number: end for number, end in ends.items() if end}
        while missing:
            messages = consumer.consume(FETCH_RECORDS, SILENT_SECONDS)
            if not messages:
                raise ContenderFailed(f"{topic} cannot be read to its end")
            for message in messages:
                if (error := message.error()) is not None:
                    raise ContenderFailed(f"{topic}: {error.str()}")
                number, offset = message.partition(), message.offset()
                if number in missing and offset is not None and offset < ends[number]:
                    yield message.key() or b"", message.value()
                    if offset + 1 == ends[number]:
                        del missing[number]
    finally:
        consumer.close()


def ends_of(bootstrap: str, topic: str, partitions: int) -> dict[int, int]:
    """Return the offset that comes next in each partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-reader", "enable.auto.commit": False})
    try:
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ADMIN_SECONDS)[1]
            for number in range(partitions)
        }
    finally:
        consumer.close()


class Commits:
    """Looks at how far a group has committed, without joining it; a context that closes its client."""

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
        self._topic = topic

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def have_reached(self, ends: Mapping[int, int]) -> bool:
        """Return whether every partition is committed up to these offsets; False while the broker cannot tell."""
        places = [TopicPartition(self._topic, number) for number in ends]
        try:
            committed = self._consumer.committed(places, timeout=ADMIN_SECONDS)
        except KafkaException as error:
            if _passes(error):
                return False
            raise
        return all(place.offset >= ends[place.partition] for place in committed)
