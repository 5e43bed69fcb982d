from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

if TYPE_CHECKING:
    from tests.fixtures.kafka import BrokerProcess

pytestmark = pytest.mark.real


def produce(bootstrap: str, topic: str, values: list[bytes]) -> None:
    """Send values with all acknowledgements and wait for them."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(30) == 0


def read_all(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """Read `count` values of a topic from its beginning."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        messages = consumer.consume(count, timeout=30)
        return [message.value() or b"" for message in messages if message.error() is None]
    finally:
        consumer.close()


def test_records_survive_kill_9(fresh_broker: BrokerProcess) -> None:
    """What the broker acknowledged is there, in order, after kill -9 and a new start on the same ports."""
    admin = AdminClient({"bootstrap.servers": fresh_broker.bootstrap})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
    values = [str(number).encode() for number in range(500)]
    produce(fresh_broker.bootstrap, "kept", values)

    fresh_broker.kill()
    fresh_broker.start()

    assert read_all(fresh_broker.bootstrap, "kept", 500) == values


def test_topics_are_not_made_by_mistake(broker: str) -> None:
    """Asking for a topic that nobody created does not create it."""
    admin = AdminClient({"bootstrap.servers": broker})

    admin.list_topics("mistyped", timeout=10)

    assert "mistyped" not in admin.list_topics(timeout=10).topics
