"""How every part configures its Kafka client, and what a Kafka error means for its caller.

Parameters are librdkafka's: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

    from cinepulse.settings import Settings

Config = dict[str, Any]

# A record waits at most this long for its neighbours: it bounds what batching adds to a post's way to the screen.
LINGER_MS: Final = 5

# What may wait in the client for the broker. Beyond it `produce` refuses, so an outage costs memory only up to here.
QUEUE_KBYTES: Final = 64 * 1024
QUEUE_MESSAGES: Final = 100_000

# After this long the client hands an undelivered record back. Shorter than its default of five minutes, so that the
# owner knows of an outage; longer than a broker's restart.
DELIVERY_TIMEOUT_MS: Final = 60_000

# Topics are created before anybody writes to them, so one that is unknown for this long does not exist.
UNKNOWN_TOPIC_MS: Final = 5_000

METADATA_TIMEOUT_SECONDS: Final = 5.0


def client_config(settings: Settings, part: str) -> Config:
    """Return what every client shares; `part` names the process in the broker's logs and metrics."""
    return {
        "bootstrap.servers": settings.kafka_bootstrap,
        "client.id": f"cinepulse-{part}",
        "reconnect.backoff.max.ms": 1_000,
        "socket.keepalive.enable": True,
        "logger": logging.getLogger("kafka"),
        **security_config(settings),
    }


def security_config(settings: Settings) -> Config:
    """Return how a client proves who it is and whom it believes; nothing where Kafka asks for nothing."""
    protocol = settings.kafka_security_protocol
    config: Config = {} if protocol == "PLAINTEXT" else {"security.protocol": protocol}
    if protocol.endswith("SSL"):
        files = {
            "ssl.ca.location": settings.kafka_ca_file,
            "ssl.certificate.location": settings.kafka_cert_file,
            "ssl.key.location": settings.kafka_key_file,
        }
        config |= {name: str(path) for name, path in files.items() if path is not None}
        if password := settings.kafka_key_password.get_secret_value():
            config["ssl.key.password"] = password
    if protocol.startswith("SASL"):
        config |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.username": settings.kafka_sasl_user,
            "sasl.password": settings.kafka_sasl_password.get_secret_value(),
        }
    return config


class Refusals:
    """Remembers that Kafka did not let a client in: to the client's calls it looks as if nobody answered.

    Give it to a client as its `error_cb`, and let the client poll before asking.
    """

    def __init__(self) -> None:
        self._last: str | None = None

    def __call__(self, error: KafkaError) -> None:
        """Take one of the client's errors."""
        if error.name() in {"_AUTHENTICATION", "_SSL", "SASL_AUTHENTICATION_FAILED"}:
            self._last = error.str()

    def explained(self, error: BrokerUnavailable) -> BrokerUnavailable:
        """Return the error that tells why, where there is a better reason than that nobody answers."""
        if self._last is None:
            return error
        return BrokerUnavailable(f"Kafka lets nobody in, see CINEPULSE_KAFKA_SECURITY_PROTOCOL: {self._last}")


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the same as `security_config`, of TLS, for clients that use Python's; None without TLS.

    Raises ConfigurationInvalid for a file that is not what it should be.
    """
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    try:
        # Where an authority is named it is the only one, as with librdkafka.
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if settings.kafka_cert_file is not None and settings.kafka_key_file is not None:
            # Never asked for at a terminal, which is what Python does where there is none.
            password = settings.kafka_key_password.get_secret_value()
            context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file, lambda: password)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationInvalid(
            f"CINEPULSE_KAFKA_CA_FILE, CINEPULSE_KAFKA_CERT_FILE, CINEPULSE_KAFKA_KEY_FILE: {error.strerror or error}"
        ) from None
    return context


def producer_config(settings: Settings, part: str) -> Config:
    """Return a producer's configuration: idempotent, confirmed by all in-sync replicas, small batches.

    The retries of one client cannot duplicate or reorder records (KIP-98); what its process sends again after a crash
    is the same record with the same key.
    """
    return client_config(settings, part) | {
        "enable.idempotence": True,
        "acks": "all",
        "compression.type": "lz4",
        "linger.ms": LINGER_MS,
        "queue.buffering.max.kbytes": QUEUE_KBYTES,
        "queue.buffering.max.messages": QUEUE_MESSAGES,
        "delivery.timeout.ms": DELIVERY_TIMEOUT_MS,
        "topic.metadata.propagation.max.ms": UNKNOWN_TOPIC_MS,
    }


def consumer_config(settings: Settings, part: str) -> Config:
    """Return a consumer's configuration without a group's own choices: commits by hand, never a topic made by reading.

    The caller adds `group.id`, which librdkafka requires even of a consumer that only assigns.
    """
    return client_config(settings, part) | {
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "allow.auto.create.topics": False,
        "enable.partition.eof": False,
    }


def topic_identity(settings: Settings, topic: str, *, timeout: float = METADATA_TIMEOUT_SECONDS) -> str:
    """Return the id that the broker gave the topic when it was created (KIP-516).

    It changes when the topic is re-created or the broker's data is wiped: whoever remembers what it has sent compares
    it, so that the memory of a former topic does not hide records from the new one. `timeout` in seconds.

    Raises BrokerUnavailable when Kafka does not answer, ConfigurationInvalid when the topic does not exist.
    """
    from confluent_kafka import KafkaError, KafkaException, TopicCollection
    from confluent_kafka.admin import AdminClient

    refusals = Refusals()
    admin = AdminClient(client_config(settings, "identity") | {"error_cb": refusals})
    absent = f"Kafka at {settings.kafka_bootstrap} does not answer"
    try:
        answer = admin.describe_topics(TopicCollection([topic]), request_timeout=timeout)
        description = answer[topic].result(timeout)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise missing_topic(topic) from None
        admin.poll(0)
        raise refusals.explained(BrokerUnavailable(f"{absent}: {error.args[0].str()}")) from None
    except TimeoutError:
        admin.poll(0)
        raise refusals.explained(BrokerUnavailable(absent)) from None
    return str(description.topic_id)


def missing_topic(topic: str) -> ConfigurationInvalid:
    """Return the error for a topic that does not exist: topics are created on purpose, never by use."""
    return ConfigurationInvalid(f"Kafka has no topic {topic}: run `cinepulse topics create`")
