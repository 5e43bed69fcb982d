"""How far the consumers are behind: committed offsets against the topics' ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.topics import (
    MOVIE_MENTION_COUNTS,
    MOVIE_MENTIONS,
    MOVIE_TERMS,
    PIPELINE_COVERAGE,
    PIPELINE_DEAD_LETTERS,
    REDDIT_POSTS,
    TMDB_MOVIES,
    TMDB_POPULARITY,
    TMDB_RANKINGS,
    TREND_ALERTS,
    Topic,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from confluent_kafka.admin import AdminClient

    from cinepulse.settings import Settings
    from schemas.provision import TopicState

ANSWER_SECONDS: Final = 5.0
DELIVER_PREFIX: Final = "cinepulse-deliver-"

# Each consuming part's groups and the topics that they work through. What a part reads whole at every start, as the
# linker reads the catalogue, has no committed offset and no lag.
INPUTS: Final[Mapping[str, Mapping[str, tuple[Topic, ...]]]] = {
    "link": {"cinepulse-link": (REDDIT_POSTS,)},
    "count": {"cinepulse-count": (MOVIE_MENTIONS,)},
    "alerts": {"cinepulse-bursts": (MOVIE_MENTIONS,), "cinepulse-ranks": (TMDB_RANKINGS,)},
    "sink": {
        "cinepulse-sink": (
            TMDB_MOVIES,
            TMDB_POPULARITY,
            MOVIE_MENTIONS,
            MOVIE_TERMS,
            MOVIE_MENTION_COUNTS,
            TREND_ALERTS,
            PIPELINE_COVERAGE,
            PIPELINE_DEAD_LETTERS,
        )
    },
}


def lags(settings: Settings) -> dict[str, int | None]:
    """Return each consuming part's lag in offsets; empty when Kafka does not answer.

    A lag is None where a topic is missing, or while the group's coordinator still loads.
    """
    from cinepulse.errors import BrokerUnavailable
    from schemas.provision import admin_client, describe_topics

    admin = admin_client(settings)
    delivering = {f"{DELIVER_PREFIX}{name}": (TREND_ALERTS,) for name in settings.alert_destinations}
    inputs = {**INPUTS, "deliver": delivering} if delivering else INPUTS
    try:
        read = {topic for groups in inputs.values() for topics in groups.values() for topic in topics}
        states = describe_topics(admin, list(read))
        return {
            part: _sum(_lag(admin, group, [states[topic.name] for topic in topics]) for group, topics in groups.items())
            for part, groups in inputs.items()
        }
    except BrokerUnavailable:
        return {}


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the sum, None where one is unknown."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _lag(admin: AdminClient, group: str, states: list[TopicState | None]) -> int | None:
    known = [state for state in states if state is not None]
    if len(known) < len(states):
        return None
    committed = _committed(admin, group)
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
