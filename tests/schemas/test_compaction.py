"""Records removed from a real broker's topics at once, and the topics' settings before and after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from cinepulse.settings import Settings
from schemas.append import Place
from schemas.compaction import Compaction
from schemas.provision import admin_client, create_topics, describe_topics
from schemas.reader import TopicReader
from schemas.topics import ERASING, MOVIE_MENTIONS, REDDIT_POSTS
from tests.fixtures.world import eventually

if TYPE_CHECKING:
    from schemas.topics import Topic

pytestmark = pytest.mark.real

ROLL = b"roll"
SECONDS = 60.0


def made(broker: str, topic: Topic) -> Topic:
    """Create a topic of the test's own after another's declaration."""
    own = replace(topic, name=f"{uuid4().hex[:8]}.{topic.name}")
    create_topics(admin_client(broker), [own], partitions=1, replication_factor=1)
    return own


def send(broker: str, topic: Topic, *records: tuple[bytes, bytes | None]) -> None:
    """Append records."""
    producer = Producer({"bootstrap.servers": broker})
    for key, value in records:
        producer.produce(topic.name, value, key, 0)
    assert producer.flush(10) == 0


def keys_in(settings: Settings, topic: Topic) -> list[bytes | None]:
    """Return the keys of a topic's records."""
    with TopicReader(settings, topic.name, "test") as reader:
        return [record.key for record in reader.to_end()]


@pytest.mark.parametrize("declared", [REDDIT_POSTS, MOVIE_MENTIONS], ids=lambda topic: topic.cleanup)
def test_a_record_and_its_tombstone_leave_at_once(broker: str, declared: Topic) -> None:
    """Both kinds of topic lose exactly one key within seconds, its tombstone included, and keep the others."""
    settings, topic = Settings(kafka_bootstrap=broker), made(broker, declared)
    send(broker, topic, (b"gone", b"text"), (b"kept", b"text"), (b"gone", b"edited"), (b"gone", None))

    with Compaction(settings, {topic: ROLL}) as compaction:
        left = compaction.until_gone([Place(topic.name, 0, offset) for offset in (0, 2, 3)], SECONDS)

    assert left == set()
    assert set(keys_in(settings, topic)) == {b"kept", ROLL}


def test_a_record_that_nothing_supersedes_stays_and_is_told(broker: str) -> None:
    """What no tombstone follows is not removed, and the wait ends with saying so."""
    settings, topic = Settings(kafka_bootstrap=broker), made(broker, REDDIT_POSTS)
    send(broker, topic, (b"kept", b"text"))

    with Compaction(settings, {topic: ROLL}) as compaction:
        assert compaction.until_gone([Place(topic.name, 0, 0)], 3) == {Place(topic.name, 0, 0)}


def test_the_declared_settings_come_back(broker: str) -> None:
    """After the block, also one that failed, and after `topics create` for one that was killed."""
    settings, topic = Settings(kafka_bootstrap=broker), made(broker, REDDIT_POSTS)
    admin, declared = admin_client(broker), topic.config(replication_factor=1)

    def present() -> dict[str, str]:
        state = describe_topics(admin, [topic])[topic.name]
        assert state is not None
        return dict(state.config)

    def await_erasing() -> None:
        # A broker may tell of a change a little after the controller has taken it.
        eventually(lambda: ERASING.items() <= present().items())

    def fails_within() -> None:
        with Compaction(settings, {topic: ROLL}):
            await_erasing()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_within()
    eventually(lambda: present() == declared)
    Compaction(settings, {topic: ROLL}).__enter__()
    await_erasing()
    create_topics(admin, [topic], partitions=1, replication_factor=1)

    eventually(lambda: present() == declared)
