"""What Kafka says about topics and offsets, for the sink's start and for `cinepulse verify`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicCollection, TopicPartition

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid, OffsetsExpired
from cinepulse.kafka import missing_topic
from schemas.provision import PASSING, describe_topics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

    from clickhouse.rows import Route

REQUEST_SECONDS: Final = 15.0


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


class Extent(NamedTuple):
    """The offsets a partition has: from `begin` up to, but not with, `end`."""

    begin: int
    end: int


def extents(admin: AdminClient, routes: Iterable[Route]) -> dict[Partition, Extent]:
    """Return the extent of every partition of the routes' topics.

    Raises BrokerUnavailable when Kafka does not answer, ConfigurationInvalid when a topic does not exist.
    """
    states = describe_topics(admin, [replace(route.topic, name=route.source) for route in routes])
    found = {}
    for name, state in states.items():
        if state is None:
            raise missing_topic(name)
        for partition in state.partitions:
            found[Partition(name, partition.number)] = Extent(partition.first_offset, partition.next_offset)
    return found


def topic_ids(admin: AdminClient, names: Sequence[str]) -> dict[str, str]:
    """Return the id that Kafka gave each topic when it was made (KIP-516): a topic made anew has another.

    Raises BrokerUnavailable when Kafka does not answer, ConfigurationInvalid when a topic does not exist.
    """
    answers = admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_SECONDS)
    try:
        return {name: str(answer.result(REQUEST_SECONDS * 2).topic_id) for name, answer in answers.items()}
    except KafkaException as error:
        raise _translated(error) from error


def committed(admin: AdminClient, group: str, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """Return the offset that the group committed for each partition, where it committed any.

    Raises BrokerUnavailable when Kafka does not answer.
    """
    asked = [TopicPartition(partition.topic, partition.number) for partition in partitions]
    (answer,) = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, asked)], request_timeout=REQUEST_SECONDS
    ).values()
    try:
        found = answer.result(REQUEST_SECONDS * 2).topic_partitions
    except KafkaException as error:
        raise _translated(error) from error
    return {Partition(entry.topic, entry.partition): entry.offset for entry in found if entry.offset >= 0}


def committed_by(consumer: Consumer, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """Return the offset that the consumer's group committed for each partition, where it committed any.

    Asked of the consumer, which follows its coordinator through a broker's death; the admin client's answer to the same
    question may then not come for minutes, or end the process (an assertion of librdkafka 2.x).

    Raises BrokerUnavailable when Kafka does not answer.
    """
    asked = [TopicPartition(partition.topic, partition.number) for partition in partitions]
    try:
        answered = consumer.committed(asked, timeout=REQUEST_SECONDS)
    except KafkaException as error:
        raise BrokerUnavailable(f"Kafka does not answer: {error.args[0].str()}") from error
    failed = next((entry.error for entry in answered if entry.error is not None), None)
    if failed is not None:
        raise BrokerUnavailable(f"Kafka does not tell what is committed: {failed.str()}")
    return {Partition(entry.topic, entry.partition): entry.offset for entry in answered if entry.offset >= 0}


def start_offsets(
    extent_of: Mapping[Partition, Extent], committed_of: Mapping[Partition, int], *, accept_gaps: bool = False
) -> dict[Partition, int]:
    """Return where to begin reading each partition: at its committed offset, at its begin where none is committed.

    A committed offset that the partition no longer has (records expired unread) or never had (the topic was made anew
    or cut) raises OffsetsExpired, unless `accept_gaps`: then reading begins at what there is.
    """
    return {
        partition: _start(partition, extent, committed_of.get(partition), accept_gaps=accept_gaps)
        for partition, extent in extent_of.items()
    }


def _start(partition: Partition, extent: Extent, offset: int | None, *, accept_gaps: bool) -> int:
    if offset is None or (accept_gaps and not extent.begin <= offset <= extent.end):
        return extent.begin
    if extent.begin <= offset <= extent.end:
        return offset
    raise OffsetsExpired(
        f"{partition.topic}-{partition.number}: offset {offset} is committed, but Kafka has {extent.begin} to "
        f"{extent.end}. Records may be lost; `cinepulse sink --accept-gaps` goes on with what there is, and "
        "`cinepulse verify` shows the hole"
    )


@dataclass(frozen=True, slots=True)
class LiveKafka:
    """What `cinepulse verify` asks of a running Kafka.

    `group`: the count stage's consumer group; `mentions`: the topic it counts.
    """

    admin: AdminClient
    routes: Sequence[Route]
    group: str
    mentions: str

    def extents(self) -> Mapping[Partition, Extent]:
        """Return the offsets that each partition of the routes' topics has now."""
        return extents(self.admin, self.routes)

    def topic_ids(self) -> Mapping[str, str]:
        """Return the id of each of the routes' topics."""
        return topic_ids(self.admin, [route.source for route in self.routes])

    def counted(self) -> Mapping[Partition, int]:
        """Return the offset below which the group has committed the mentions, by partition."""
        partitions = [partition for partition in self.extents() if partition.topic == self.mentions]
        return committed(self.admin, self.group, partitions)


def _translated(error: KafkaException) -> BrokerUnavailable | ConfigurationInvalid:
    cause = error.args[0]
    if cause.code() < 0 or cause.code() in PASSING:
        # Negative codes are the client's own: no connection, timed out.
        return BrokerUnavailable(f"Kafka does not answer: {cause.str()}")
    return ConfigurationInvalid(f"Kafka refuses: {cause.str()}")
