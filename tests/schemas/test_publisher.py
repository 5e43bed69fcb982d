from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError

from cinepulse.clock import ManualClock
from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid, InvalidRecord
from cinepulse.settings import Settings
from schemas.codec import Codec
from schemas.events import DeadLetter, Movie, RedditPost
from schemas.letters import letter_key
from schemas.partitioning import film_partition, post_partition
from schemas.provision import admin_client, create_topics
from schemas.publisher import DEAD_KEY_BYTES, DEAD_VALUE_BYTES, Publisher
from schemas.reader import TopicReader
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_DEAD_LETTERS, REDDIT_POSTS, TMDB_MOVIES, TOPICS, Topic
from tests.fakes.kafka import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.kafka import BrokerProcess

PARTITIONS = 4
CODEC = Codec(ManifestIds())


def post(fullname: str, body: str = "") -> RedditPost:
    """Return a post that fits the contract."""
    return RedditPost(
        fullname=fullname,
        kind="submission",
        subreddit="movies",
        title="Dune",
        body=body,
        created_at=1,
        observed_at=2,
        score=1,
        state="live",
    )


@dataclass
class Bench:
    """A publisher and what has arrived on its broker since it was made."""

    publisher: Publisher
    arrived: Callable[[Topic], list[tuple[int, Any, Any]]]
    settings: Settings


def decoded(topic: Topic, partition: int, key: bytes, value: bytes | None) -> tuple[int, Any, Any]:
    """Return partition, key and value as the contract reads them."""
    record = None if value is None else CODEC.decode(topic.value_subject, value)
    return partition, CODEC.decode(topic.key_subject, key), record


def memory_bench(broker: MemoryBroker) -> Bench:
    """Return a bench on the broker in memory."""
    publisher = Publisher(broker.connect, CODEC, partitions=PARTITIONS, clock=ManualClock(5), flush_seconds=0.2)

    def arrived(topic: Topic) -> list[tuple[int, Any, Any]]:
        return [decoded(topic, *record[1:]) for record in broker.delivered if record[0] == topic.name]

    return Bench(publisher, arrived, Settings())


@cache
def make_topics(bootstrap: str) -> None:
    """Make the topics, once a broker."""
    create_topics(admin_client(bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)


def kafka_bench(bootstrap: str) -> Bench:
    """Return a bench on a real broker."""
    make_topics(bootstrap)
    settings = Settings(kafka_bootstrap=bootstrap, partitions=PARTITIONS)
    readers = {topic.name: TopicReader(settings, topic.name, "test") for topic in TOPICS}
    for reader in readers.values():
        list(reader.to_end())

    def arrived(topic: Topic) -> list[tuple[int, Any, Any]]:
        records = readers[topic.name].to_end()
        return [decoded(topic, record.partition, record.key or b"", record.value) for record in records]

    return Bench(Publisher.connected(settings, "test"), arrived, settings)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.real)])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Return a bench on the double and on the real broker: both keep the same contract."""
    if request.param == "memory":
        return memory_bench(MemoryBroker())
    return kafka_bench(request.getfixturevalue("broker"))


class TestContract:
    """What holds on the double and on Kafka."""

    def test_records_arrive_where_the_contract_says(self, bench: Bench) -> None:
        """After a flush every record is there, keyed and in the partition of its key, in the order of sending."""
        names = [f"t3_{number}" for number in range(20)]

        for name in names:
            bench.publisher.publish(REDDIT_POSTS, name, post(name))
        bench.publisher.flush()

        arrived = bench.arrived(REDDIT_POSTS)
        assert sorted(key for _, key, _ in arrived) == sorted(names)
        assert all(partition == post_partition(key, PARTITIONS) for partition, key, _ in arrived)
        assert all(value == post(key) for _, key, value in arrived)
        for partition in range(PARTITIONS):
            mine = [key for found, key, _ in arrived if found == partition]
            assert mine == [name for name in names if post_partition(name, PARTITIONS) == partition]

    def test_none_is_a_tombstone(self, bench: Bench) -> None:
        """A null value goes out as a null value under its key."""
        bench.publisher.publish(TMDB_MOVIES, 603, None)
        bench.publisher.flush()

        assert bench.arrived(TMDB_MOVIES) == [(film_partition(603, PARTITIONS), 603, None)]

    def test_a_record_against_the_contract_is_refused(self, bench: Bench) -> None:
        """A field of another type raises InvalidRecord, and nothing of it reaches the topic."""
        broken = Movie(tmdb_id=1, title=None, observed_at=1, source="list")  # type: ignore[arg-type] # the point

        with pytest.raises(InvalidRecord):
            bench.publisher.publish(TMDB_MOVIES, 1, broken)

        bench.publisher.flush()
        assert bench.arrived(TMDB_MOVIES) == []

    def test_a_record_too_large_for_kafka_is_refused(self, bench: Bench) -> None:
        """More than Kafka takes raises InvalidRecord with its own reason, and later records still go out."""
        with pytest.raises(InvalidRecord) as caught:
            bench.publisher.publish(REDDIT_POSTS, "t3_a", post("t3_a", "x" * 2_000_000))
        bench.publisher.publish(REDDIT_POSTS, "t3_b", post("t3_b"))
        bench.publisher.flush()

        assert caught.value.reason == "record_too_large"
        assert [key for _, key, _ in bench.arrived(REDDIT_POSTS)] == ["t3_b"]

    def test_dead_letters_keep_the_beginning_and_the_size(self, bench: Bench) -> None:
        """A dead letter's key and value are cut, the size before the cut is kept."""
        bench.publisher.dead_letter(
            stage="producer", source="reddit/new", reason="text_too_large", error="e" * 5_000, key=b"k" * 5_000,
            value=b"v" * 3_000_000,
        )  # fmt: skip
        bench.publisher.flush()

        ((_, key, letter),) = bench.arrived(PIPELINE_DEAD_LETTERS)
        assert isinstance(letter, DeadLetter)
        assert key == letter_key(letter)
        assert key.startswith("producer/reddit/new/")
        assert (len(letter.key or b""), len(letter.value or b"")) == (DEAD_KEY_BYTES, DEAD_VALUE_BYTES)
        assert (letter.value_size, letter.reason, letter.stage) == (3_000_000, "text_too_large", "producer")

    def test_more_partitions_than_the_topic_has(self, bench: Bench) -> None:
        """A partition that does not exist is a wrong setting, named as such."""
        bench.publisher._partitions = 4096
        name = next(f"t3_{number}" for number in range(99) if post_partition(f"t3_{number}", 4096) >= PARTITIONS)
        bench.publisher.publish(REDDIT_POSTS, name, post(name))

        with pytest.raises(ConfigurationInvalid, match="CINEPULSE_PARTITIONS"):
            bench.publisher.flush()


