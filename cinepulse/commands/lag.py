"""How far the consumers are behind: committed offsets against the topics' ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.topics import (
    MOVIE_MENTION_COUNTS,
    MOVIE_MENTIONS,
    PIPELINE_COVERAGE,
    PIPELINE_DEAD_LETTERS,
    REDDIT_POSTS,
    TMDB_MOVIES,
    TMDB_POPULARITY,
    Topic,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka.admin import AdminClient

    from cinepulse.settings import Settings
    from schemas.provision import TopicState

ANSWER_SECONDS: Final = 5.0

# Each consuming part's group is `cinepulse-` and its name. These are the topics that it works through; what it reads
# whole at every start, as the linker reads the catalogue, has no committed offset and no lag.
INPUTS: Final[Mapping[str, tuple[Topic, ...]]] = {
    "link": (REDDIT_POSTS,),
    "count": (MOVIE_MENTIONS,),
    "sink": (
        TMDB_MOVIES,
        TMDB_POPULARITY,
        MOVIE_MENTIONS,
        MOVIE_MENTION_COUNTS,
        PIPELINE_COVERAGE,
        PIPELINE_DEAD_LETTERS,
    ),
}


def lags(settings: Settings) -> dict[str, int | None]:
    """Return each consuming part's lag in offsets; empty when Kafka does not answer.

    A lag is None where a topic is missing, or while the group's coordinator still loads.
    """
    from cinepulse.errors import BrokerUnavailable
    from schemas.provision import admin_client, describe_topics

    admin = admin_client(settings)
    try:
        states = describe_topics(admin, list({topic for topics in INPUTS.values() for topic in topics}))
        return {part: _lag(admin, part, [states[topic.name] for topic in topics]) for part, topics in INPUTS.items()}
    except BrokerUnavailable:
        return {}


def _lag(admin: AdminClient, part: str, states: list[TopicState | None]) -> int | None:
    known = [state for state in states if state is not None]
    if len(known) < len(states):
        return None
    committed = _committed(admin, f"cinepulse-{part}")
    if committed is None:
        return None
    return sum(
        partition.next_offset - max(partition.first_offset, committed.get((state.name, partition.number), 0))
        for state in known
        for partition in state.partitions
    )


def _committed(admin: AdminClient, group: str) -> dict[tuple[str, int], int] | None:
    """Return the group's committed offsets, none for a group that never committed; None while nobody can tell."""
    from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException

    question = ConsumerGroupTopicPartitions(group)
    try:
        answer = admin.list_consumer_group_offsets([question], request_timeout=ANSWER_SECONDS)[group].result(
            ANSWER_SECONDS * 2
        )
    except KafkaException as error:
        return {} if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND else None
    except TimeoutError:
        return None
    return {(each.topic, each.partition): each.offset for each in answer.topic_partitions}
