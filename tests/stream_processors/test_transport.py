from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest
from confluent_kafka import Consumer as KafkaConsumer
from confluent_kafka import Producer, TopicPartition
from faust.types import TP

from cinepulse.errors import RecordsMissing
from cinepulse.metrics import STALE_EPOCHS
from cinepulse.settings import Settings
from schemas.provision import admin_client, create_topics
from schemas.topics import REDDIT_POSTS
from stream_processors.app import connect, make_app
from stream_processors.delivery import Batch, Deliveries
from stream_processors.transport import Consumer, ConsumerThread, Transport
from tests.stream_processors.fake_consumer import FakeConsumer, FakeTopic
from tests.stream_processors.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from pathlib import Path

    import faust

    from stream_processors.batch_worker import BatchWorker

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, as the worker does."""
    return "asyncio"


@dataclass
class Recorder:
    """Stands in for a worker: keeps the batches it gets, and calls them done where told."""

    finish: Callable[[Batch], bool] = lambda _: True
    deliveries: Deliveries = field(default_factory=Deliveries)
    batches: list[Batch] = field(default_factory=list)
    missing: list[RecordsMissing] = field(default_factory=list)
    revocations: int = 0

    def attach(self, deliveries: Deliveries) -> None:
        """Take the ledger."""
        self.deliveries = deliveries

    def assigned(self, epoch: int, partitions: Collection[int]) -> None:
        """Do nothing."""

    async def before_revoke(self) -> None:
        """Count."""
        self.revocations += 1

    stage = "transport test"

    async def process(self, batch: Batch) -> None:
        """Keep the batch."""
        try:
            if not self.deliveries.accept(batch):
                return
        except RecordsMissing as error:
            self.missing.append(error)
            return
        self.batches.append(batch)
        if self.finish(batch):
            self.deliveries.done(batch)

    def offsets(self, partition: int) -> list[int]:
        """Return the offsets of a partition's records in the order in which they came."""
        return [record.offset for batch in self.batches if batch.partition == partition for record in batch.records]


@dataclass
class Member:
    """One running app of the group."""

    app: faust.App
    consumer: Consumer
    recorder: Recorder

    async def seen(self, count: int) -> None:
        """Return once so many records have come."""
        await until(lambda: sum(len(batch.records) for batch in self.recorder.batches) >= count)


class Kafka(Protocol):
    """What both Kafkas of the contract can do."""

    @property
    def name(self) -> str:
        """Return the topic's name."""
        ...

    @property
    def settings(self) -> Settings:
        """Return how to reach it."""
        ...

    def fill(self, count: int) -> None:
        """Add so many records to each of the four partitions."""
        ...

    def committed(self) -> dict[int, int]:
        """Return the group's commits."""
        ...


@asynccontextmanager
async def member(kafka: Kafka, finish: Callable[[Batch], bool] = lambda _: True) -> AsyncIterator[Member]:
    """Run one member of the group."""
    recorder = Recorder(finish)
    app = make_app(f"{kafka.name}-group", kafka.name, cast("BatchWorker", recorder), kafka.settings)
    consumer = connect(app, cast("BatchWorker", recorder))
    await app.start()
    try:
        yield Member(app, consumer, recorder)
    finally:
        await app.stop()
    assert not recorder.missing


class TransportContract:
    """What the transport promises, on any Kafka."""

    @pytest.fixture
    def kafka(self) -> Kafka:
        """Return a topic of four partitions and a group of its own."""
        raise NotImplementedError

    async def test_every_record_comes_once_and_in_order(self, kafka: Kafka) -> None:
        """Batches of a partition follow each other without a gap, and hold each record once."""
        kafka.fill(35)

        async with member(kafka) as one:
            await one.seen(4 * 35)

            for partition in range(4):
                assert one.recorder.offsets(partition) == list(range(35))
                spans = [(each.start, each.end) for each in one.recorder.batches if each.partition == partition]
                assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]

    async def test_a_restart_goes_on_where_work_was_done(self, kafka: Kafka) -> None:
        """What was done is committed and does not come again; what was not does."""
        kafka.fill(20)
        async with member(kafka, lambda batch: batch.partition in {0, 1}) as one:
            await one.seen(80)
            await one.consumer.commit()

        async with member(kafka) as two:
            await two.seen(40)

            assert kafka.committed() == {0: 20, 1: 20}
            assert [two.recorder.offsets(partition) for partition in range(4)] == [[], [], [*range(20)], [*range(20)]]

    async def test_an_unfinished_batch_holds_the_commit(self, kafka: Kafka) -> None:
        """Later batches that are done do not carry the commit past an earlier one that is not."""
        kafka.fill(20)
        async with member(kafka, lambda batch: batch.start > 0) as one:
            await one.seen(80)
            kafka.fill(20)
            await one.seen(160)

            await one.consumer.commit()

            assert kafka.committed() == {}

    async def test_the_lag_is_what_is_not_committed(self, kafka: Kafka) -> None:
        """The watchdog and the metrics see how far commits are behind."""
        kafka.fill(15)
        async with member(kafka, lambda batch: batch.partition == 3) as one:
            await one.seen(60)
            await until(lambda: bool(one.consumer.deliveries.committable()))
            await one.consumer.commit()

            await until(lambda: one.consumer.lag() == {0: 15, 1: 15, 2: 15, 3: 0})


