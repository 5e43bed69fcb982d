from __future__ import annotations

import re

import pytest

from cinepulse.errors import ConfigurationInvalid
from schemas.registry import read_manifest
from schemas.topics import (
    DAY_MS,
    ERASING,
    HOUR_MS,
    MOVIE_TERMS,
    PIPELINE_DEAD_LETTERS,
    REDDIT_POSTS,
    TOPICS,
    Topic,
    topic_named,
)

TEXT_LIMIT_MS = 48 * HOUR_MS
DELETED = [topic for topic in TOPICS if topic.cleanup == "delete"]
COMPACTED = [topic for topic in TOPICS if topic.cleanup == "compact"]


def _name(topic: Topic) -> str:
    return topic.name


def test_names_are_unique_and_kafkas() -> None:
    """Every name is legal in Kafka and unlike the others in metrics, where a dot and an underscore are one."""
    names = [topic.name for topic in TOPICS]

    assert all(re.fullmatch(r"[a-z_.]{1,249}", name) for name in names)
    assert len({name.replace(".", "_") for name in names}) == len(names)


@pytest.mark.parametrize("topic", TOPICS, ids=_name)
def test_subjects_follow_the_topic_name_strategy(topic: Topic) -> None:
    """Confluent clients find the schemas by the topic's name alone."""
    assert {topic.key_subject, topic.value_subject} <= set(read_manifest())
    assert (topic.key_subject, topic.value_subject) == (f"{topic.name}-key", f"{topic.name}-value")


@pytest.mark.parametrize("topic", DELETED, ids=_name)
def test_a_topic_with_a_retention_rolls_segments_within_it(topic: Topic) -> None:
    """Kafka deletes whole closed segments, so a segment closes well before its records are due to go."""
    config = topic.config(replication_factor=1)

    assert topic.retention_ms is not None
    assert int(config["retention.ms"]) == topic.retention_ms
    assert int(config["segment.ms"]) <= topic.retention_ms // 8
    assert int(config["segment.ms"]) <= DAY_MS


@pytest.mark.parametrize("topic", [REDDIT_POSTS, MOVIE_TERMS, PIPELINE_DEAD_LETTERS], ids=_name)
def test_text_and_authors_leave_within_48_hours(topic: Topic) -> None:
    """A topic that holds a post's text or author, in a record or as a dead letter's bytes, ends at 48 hours."""
    config = topic.config(replication_factor=1)

    assert topic.retention_ms is not None
    assert topic.retention_ms <= TEXT_LIMIT_MS
    # A segment expires when its youngest record does.
    assert int(config["retention.ms"]) + int(config["segment.ms"]) < topic.retention_ms


@pytest.mark.parametrize("topic", [REDDIT_POSTS, MOVIE_TERMS, PIPELINE_DEAD_LETTERS], ids=_name)
def test_an_observation_is_not_compacted_before_it_expires(topic: Topic) -> None:
    """The broker may compact a topic of texts only for `cinepulse forget`: until then it holds each observation."""
    config = topic.config(replication_factor=1)

    assert config["cleanup.policy"] == "compact,delete"
    assert int(config["min.compaction.lag.ms"]) >= int(config["retention.ms"])


@pytest.mark.parametrize("topic", [*COMPACTED, REDDIT_POSTS, PIPELINE_DEAD_LETTERS], ids=_name)
def test_what_forgetting_sets_is_declared(topic: Topic) -> None:
    """A forget that is killed leaves settings behind, which the next `topics create` puts back."""
    assert ERASING.keys() <= topic.config(replication_factor=1).keys()


@pytest.mark.parametrize("topic", COMPACTED, ids=_name)
def test_a_retraction_is_carried_out_within_48_hours(topic: Topic) -> None:
    """Compaction must run within the policy's time: a segment closes and the cleaner is due before it is over."""
    config = topic.config(replication_factor=1)

    assert topic.retention_ms is None
    assert "retention.ms" not in config
    assert int(config["segment.ms"]) + int(config["max.compaction.lag.ms"]) <= TEXT_LIMIT_MS


@pytest.mark.parametrize("topic", COMPACTED, ids=_name)
def test_a_tombstone_outlives_a_month_of_downtime(topic: Topic) -> None:
    """A consumer that was away for up to 30 days still sees what was retracted meanwhile."""
    assert int(topic.config(replication_factor=1)["delete.retention.ms"]) == 30 * DAY_MS


@pytest.mark.parametrize(("replicas", "quorum"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_a_write_survives_the_loss_of_one_broker(replicas: int, quorum: int) -> None:
    """All replicas but one must confirm, and one alone where there is no other."""
    config = REDDIT_POSTS.config(replication_factor=replicas)

    assert config["min.insync.replicas"] == str(quorum)


def test_a_topic_is_found_by_name() -> None:
    """The name that a user types leads to the topic."""
    assert topic_named("reddit.posts") is REDDIT_POSTS


def test_an_unknown_topic_is_answered_with_the_known_ones() -> None:
    """A typo is met with the list of names."""
    with pytest.raises(
        ConfigurationInvalid, match=r"no topic named 'reddit\.post'; the topics are reddit\.posts, tmdb"
    ):
        topic_named("reddit.post")
