from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from cinepulse.errors import ConfigurationInvalid
from cinepulse.local.kafka import BrokerPorts, broker_properties, client_port, java_environment, prepare_broker
from tests.fixtures.kafka import BrokerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def oddly_placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """Return a started broker whose directory has a name full of signs that mean something elsewhere."""
    broker = BrokerProcess(tmp_path_factory.mktemp("broker") / "a, b=c é 映画 \\ #d")
    broker.start()
    yield broker
    broker.kill()


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


def test_records_survive_kill_9(oddly_placed: BrokerProcess) -> None:
    """What the broker acknowledged is there, in order, after kill -9 and a new start on the same ports."""
    admin = AdminClient({"bootstrap.servers": oddly_placed.bootstrap})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
    values = [str(number).encode() for number in range(500)]
    produce(oddly_placed.bootstrap, "kept", values)

    oddly_placed.kill()
    oddly_placed.start()

    assert read_all(oddly_placed.bootstrap, "kept", 500) == values


def test_an_interrupted_format_is_begun_anew(tmp_path: Path) -> None:
    """A format that was killed leaves no storage that a later start would take for whole."""
    ports = BrokerPorts(20001, 20002)
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "meta.properties").write_text("version=1\ncluster.id=")

    prepare_broker(tmp_path, ports)

    assert "cluster.id=" in (tmp_path / "data" / "meta.properties").read_text()
    assert not (tmp_path / "data.new").exists()


def test_a_directory_s_name_means_nothing_to_kafka(oddly_placed: BrokerProcess) -> None:
    """Signs that separate values in Kafka's configuration may be in the path, and letters outside of Latin 1."""
    AdminClient({"bootstrap.servers": oddly_placed.bootstrap}).list_topics(timeout=10)

    assert (oddly_placed.directory / "data" / "meta.properties").exists()


def test_the_broker_writes_a_log(oddly_placed: BrokerProcess) -> None:
    """SLF4J has its binding: the broker tells that it started."""
    assert "Kafka Server started" in (oddly_placed.directory / "broker.log").read_text()


def test_everything_listens_on_loopback() -> None:
    """No listener, advertised address or quorum voter is reachable from another machine."""
    properties = broker_properties(BrokerPorts(1, 2))
    addresses = [properties[name] for name in ("listeners", "advertised.listeners", "controller.quorum.voters")]

    assert all(part.count("127.0.0.1:") == 1 for address in addresses for part in address.split(","))


def test_java_starts_without_foreign_options() -> None:
    """Options that the environment holds for other Java programs do not reach the broker."""
    environment = {
        "JAVA_TOOL_OPTIONS": "-Xmx1m",
        "JDK_JAVA_OPTIONS": "x",
        "KAFKA_OPTS": "x",
        "CLASSPATH": "x",
        "HOME": "h",
    }

    assert java_environment(environment) == {"HOME": "h"}


@pytest.mark.parametrize("bootstrap", ["broker:9092", "127.0.0.1", "127.0.0.1:", "127.0.0.1:1,127.0.0.1:2"])
def test_the_embedded_broker_is_local(bootstrap: str) -> None:
    """A bootstrap setting of a remote cluster is not where an embedded broker can listen."""
    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_KAFKA_BOOTSTRAP"):
        client_port(bootstrap)


def test_the_port_is_the_bootstrap_setting_s() -> None:
    """The broker listens where every client looks."""
    assert client_port("127.0.0.1:19092") == 19092


def test_topics_are_not_made_by_mistake(broker: str) -> None:
    """Asking for a topic that nobody created does not create it."""
    admin = AdminClient({"bootstrap.servers": broker})

    admin.list_topics("mistyped", timeout=10)

    assert "mistyped" not in admin.list_topics(timeout=10).topics
