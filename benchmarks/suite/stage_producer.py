"""Posts into Kafka: the publisher that both producers send with, beside confluent-kafka's own ways.

Everybody sends the same posts to a topic of their own with the same client settings (idempotent, acknowledged by all
replicas, lz4) and is done when the broker has confirmed the last one. The publisher encodes by the contract and chooses
the partition; what it sends is read back and compared, value by value.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.suite.mention_stream import CODEC, IDS, PARTITIONS
from benchmarks.suite.model import RECORDS_A_SECOND, Contender, ContenderFailed, Measured, Stage, Workload
from benchmarks.suite.posts import generated_posts
from benchmarks.suite.stage_codec import plain
from benchmarks.suite.topics import create_topic, delete_matching, read_topic
from cinepulse.kafka import producer_config
from cinepulse.settings import Settings
from schemas.codec import HEADER
from schemas.partitioning import post_partition
from schemas.provision import admin_client
from schemas.publisher import Publisher
from schemas.topics import REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.suite.bench import Bench
    from schemas.events import RedditPost

POSTS: Final = 30_000
CONFIRM_SECONDS: Final = 60.0
SUBJECT: Final = REDDIT_POSTS.value_subject


@dataclass(frozen=True, slots=True)
class Posts:
    """Posts to send, and the broker."""

    settings: Settings
    posts: Sequence[RedditPost]
    data: Sequence[dict[str, Any]]
    encoded: Sequence[tuple[bytes, bytes]]


class _Renamed:
    """A producer that sends to another topic."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._inner = Producer(producer_config(settings, "bench"))
        self._topic = topic

    def produce(self, _topic: str, value: bytes | None, key: bytes, partition: int, *, on_delivery: Any) -> None:
        """Queue one record."""
        self._inner.produce(self._topic, value, key, partition, on_delivery)

    def poll(self, timeout: float) -> int:
        """Run due callbacks."""
        return self._inner.poll(timeout)

    def flush(self, timeout: float) -> int:
        """Send what is queued."""
        return self._inner.flush(timeout)


@contextmanager
def posts(bench: Bench) -> Iterator[Posts]:
    """Make posts."""
    some = generated_posts(bench.records(POSTS))
    with bench.new_broker() as broker:
        settings = Settings(kafka_bootstrap=broker.bootstrap, partitions=PARTITIONS)
        encoded = [(CODEC.encode(REDDIT_POSTS.key_subject, one.fullname), CODEC.encode(SUBJECT, one)) for one in some]
        yield Posts(settings, some, [asdict(one) for one in some], encoded)


def publish(given: Posts) -> Measured:
    """Send through the product's publisher."""

    def send(topic: str) -> None:
        publisher = Publisher(lambda: _Renamed(given.settings, topic), CODEC, partitions=PARTITIONS)
        for post in given.posts:
            publisher.publish(REDDIT_POSTS, post.fullname, post)
        publisher.flush()

    return _measured(given, send)


def serialize(given: Posts) -> Measured:
    """Send through confluent-kafka's producer and Avro serializer, with a registry in memory."""
    registry = SchemaRegistryClient.new_client({"url": "mock://bench"})
    writer = AvroSerializer(registry, json.dumps(plain(IDS.latest(SUBJECT).schema)))

    def send(topic: str) -> None:
        context = SerializationContext(topic, MessageField.VALUE)
        producer = Producer(producer_config(given.settings, "bench"))
        for datum in given.data:
            name = datum["fullname"]
            value = writer(datum, context)
            _produce(producer, topic, value, name.encode(), post_partition(name, PARTITIONS))
        _confirm(producer)

    return _measured(given, send)


def produce(given: Posts) -> Measured:
    """Send bytes that are there already."""

    def send(topic: str) -> None:
        producer = Producer(producer_config(given.settings, "bench"))
        for post, (key, value) in zip(given.posts, given.encoded, strict=True):
            _produce(producer, topic, value, key, post_partition(post.fullname, PARTITIONS))
        _confirm(producer)

    return _measured(given, send)


def exact(given: Posts) -> Counter[bytes]:
    """Return the bodies that are to be in the topic."""
    return Counter(value[HEADER.size :] for _, value in given.encoded)


def _measured(given: Posts, send: Callable[[str], None]) -> Measured:
    topic = f"bench-{uuid4().hex[:8]}"
    bootstrap = given.settings.kafka_bootstrap
    create_topic(admin_client(bootstrap), topic, PARTITIONS)
    began, spent = perf_counter(), process_time()
    send(topic)
    seconds, spent = perf_counter() - began, process_time() - spent
    found = Counter((value or b"")[HEADER.size :] for _, value in read_topic(bootstrap, topic))
    delete_matching(bootstrap, topic)
    return Measured(len(given.posts), seconds, found, {"us_a_record": 1e6 * spent / len(given.posts)})


def _produce(producer: Producer, topic: str, value: bytes | None, key: bytes, partition: int) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition)
        except BufferError:
            producer.poll(0.05)
        else:
            producer.poll(0)
            return


def _confirm(producer: Producer) -> None:
    if producer.flush(CONFIRM_SECONDS):
        raise ContenderFailed("Kafka does not confirm")


STAGE: Final = Stage(
    name="producer",
    about="posts encoded by the contract, sent and confirmed",
    unit=RECORDS_A_SECOND,
    workloads=(Workload("posts", "posts and comments of the generated world", posts),),
    contenders=(
        Contender("cinepulse", publish, peer=False, about="checked, encoded, partitioned, each delivery noted"),
        Contender("confluent-kafka, AvroSerializer", serialize, peer=True, about="dicts, encoded one by one"),
        Contender("confluent-kafka, bytes", produce, peer=True, about="nothing to encode"),
    ),
    reference=exact,
)