@dataclass
class FakeKafka:
    """The contract's Kafka in memory."""

    settings: Settings
    topic: FakeTopic = field(default_factory=FakeTopic)
    consumers: list[FakeConsumer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the topic's name."""
        return self.topic.name

    def fill(self, count: int) -> None:
        """Add records."""
        for partition in range(4):
            for _ in range(count):
                self.topic.append(partition, b"value")

    def committed(self) -> dict[int, int]:
        """Return the group's commits."""
        return self.topic.committed

    async def rebalance(self, partitions: Collection[int], then: Callable[[], None] = lambda: None) -> None:
        """Rebalance the latest member; `then` runs when its new assignment is opened, before its flow resumes."""
        consumer = self.consumers[-1]
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(consumer.rebalance(partitions, then), consumer.loop))


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    """Return a Kafka in memory, to which every new member connects."""
    kafka = FakeKafka(Settings(data_dir=tmp_path, kafka_bootstrap="127.0.0.1:9"))

    def connect_to_fake(_thread: ConsumerThread, _transport: object) -> FakeConsumer:
        kafka.consumers.append(FakeConsumer(kafka.topic))
        return kafka.consumers[-1]

    monkeypatch.setattr(ConsumerThread, "_create_worker_consumer", connect_to_fake)
    return kafka


class TestFakeKafka(TransportContract):
    """The contract on a Kafka in memory, and what only a rebalance at a chosen moment shows."""

    @pytest.fixture
    def kafka(self, fake: FakeKafka) -> Kafka:
        """Return the Kafka in memory."""
        return fake

    async def test_a_batch_fetched_before_a_rebalance_is_dropped_and_comes_again(self, fake: FakeKafka) -> None:
        """A fetch on its way while partitions move belongs to the past, and nothing of it is lost."""
        async with member(fake) as one:
            await until(lambda: bool(one.recorder.deliveries.partitions))
            original, released = one.consumer._getmany, asyncio.Event()
            held: list[Batch] = []

            async def hold(*arguments: Any, **options: Any) -> Any:
                brought = await original(*arguments, **options)
                if brought and not held:
                    held.extend(batch for batches in brought.values() for batch in cast("list[Batch]", batches))
                    await released.wait()
                return brought

            one.consumer._getmany = hold  # type: ignore[method-assign]  # holds the fetch on its way
            fake.fill(25)
            await until(lambda: bool(held))
            await fake.rebalance([0, 1, 2, 3])
            released.set()
            await one.seen(100)

            assert [one.recorder.offsets(partition) for partition in range(4)] == [[*range(25)]] * 4
            assert not set(held) & set(one.recorder.batches)

    async def test_a_fetch_that_spans_a_rebalance_loses_nothing(self, fake: FakeKafka) -> None:
        """A fetch that waited while partitions moved brings the new ones' records before the flow resumes."""
        async with member(fake) as one:
            await until(lambda: bool(one.recorder.deliveries.partitions))

            # Faust resumes the flow right after it.
            one.consumer.perform_seek = lambda: asyncio.sleep(0.1)  # type: ignore[method-assign]  # delays it

            await fake.rebalance([0, 1], then=lambda: fake.fill(15))
            await one.seen(30)

            assert [one.recorder.offsets(partition) for partition in (0, 1)] == [[*range(15)]] * 2

    async def test_rebalances_in_a_row_lose_nothing(self, fake: FakeKafka) -> None:
        """However often partitions come and go, all that is not committed comes again in order."""
        fake.fill(60)
        async with member(fake) as one:
            for partitions in ([0], [], [1, 2], [0, 1, 2, 3], [3], [0, 1, 2, 3]):
                await fake.rebalance(partitions)
            await until(lambda: fake.committed() == dict.fromkeys(range(4), 60))

            for partition in range(4):
                offsets = one.recorder.offsets(partition)
                assert set(offsets) == set(range(60))
            assert one.recorder.revocations > 0

    async def test_work_finished_before_a_revocation_is_committed_by_it(self, fake: FakeKafka) -> None:
        """A partition is handed over where its work stands."""
        fake.fill(10)
        async with member(fake) as one:
            await one.seen(40)

            await fake.rebalance([0])

            assert fake.committed() == dict.fromkeys(range(4), 10)

    async def test_holes_of_compaction_are_part_of_a_batch(self, fake: FakeKafka) -> None:
        """Offsets that no record has are not missing records."""
        for skip in (5, 0, 40, 1):
            fake.topic.append(0, b"value", skip=skip)

        async with member(fake) as one:
            await one.seen(4)
            await one.consumer.commit()

            assert one.recorder.offsets(0) == [5, 6, 47, 49]
            assert fake.committed() == {0: 50}

    async def test_a_commit_outside_the_topic_starts_at_its_beginning(self, fake: FakeKafka) -> None:
        """A topic created anew, or one whose retention overtook the group, is read from what there is."""
        fake.fill(10)
        fake.topic.committed = {0: 99, 1: 4}

        async with member(fake) as one:
            await one.seen(36)

            assert one.recorder.offsets(0) == [*range(10)]
            assert one.recorder.offsets(1) == [*range(4, 10)]

    async def test_a_lost_batch_is_noticed(self, fake: FakeKafka) -> None:
        """Should a batch vanish between thread and agent, the next one is refused, and nothing committed past it."""
        async with member(fake) as one:
            await until(lambda: bool(one.recorder.deliveries.partitions))
            original = one.consumer._hand_out
            dropped: list[Batch] = []

            async def drop_first(tp: Any, batch: Batch) -> None:
                if dropped or batch.partition != 2:
                    await original(tp, batch)
                else:
                    dropped.append(batch)

            one.consumer._hand_out = drop_first  # type: ignore[method-assign]  # loses a batch
            fake.fill(30)
            await until(lambda: bool(one.recorder.missing))
            await one.consumer.commit()

            assert "should come next" in str(one.recorder.missing.pop())
            assert fake.committed().get(2) is None
            one.recorder.missing.clear()

    async def test_a_dropped_batch_counts_under_the_stages_name(self, fake: FakeKafka) -> None:
        """The worker and its transport tell of stale epochs as one stage, not as two."""
        async with member(fake) as one:
            await until(lambda: bool(one.recorder.deliveries.partitions))
            stale = Batch(0, one.recorder.deliveries.epoch - 1, 0, 1, [])
            before = STALE_EPOCHS.labels(Recorder.stage)._value.get()

            await one.consumer._hand_out(TP(fake.name, 0), stale)

            assert STALE_EPOCHS.labels(Recorder.stage)._value.get() == before + 1

    async def test_nothing_listens_and_no_topic_is_made(self, fake: FakeKafka) -> None:
        """Faust's web server, leader topic, changelogs and producer stay off."""
        async with member(fake) as one:
            services = {type(service).__name__ for service in one.app._children}

            assert not one.app.boot_strategy._should_enable_web()
            assert not services & {"Web", "Producer"}
            assert one.app.conf.topic_disable_leader
            assert not one.app.tables.changelog_topics


