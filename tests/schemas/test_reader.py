"""The group-less reader sees every record once, across calls, and says what is wrong."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid
from cinepulse.settings import Settings
from schemas.reader import TopicReader

PARTITIONS = 3


@pytest.fixture
def topic(broker: str) -> str:
    """Return a fresh topic of three partitions."""
    name = f"reader-{uuid.uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(10)
    return name


def produce(broker: str, topic: str, numbers: range) -> None:
    """Send one record a number, spread over the partitions; every tenth is a tombstone."""
    producer = Producer({"bootstrap.servers": broker})
    for number in numbers:
        value = None if number % 10 == 0 else b"value"
        producer.produce(topic, value, key=str(number).encode(), partition=number % PARTITIONS)
    producer.flush(10)


@pytest.mark.real
def test_each_call_yields_what_is_new(broker: str, topic: str) -> None:
    """The first call yields everything there is, tombstones as None; the next only what came since; then nothing."""
    settings = Settings(kafka_bootstrap=broker)
    produce(broker, topic, range(5_000))

    with TopicReader(settings, topic, "test") as reader:
        first = list(reader.to_end())
        produce(broker, topic, range(5_000, 5_100))
        second = list(reader.to_end())
        third = list(reader.to_end())

    assert sorted(int(record.key or b"") for record in first) == list(range(5_000))
    assert sorted(int(record.key or b"") for record in second) == list(range(5_000, 5_100))
    assert third == []
    assert {int(record.key or b"") % 10 for record in first if record.value is None} == {0}


@pytest.mark.real
def test_offsets_rise_within_a_partition(broker: str, topic: str) -> None:
    """Records of a partition come in offset order, beginning at 0."""
    produce(broker, topic, range(100))

    with TopicReader(Settings(kafka_bootstrap=broker), topic, "test") as reader:
        records = list(reader.to_end())

    for partition in range(PARTITIONS):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))


@pytest.mark.real
def test_missing_topic_names_the_command(broker: str) -> None:
    """A topic that does not exist is a configuration error that says how to make it."""
    with (
        TopicReader(Settings(kafka_bootstrap=broker), "no-such-topic", "test") as reader,
        pytest.raises(ConfigurationInvalid, match="cinepulse topics create"),
    ):
        list(reader.to_end())


def test_absent_broker_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a broker the reader says so instead of waiting for ever."""
    monkeypatch.setattr("schemas.reader.METADATA_TIMEOUT_SECONDS", 0.2)

    with (
        TopicReader(Settings(kafka_bootstrap="127.0.0.1:1"), "any", "test") as reader,
        pytest.raises(BrokerUnavailable),
    ):
        list(reader.to_end())