class TestFailures:
    """What only a broker that misbehaves on demand shows."""

    def test_a_failed_delivery_is_sent_again(self) -> None:
        """A record that the client gave up on raises BrokerUnavailable once and is there after the next flush."""
        broker = MemoryBroker(fail_next=[KafkaError(KafkaError._MSG_TIMED_OUT)])
        bench = memory_bench(broker)
        broker.down = True
        bench.publisher.publish(REDDIT_POSTS, "t3_a", post("t3_a"))
        broker.down = False

        with pytest.raises(BrokerUnavailable):
            bench.publisher.flush()
        bench.publisher.flush()

        assert [key for _, key, _ in bench.arrived(REDDIT_POSTS)] == ["t3_a"]

    def test_a_fatal_error_gets_a_new_client(self) -> None:
        """A client that has failed for good is replaced, and what it held goes out through the new one."""
        broker = MemoryBroker(fail_next=[KafkaError(KafkaError._FATAL)])
        bench = memory_bench(broker)
        bench.publisher.publish(REDDIT_POSTS, "t3_a", post("t3_a"))

        bench.publisher.flush()

        assert broker.connections == 2
        assert [key for _, key, _ in bench.arrived(REDDIT_POSTS)] == ["t3_a"]

    def test_a_full_queue_blocks_and_then_says_so(self) -> None:
        """While the broker is away the queue stays bounded: beyond it publishing raises and queues nothing."""
        broker = MemoryBroker(down=True)
        bench = memory_bench(broker)
        for number in range(1_000):
            bench.publisher.publish(REDDIT_POSTS, f"t3_{number}", post(f"t3_{number}"))

        with pytest.raises(BrokerUnavailable):
            bench.publisher.publish(REDDIT_POSTS, "t3_extra", post("t3_extra"))
        broker.down = False
        bench.publisher.flush()

        keys = [key for _, key, _ in bench.arrived(REDDIT_POSTS)]
        assert len(keys) == 1_000
        assert "t3_extra" not in keys

    def test_an_unknown_topic_is_a_missing_set_up(self) -> None:
        """A topic that does not exist names the command that makes it."""
        broker = MemoryBroker(fail_next=[KafkaError(KafkaError._UNKNOWN_TOPIC)])
        bench = memory_bench(broker)
        broker.down = True
        bench.publisher.publish(REDDIT_POSTS, "t3_a", post("t3_a"))
        broker.down = False

        with pytest.raises(ConfigurationInvalid, match="cinepulse topics create"):
            bench.publisher.flush()

    @pytest.mark.real
    def test_a_killed_broker_loses_and_doubles_nothing(self, fresh_broker: BrokerProcess) -> None:
        """Records sent before, during and after a kill -9 of Kafka arrive once each, without help from the caller."""
        bench = kafka_bench(fresh_broker.bootstrap)
        bench.publisher.publish(REDDIT_POSTS, "t3_before", post("t3_before"))
        bench.publisher.flush()

        fresh_broker.kill()
        bench.publisher.publish(REDDIT_POSTS, "t3_during", post("t3_during"))
        with pytest.raises(BrokerUnavailable):
            bench.publisher.flush(0.5)
        fresh_broker.start()
        bench.publisher.publish(REDDIT_POSTS, "t3_after", post("t3_after"))
        bench.publisher.flush(30)

        keys = sorted(key for _, key, _ in bench.arrived(REDDIT_POSTS))
        assert keys == ["t3_after", "t3_before", "t3_during"]
