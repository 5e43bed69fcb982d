from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid
from cinepulse.settings import Settings
from schemas import provision
from schemas.provision import admin_client, create_topics, describe_topics
from schemas.topics import MOVIE_MENTIONS, PIPELINE_COVERAGE, REDDIT_POSTS, TOPICS, Topic
from tests.fixtures.kafka import unused_port

if TYPE_CHECKING:
    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real


def renamed(prefix: str, *topics: Topic) -> tuple[Topic, ...]:
    """Return the topics under names of this test's own."""
    return tuple(replace(topic, name=f"{prefix}.{topic.name}") for topic in topics)


def test_every_topic_is_created_as_declared(broker: str) -> None:
    """The broker accepts every topic and reports exactly the partitions and configuration that topics.py declares."""
    admin, topics = admin_client(broker), renamed("declared", *TOPICS)

    outcomes = create_topics(admin, topics, partitions=3, replication_factor=1)
    states = describe_topics(admin, topics)

    assert set(outcomes.values()) == {"created"}
    assert {name: state.config for name, state in states.items() if state} == {
        topic.name: topic.config(replication_factor=1) for topic in topics
    }
    assert {len(state.partitions) for state in states.values() if state} == {3}


def test_creating_again_changes_nothing(broker: str) -> None:
    """A second create is a no-op: `up` does it at every start."""
    admin, topics = admin_client(broker), renamed("again", *TOPICS)
    create_topics(admin, topics, partitions=1, replication_factor=1)

    outcomes = create_topics(admin, topics, partitions=1, replication_factor=1)

    assert set(outcomes.values()) == {"unchanged"}


def test_a_changed_retention_reaches_an_existing_topic(broker: str) -> None:
    """A declaration that changed is applied to the topic that exists."""
    admin = admin_client(broker)
    (topic,) = renamed("changed", PIPELINE_COVERAGE)
    create_topics(admin, [topic], partitions=1, replication_factor=1)
    shorter = replace(topic, retention_ms=3_600_000)

    outcomes = create_topics(admin, [shorter], partitions=1, replication_factor=1)
    state = describe_topics(admin, [shorter])[topic.name]

    assert outcomes == {topic.name: "updated"}
    assert state is not None
    assert state.config["retention.ms"] == "3600000"


def test_another_partition_count_is_refused(broker: str) -> None:
    """Partitions are part of where a record lies: a differing count is an error that says what to set."""
    admin = admin_client(broker)
    topics = renamed("partitions", MOVIE_MENTIONS)
    create_topics(admin, topics, partitions=2, replication_factor=1)

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_PARTITIONS=2"):
        create_topics(admin, topics, partitions=4, replication_factor=1)


def test_what_the_broker_refuses_is_a_configuration_error(broker: str) -> None:
    """More replicas than brokers is the operator's mistake, told by its topic, not something to retry."""
    topics = renamed("replicas", MOVIE_MENTIONS)

    with pytest.raises(ConfigurationInvalid, match=r"replicas\.movie\.mentions"):
        create_topics(admin_client(broker), topics, partitions=1, replication_factor=3)


def test_offsets_tell_how_many_records_lie_where(broker: str) -> None:
    """Describe counts the records of each partition, and a topic that is not there is None."""
    admin = admin_client(broker)
    here, absent = renamed("offsets", MOVIE_MENTIONS, REDDIT_POSTS)
    create_topics(admin, [here], partitions=2, replication_factor=1)
    producer = Producer({"bootstrap.servers": broker})
    for _ in range(5):
        producer.produce(here.name, b"value", b"key", partition=1)
    producer.flush(10)

    states = describe_topics(admin, [here, absent])

    state = states[here.name]
    assert state is not None
    assert [(each.number, each.first_offset, each.next_offset) for each in state.partitions] == [(0, 0, 0), (1, 0, 5)]
    assert state.offsets == 5
    assert states[absent.name] is None


