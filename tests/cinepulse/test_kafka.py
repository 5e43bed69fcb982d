from __future__ import annotations

import uuid

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid
from cinepulse.kafka import consumer_config, producer_config, topic_identity
from cinepulse.settings import Settings
from tests.cinepulse.local.conftest import until


def create(admin: AdminClient, name: str) -> None:
    """Create a topic and return once the broker tells of it: its answer comes before its metadata has the topic."""
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(10)
    until(lambda: name in admin.list_topics(timeout=10).topics)


class TestConfiguration:
    """What every client is told."""

    def test_producers_promise_what_the_design_says(self) -> None:
        """Idempotent, confirmed by all in-sync replicas, at the broker of the settings."""
        config = producer_config(Settings(kafka_bootstrap="127.0.0.1:1"), "reddit")

        assert config["bootstrap.servers"] == "127.0.0.1:1"
        assert config["client.id"] == "cinepulse-reddit"
        assert (config["enable.idempotence"], config["acks"]) == (True, "all")

    def test_consumers_commit_nothing_by_themselves(self) -> None:
        """No commit behind the stage's back, and no topic made by reading it."""
        config = consumer_config(Settings(), "sink")

        assert not config["enable.auto.commit"]
        assert not config["enable.auto.offset.store"]
        assert not config["allow.auto.create.topics"]


@pytest.mark.real
class TestTopicIdentity:
    """Which topic it is, beyond its name."""

    def test_a_topic_made_anew_is_another(self, broker: str) -> None:
        """The identity stays while the topic does, and changes when it is deleted and created again."""
        admin, settings = AdminClient({"bootstrap.servers": broker}), Settings(kafka_bootstrap=broker)
        name = f"identity-{uuid.uuid4().hex}"
        create(admin, name)
        first, same = topic_identity(settings, name), topic_identity(settings, name)

        admin.delete_topics([name])[name].result(10)
        create(admin, name)

        assert first == same
        assert topic_identity(settings, name) != first

    def test_a_missing_topic_names_the_command(self, broker: str) -> None:
        """A topic that does not exist is a missing set-up."""
        with pytest.raises(ConfigurationInvalid, match="cinepulse topics create"):
            topic_identity(Settings(kafka_bootstrap=broker), "no-such-topic")

    def test_no_broker(self) -> None:
        """Nobody at the address: the broker is unavailable, and may come back."""
        with pytest.raises(BrokerUnavailable):
            topic_identity(Settings(kafka_bootstrap="127.0.0.1:9"), "reddit.posts", timeout=1.0)
