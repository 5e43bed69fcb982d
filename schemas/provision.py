"""Makes the broker's topics equal to `schemas/topics.py`, and tells how they stand."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid
from cinepulse.kafka import Refusals, client_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from cinepulse.kafka import Config
    from cinepulse.settings import Settings
    from schemas.topics import Topic

REQUEST_SECONDS: Final = 15.0

# A topic is in the metadata a moment before its partitions' leaders take requests.
LEADER_ATTEMPTS: Final = 100
LEADER_PAUSE_SECONDS: Final = 0.05
UNSETTLED: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.OFFSET_NOT_AVAILABLE,
        # What a client has heard of leaders is older or newer than what the broker knows, as after a restart.
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        # librdkafka's own "no leaders found", which it also says while some leader is being elected.
        KafkaError._NOENT,  # noqa: SLF001 - its name
    }
)
# A broker's answers that pass by themselves; all others are refusals.
PASSING: Final = UNSETTLED | {
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.NOT_CONTROLLER,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.KAFKA_STORAGE_ERROR,
}

# How long a topic that is just being deleted or made may take until it is one or the other.
SETTLE_SECONDS: Final = 15.0

Outcome = Literal["created", "updated", "unchanged"]
Answer = TypeVar("Answer")


class TopicUnsettled(BrokerUnavailable):
    """A topic was there a moment ago and is not now, or the other way round: somebody deletes or makes it."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition: its leader's broker id (-1 for none), its first offset and the offset that comes next."""

    number: int
    leader: int
    first_offset: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic on the broker: its partitions in order, its replicas and the values of the asked configuration."""

    name: str
    replication_factor: int
    partitions: tuple[PartitionState, ...]
    config: Mapping[str, str]

    @property
    def offsets(self) -> int:
        """Return the offsets from first to next: records, and what compaction and transactions left open."""
        return sum(partition.next_offset - partition.first_offset for partition in self.partitions)


def admin_client(where: Settings | str) -> AdminClient:
    """Return a client whose complaints about an absent broker go to the log and not to the terminal.

    `where`: the settings, or the address of a broker that asks for no login and no TLS.
    """
    config: Config = {"bootstrap.servers": where} if isinstance(where, str) else client_config(where, "admin")
    own: Config = {"reconnect.backoff.max.ms": 1_000, "log.connection.close": False}
    return _Admin(config | own | {"logger": logging.getLogger("kafka.admin")})


class _Admin(AdminClient):
    """A client that knows why it was not let in."""

    def __init__(self, config: Config) -> None:
        self.refusals = Refusals()
        super().__init__(config | {"error_cb": self.refusals})


def create_topics(
    admin: AdminClient, topics: Sequence[Topic], *, partitions: int, replication_factor: int
) -> dict[str, Outcome]:
    """Create the topics that are missing and give the others their declared configuration; safe to repeat.

    On return every partition of the new topics has a leader that takes requests. A topic that is just being deleted is
    waited for and made anew.

    Raises BrokerUnavailable when the broker does not answer, ConfigurationInvalid when it refuses a topic or when a
    topic has another number of partitions: records would lie in partitions where nobody looks for them.
    """
    configs = {topic.name: topic.config(replication_factor=replication_factor) for topic in topics}
    wanted = {name: NewTopic(name, partitions, replication_factor, config=config) for name, config in configs.items()}
    created: set[str] = set()

    def provide() -> set[str]:
        created.update(_create(admin, wanted))
        _offsets(admin, [(name, number) for name in created for number in range(partitions)], OffsetSpec.latest())
        existing = {name: config for name, config in configs.items() if name not in created}
        if existing:
            _check_partitions(admin, existing, partitions)
        return _update(admin, existing) if existing else set()

    updated = _settled(admin, provide)
    return {
        topic.name: "created" if topic.name in created else "updated" if topic.name in updated else "unchanged"
        for topic in topics
    }


def describe_topics(admin: AdminClient, topics: Sequence[Topic]) -> dict[str, TopicState | None]:
    """Return each topic as it stands on the broker, None for one that does not exist.

    Raises BrokerUnavailable when the broker does not answer.
    """
    return _settled(admin, lambda: _described(admin, topics))


def _described(admin: AdminClient, topics: Sequence[Topic]) -> dict[str, TopicState | None]:
    found = _metadata(admin)
    present = [topic for topic in topics if topic.name in found]
    configs = _configs(admin, {topic.name: topic.config(replication_factor=1) for topic in present})
    numbers = [(topic.name, number) for topic in present for number in sorted(found[topic.name].partitions)]
    first, following = _offsets(admin, numbers, OffsetSpec.earliest()), _offsets(admin, numbers, OffsetSpec.latest())

    def state(name: str) -> TopicState:
        partitions = found[name].partitions
        return TopicState(
            name,
            len(partitions[0].replicas),
            tuple(
                PartitionState(number, partitions[number].leader, first[name, number], following[name, number])
                for number in sorted(partitions)
            ),
            configs[name],
        )

    return {topic.name: state(topic.name) if topic.name in found else None for topic in topics}


def _settled(admin: AdminClient, ask: Callable[[], Answer]) -> Answer:
    """Return what `ask` returns, asking again while a topic that it asks about comes or goes."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            return ask()
        except TopicUnsettled:
            if time.monotonic() > deadline:
                raise
        except BrokerUnavailable as error:
            if not isinstance(admin, _Admin):
                raise
            admin.poll(0)
            raise admin.refusals.explained(error) from error
        time.sleep(LEADER_PAUSE_SECONDS)