def test_an_absent_broker_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is a retryable condition, raised within the time limit."""
    monkeypatch.setattr(provision, "REQUEST_SECONDS", 0.5)

    with pytest.raises(BrokerUnavailable):
        describe_topics(admin_client(f"127.0.0.1:{unused_port()}"), TOPICS)


def test_topics_outlive_the_broker(fresh_broker: BrokerProcess) -> None:
    """Topics and their configuration are state that kill -9 does not take."""
    admin = admin_client(fresh_broker.bootstrap)
    create_topics(admin, TOPICS, partitions=1, replication_factor=1)

    fresh_broker.kill()
    fresh_broker.start()
    outcomes = create_topics(admin_client(fresh_broker.bootstrap), TOPICS, partitions=1, replication_factor=1)

    assert set(outcomes.values()) == {"unchanged"}


def test_a_topic_whose_deletion_is_under_way_is_made_anew(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker may say that a topic exists when a deletion is just about to remove it: it exists in the end."""
    admin, create = admin_client(broker), provision._create
    topics = renamed("deleting", MOVIE_MENTIONS, REDDIT_POSTS)
    create_topics(admin, [topics[0]], partitions=2, replication_factor=1)
    calls: list[set[str]] = []

    def too_late(*arguments: Any) -> set[str]:
        if not calls:
            admin.delete_topics([topics[0].name])[topics[0].name].result(10)
            calls.append(set())
        else:
            calls.append(create(*arguments))
        return calls[-1]

    monkeypatch.setattr(provision, "_create", too_late)
    outcomes = create_topics(admin, topics, partitions=2, replication_factor=1)

    assert set(outcomes.values()) == {"created"}
    assert calls[1] == {topic.name for topic in topics}
    assert None not in describe_topics(admin, topics).values()


def test_topics_are_made_while_another_client_deletes_them(broker: str) -> None:
    """However a deletion and a creation meet, the creation ends well, and repeated it leaves every topic in place."""
    admin, other = admin_client(broker), admin_client(broker)
    topics = renamed("racing", *TOPICS)
    for _ in range(20):
        create_topics(admin, topics, partitions=1, replication_factor=1)
        deletions = other.delete_topics([topic.name for topic in topics])
        create_topics(admin, topics, partitions=1, replication_factor=1)
        for deletion in deletions.values():
            deletion.exception(10)

    create_topics(admin, topics, partitions=1, replication_factor=1)

    assert None not in describe_topics(admin, topics).values()


def test_a_topic_that_never_settles_may_later(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting has an end, with an error to retry that says what is the matter."""
    monkeypatch.setattr(provision, "SETTLE_SECONDS", 0.1)
    monkeypatch.setattr(provision, "_create", lambda *_: set())

    with pytest.raises(BrokerUnavailable, match=r"unsettled\.movie\.mentions"):
        create_topics(admin_client(broker), renamed("unsettled", MOVIE_MENTIONS), partitions=1, replication_factor=1)


def test_a_client_outlives_its_broker(fresh_broker: BrokerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asked before, during and after an outage gets its answers again, with the leaders of then."""
    monkeypatch.setattr(provision, "REQUEST_SECONDS", 0.5)
    admin = admin_client(Settings(kafka_bootstrap=fresh_broker.bootstrap))
    topics = renamed("outlives", *TOPICS)
    create_topics(admin, topics, partitions=4, replication_factor=1)
    for end in (fresh_broker.kill, fresh_broker.stop):
        end()
        with pytest.raises(BrokerUnavailable):
            describe_topics(admin, topics)
        fresh_broker.start()
        monkeypatch.setattr(provision, "REQUEST_SECONDS", 15.0)
        states = describe_topics(admin, topics)
        monkeypatch.setattr(provision, "REQUEST_SECONDS", 0.5)

        assert {partition.leader for state in states.values() if state for partition in state.partitions} == {1}


@pytest.mark.parametrize(
    ("code", "passing"),
    [
        (KafkaError.UNKNOWN_LEADER_EPOCH, True),
        (KafkaError.COORDINATOR_LOAD_IN_PROGRESS, True),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, True),
        (KafkaError.INVALID_REPLICATION_FACTOR, False),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, False),
    ],
)
def test_what_passes_is_no_wrong_setting(code: int, *, passing: bool) -> None:
    """What a broker says while it comes back is tried again; what it refuses for good stops and says so."""
    error = provision._translated(KafkaException(KafkaError(code)), "topic t")

    assert isinstance(error, BrokerUnavailable if passing else ConfigurationInvalid)