@dataclass
class RealKafka:
    """The contract's Kafka on a real broker."""

    name: str
    settings: Settings

    def fill(self, count: int) -> None:
        """Add records."""
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap})
        for partition in range(4):
            for _ in range(count):
                producer.produce(self.name, b"value", b"key", partition=partition)
        producer.flush(10)

    def committed(self) -> dict[int, int]:
        """Return the group's commits."""
        consumer = KafkaConsumer({"bootstrap.servers": self.settings.kafka_bootstrap, "group.id": f"{self.name}-group"})
        try:
            asked = [TopicPartition(self.name, number) for number in range(4)]
            return {each.partition: each.offset for each in consumer.committed(asked, timeout=10) if each.offset >= 0}
        finally:
            consumer.close()


@pytest.mark.real
class TestRealKafka(TransportContract):
    """The contract on a real broker, with real rebalances."""

    @pytest.fixture
    def kafka(self, broker: str, tmp_path: Path) -> Kafka:
        """Return a topic and a group of their own on the shared broker."""
        name = f"transport.{uuid.uuid4().hex[:8]}"
        create_topics(admin_client(broker), [replace(REDDIT_POSTS, name=name)], partitions=4, replication_factor=1)
        return RealKafka(name, Settings(data_dir=tmp_path, kafka_bootstrap=broker))

    async def test_members_share_and_hand_over_without_loss(self, kafka: Kafka) -> None:
        """A second member joins under load and the first leaves: every record is done by somebody, in order."""
        kafka.fill(2_000)
        async with member(kafka) as one:
            await one.seen(100)
            async with member(kafka) as two:
                kafka.fill(2_000)
                await until(lambda: bool(two.recorder.batches) and len(one.recorder.deliveries.partitions) == 2)
                await one.app.stop()
                kafka.fill(1_000)
                await until(lambda: two.consumer.deliveries.committed_offsets() == dict.fromkeys(range(4), 5_000))

                for partition in range(4):
                    done = one.recorder.offsets(partition) + two.recorder.offsets(partition)
                    assert set(done) == set(range(5_000))


def test_the_transport_is_found_by_its_scheme() -> None:
    """Faust finds the transport by the entry point that the package declares."""
    from faust.transport import by_url

    assert by_url("cinepulse://127.0.0.1:9092") is Transport