def _create(admin: AdminClient, wanted: Mapping[str, NewTopic]) -> set[str]:
    """Create what is missing and return its names; another creator's topic counts as existing."""
    created = set()
    answers = admin.create_topics(list(wanted.values()), operation_timeout=REQUEST_SECONDS)
    for name, answer in answers.items():
        try:
            answer.result(REQUEST_SECONDS * 2)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise _translated(error, f"topic {name}") from error
        except TimeoutError as error:
            raise BrokerUnavailable("Kafka does not answer") from error
        else:
            created.add(name)
    return created


def _check_partitions(admin: AdminClient, names: Iterable[str], partitions: int) -> None:
    found = _metadata(admin)
    for name in names:
        if name not in found:
            raise TopicUnsettled(f"topic {name} exists and is not there: somebody deletes it")
        count = len(found[name].partitions)
        if count != partitions:
            raise ConfigurationInvalid(
                f"topic {name} has {count} partitions: set CINEPULSE_PARTITIONS={count}, "
                "or delete the topic and create it anew"
            )


def _update(admin: AdminClient, configs: Mapping[str, dict[str, str]]) -> set[str]:
    """Set the configuration values that differ and return the names of the topics that had any."""
    present = _configs(admin, configs)
    changes = [
        ConfigResource(
            ResourceType.TOPIC,
            name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, value in config.items()
                if present[name].get(key) != value
            ],
        )
        for name, config in configs.items()
        if present[name] != config
    ]
    if changes:
        for resource, answer in admin.incremental_alter_configs(changes).items():
            _answer(answer, f"topic {resource.name}")
    return {resource.name for resource in changes}


def _configs(admin: AdminClient, asked: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the broker's values of the asked keys of each topic."""
    if not asked:
        return {}
    answers = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name) for name in asked])
    return {
        resource.name: {
            key: entry.value
            for key, entry in _answer(answer, f"topic {resource.name}").items()
            if key in asked[resource.name]
        }
        for resource, answer in answers.items()
    }


def _offsets(admin: AdminClient, partitions: Sequence[tuple[str, int]], spec: OffsetSpec) -> dict[tuple[str, int], int]:
    """Return each partition's first or next offset, once its leader takes requests."""
    question = {TopicPartition(name, number): spec for name, number in partitions}
    for _ in range(LEADER_ATTEMPTS if question else 0):
        answers = admin.list_offsets(question, request_timeout=REQUEST_SECONDS)
        if not any(_unsettled(answer) for answer in answers.values()):
            return {
                (partition.topic, partition.partition): _answer(answer, f"topic {partition.topic}").offset
                for partition, answer in answers.items()
            }
        time.sleep(LEADER_PAUSE_SECONDS)
        # The client keeps what it knew of leaders before a broker's restart until it is told anew.
        _metadata(admin)
    if question:
        raise BrokerUnavailable(f"Kafka gives the partitions of {partitions[0][0]} no leader")
    return {}


def _unsettled(answer: Future[Any]) -> bool:
    try:
        error = answer.exception(REQUEST_SECONDS * 2)
    except TimeoutError:
        return False
    return isinstance(error, KafkaException) and error.args[0].code() in UNSETTLED


def _metadata(admin: AdminClient) -> dict[str, Any]:
    """Return the topics that have partitions, by name: one that is just being made or deleted may have none."""
    try:
        topics = admin.list_topics(timeout=REQUEST_SECONDS).topics
        return {name: topic for name, topic in topics.items() if topic.partitions}
    except KafkaException as error:
        raise _translated(error, "Kafka") from error


def _answer(answer: Future[Any], subject: str) -> Any:
    try:
        return answer.result(REQUEST_SECONDS * 2)
    except KafkaException as error:
        raise _translated(error, subject) from error
    except TimeoutError as error:
        raise BrokerUnavailable("Kafka does not answer") from error


def _translated(error: KafkaException, subject: str) -> BrokerUnavailable | ConfigurationInvalid:
    """Return our error for Kafka's: it may pass, or the broker refuses for good."""
    cause = error.args[0]
    if cause.code() < 0 or cause.code() in PASSING:
        # Negative codes are the client's own: no connection, timed out.
        return BrokerUnavailable(f"Kafka does not answer: {cause.str()}")
    if cause.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return TopicUnsettled(f"{subject} comes or goes: {cause.str()}")
    return ConfigurationInvalid(f"{subject}: {cause.str()}")
