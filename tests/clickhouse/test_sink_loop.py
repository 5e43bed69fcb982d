"""The sink's loop around a fake consumer and a writer that waits when told: pausing, committing, giving up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from cinepulse.clock import ManualClock
from cinepulse.errors import ClientGaveUp, ConfigurationInvalid, DatabaseUnavailable, OffsetsExpired
from clickhouse.intake import Intake
from clickhouse.ledger import TopicEpoch
from clickhouse.offsets import Partition
from clickhouse.rows import routes
from clickhouse.sink import SinkLoop
from clickhouse.writer import WriteAbandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Consumer

    from clickhouse.batches import Batch
    from clickhouse.writer import Writer

TOPIC = "movie.mentions"
PLACE = Partition(TOPIC, 0)
MAX_ROWS = 10
DEADLINE_SECONDS = 10


@dataclass
class FakeMessage:
    """A record, or an error in its place."""

    number: int
    failure: KafkaError | None = None
    size: int = 5

    def error(self) -> KafkaError | None:
        """Return the error."""
        return self.failure

    def topic(self) -> str:
        """Return the topic."""
        return TOPIC

    def partition(self) -> int:
        """Return the partition."""
        return 0

    def offset(self) -> int:
        """Return the offset."""
        return self.number

    def key(self) -> bytes:
        """Return the key."""
        return b"k"

    def value(self) -> bytes:
        """Return the value."""
        return b"v" * self.size

    def timestamp(self) -> tuple[int, int]:
        """Return the timestamp's type and value."""
        return 1, -1


@dataclass
class FakeConsumer:
    """Delivers what a test prepares, one list a poll, and remembers what it is told."""

    polls: list[Callable[[FakeConsumer], list[FakeMessage]]]
    clock: ManualClock
    stop: Event = field(default_factory=Event)
    log: list[str] = field(default_factory=list)
    callbacks: dict[str, Any] = field(default_factory=dict)
    answers: bool = True

    def subscribe(self, topics: list[str], **callbacks: Any) -> None:
        """Join, and be assigned the one partition."""
        assert topics == [TOPIC]
        self.callbacks = callbacks
        callbacks["on_assign"](self, [TopicPartition(TOPIC, 0)])

    def consume(self, _most: int, _timeout: float) -> list[FakeMessage]:
        """Return the next list; ask the loop to stop after the last."""
        self.clock.advance(1.0)
        if not self.polls:
            self.stop.set()
            return []
        return self.polls.pop(0)(self)

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Note the assignment."""
        self.log.append(f"assign {[entry.offset for entry in partitions]}")

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        """Note a commit."""
        self.log.append(f"commit {[entry.offset for entry in offsets]}{'' if asynchronous else ' and wait'}")

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Note a pause."""
        self.log.append(f"pause {len(partitions)}")

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Note a resume."""
        self.log.append(f"resume {len(partitions)}")

    def get_watermark_offsets(self, _partition: TopicPartition, *, cached: bool) -> tuple[int, int]:
        """Return what is not known yet."""
        assert cached
        return -1001, -1001

    def list_topics(self, *, timeout: float) -> None:
        """Answer, or raise as a client does that nobody answers in time."""
        assert timeout > 0
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def close(self) -> None:
        """Note the end."""
        self.log.append("close")


@dataclass
class FakeWriter:
    """Writes when the gate is open, time passing meanwhile; raises what it is told to."""

    clock: ManualClock = field(default_factory=ManualClock)
    gate: Event = field(default_factory=Event)
    entered: Event = field(default_factory=Event)
    written: list[tuple[int, int]] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    forgotten: int = 0

    def write(self, batches: Sequence[Batch], abandoned: Event) -> None:
        """Wait for the gate, as for a ClickHouse that is away."""
        self.entered.set()
        while not self.gate.wait(0.01):
            self.clock.advance(0.5)
            if abandoned.is_set():
                raise WriteAbandoned
        if self.errors:
            raise self.errors.pop(0)
        self.written += [(batch.first, batch.last) for batch in batches]

    def forget(self) -> None:
        """Count how often the ledger's entries begin anew."""
        self.forgotten += 1


@dataclass
class Scene:
    """A loop with its fakes."""

    polls: list[Callable[[FakeConsumer], list[FakeMessage]]]
    writer: FakeWriter = field(default_factory=FakeWriter)

    def run(self) -> list[str]:
        """Run the loop through all polls and return what the consumer was told."""
        consumer = FakeConsumer(self.polls, self.writer.clock)
        route = next(route for route in routes() if route.topic.name == TOPIC)
        loop = SinkLoop(
            cast("Consumer", consumer),
            Intake([route], {TOPIC: TopicEpoch("id", 0)}, max_rows=MAX_ROWS),
            cast("Writer", self.writer),
            lambda _consumer, partitions: dict.fromkeys(partitions, 0),
            self.writer.clock,
            flush_seconds=0.5,
            max_rows=MAX_ROWS,
        )
        try:
            loop.run([TOPIC], consumer.stop)
        finally:
            self.log = consumer.log
        return self.log


def records(*numbers: int) -> Callable[[FakeConsumer], list[FakeMessage]]:
    """Return a poll that delivers these offsets."""
    return lambda _consumer: [FakeMessage(number) for number in numbers]


def doing(act: Callable[[], object]) -> Callable[[FakeConsumer], list[FakeMessage]]:
    """Return a poll that delivers nothing while something happens."""

    def poll(_consumer: FakeConsumer) -> list[FakeMessage]:
        act()
        return []

    return poll


def until(true: Callable[[FakeConsumer], bool]) -> Callable[[FakeConsumer], list[FakeMessage]]:
    """Return a poll that delivers nothing, again and again until `true`."""
    deadline = time.monotonic() + DEADLINE_SECONDS

    def poll(consumer: FakeConsumer) -> list[FakeMessage]:
        if not true(consumer):
            assert time.monotonic() < deadline
            consumer.polls.insert(0, poll)
        return []

    return poll


def test_what_is_written_is_committed_and_nothing_else() -> None:
    """Records are written in order, without gaps, and committed once written; a stop writes what is left."""
    scene = Scene([records(0, 1), records(2), records(4, 5)])
    scene.writer.gate.set()

    log = scene.run()

    assert scene.writer.written[0][0] == 0
    assert scene.writer.written[-1][1] == 5
    assert log[-2:] == ["commit [6] and wait", "close"]


def test_polling_goes_on_while_clickhouse_is_away_and_pauses_what_is_full() -> None:
    """A writer that waits does not stop the polls; enough records pause the partition, and writing resumes it."""
    writer = FakeWriter()
    arriving = [records(number) for number in range(12)]
    resumed = until(lambda consumer: "resume 1" in consumer.log)
    scene = Scene([*arriving, records(), doing(writer.gate.set), resumed], writer)

    log = scene.run()

    assert log.index("pause 1") < log.index("resume 1")
    assert scene.writer.written[0] == (0, 0)
    assert scene.writer.written[-1][1] == 11


def test_nothing_is_committed_before_it_is_written() -> None:
    """While the writer waits, no commit goes beyond the start; the stop gives up and commits only that."""
    scene = Scene([records(0, 1, 2), doing(lambda: scene.writer.entered.wait(5)), *[records()] * 5])

    log = scene.run()

    assert [step for step in log if step.startswith("commit")] == ["commit [0] and wait"]
    assert scene.writer.written == []


def test_revoked_partition_waits_for_the_flush_under_way() -> None:
    """A rebalance lets the flush end and commits it; what still waits is dropped, for the next owner to read."""

    def revoke(consumer: FakeConsumer) -> list[FakeMessage]:
        scene.writer.entered.wait(5)
        scene.writer.gate.set()
        consumer.callbacks["on_revoke"](consumer, [TopicPartition(TOPIC, 0)])
        return []

    scene = Scene([records(0, 1), records(2, 3), revoke])

    log = scene.run()

    assert scene.writer.written == [(0, 1)]
    assert "commit [2] and wait" in log


def test_lost_partition_is_not_committed() -> None:
    """When another member already owns the partition, the flush under way is given up and its outcome ignored."""

    def lose(consumer: FakeConsumer) -> list[FakeMessage]:
        scene.writer.entered.wait(5)
        consumer.callbacks["on_lost"](consumer, [TopicPartition(TOPIC, 0)])
        return []

    scene = Scene([records(0, 1), lose, *[records()] * 5])

    log = scene.run()

    assert not [step for step in log if step.startswith("commit")]
    assert scene.writer.written == []


def test_client_that_gets_no_partitions_back_is_given_up() -> None:
    """Without partitions of a broker that answers the loop ends, and leaves the client alone: closing it may hang."""
    scene = Scene([losing(answers=True), *[records()] * 39])

    with pytest.raises(ClientGaveUp, match="no partitions for 15 s"):
        scene.run()

    assert scene.log == ["assign [0]"]
    assert len(scene.polls) == 39 - 15


@pytest.mark.parametrize(("answers", "assigned"), [(False, False), (True, True)])
def test_who_waits_for_the_broker_or_for_records_goes_on(*, answers: bool, assigned: bool) -> None:
    """A broker that is away gives no partitions, and partitions may bring nothing for long: the client is sound."""
    scene = Scene([losing(answers=answers, then_assigned=assigned), *[records()] * 39])

    assert scene.run()[-1] == "close"


def losing(*, answers: bool, then_assigned: bool = False) -> Callable[[FakeConsumer], list[FakeMessage]]:
    """Return a poll in which the partition is lost, and perhaps given back; `answers`: whether the broker does."""

    def poll(consumer: FakeConsumer) -> list[FakeMessage]:
        consumer.answers = answers
        consumer.callbacks["on_lost"](consumer, [TopicPartition(TOPIC, 0)])
        if then_assigned:
            consumer.callbacks["on_assign"](consumer, [TopicPartition(TOPIC, 0)])
        return []

    return poll


def test_records_of_a_partition_that_was_taken_away_are_dropped() -> None:
    """What was fetched before a revocation and arrives after it is nobody's."""

    def revoke(consumer: FakeConsumer) -> list[FakeMessage]:
        consumer.callbacks["on_revoke"](consumer, [TopicPartition(TOPIC, 0)])
        return [FakeMessage(0)]

    scene = Scene([revoke, records(1)])
    scene.writer.gate.set()

    scene.run()

    assert scene.writer.written == []


def test_ledger_begins_anew_after_each_assignment() -> None:
    """Between two assignments another member may have written, so entries must not join over them."""

    def rejoin(consumer: FakeConsumer) -> list[FakeMessage]:
        consumer.callbacks["on_revoke"](consumer, [TopicPartition(TOPIC, 0)])
        consumer.callbacks["on_assign"](consumer, [TopicPartition(TOPIC, 0)])
        return [FakeMessage(0)]

    scene = Scene([records(0), rejoin, records()])
    scene.writer.gate.set()

    scene.run()

    assert scene.writer.forgotten == 2


@pytest.mark.parametrize("error", [ConfigurationInvalid("run `cinepulse migrate`"), SystemExit(3), MemoryError()])
def test_what_ends_a_flush_ends_the_loop(error: BaseException) -> None:
    """Whatever a flush dies of reaches the caller, commits nothing, and leaves the group."""
    scene = Scene([records(0), *[doing(lambda: scene.writer.entered.wait(5))] * 200])
    scene.writer.errors.append(error)
    scene.writer.gate.set()

    with pytest.raises(type(error)):
        scene.run()

    assert scene.log == ["assign [0]", "close"]


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        (KafkaError._AUTO_OFFSET_RESET, OffsetsExpired),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, ConfigurationInvalid),
    ],
)
def test_errors_that_no_waiting_mends_end_the_loop(code: int, raised: type[Exception]) -> None:
    """Records that Kafka no longer has, or a topic that is gone, are told at once."""
    scene = Scene([lambda _consumer: [FakeMessage(0, KafkaError(code))]])

    with pytest.raises(raised):
        scene.run()


def test_fatal_client_error_ends_the_loop() -> None:
    """A client that has given up for good is no reason to poll on."""
    scene = Scene([lambda _consumer: [FakeMessage(0, KafkaError(KafkaError._FATAL, "fenced", fatal=True))]])

    with pytest.raises(ClientGaveUp, match="fenced"):
        scene.run()


def test_passing_client_errors_are_lived_through() -> None:
    """Errors that the client recovers from by itself do not stop anything."""
    scene = Scene([lambda _consumer: [FakeMessage(0, KafkaError(KafkaError._ALL_BROKERS_DOWN)), FakeMessage(0)]])
    scene.writer.gate.set()

    scene.run()

    assert scene.writer.written == [(0, 0)]


def test_large_records_pause_before_many_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting records are bounded in bytes as well as in number."""
    monkeypatch.setattr("clickhouse.intake.WAITING_BYTES", 1_000)
    scene = Scene([records(0), lambda _consumer: [FakeMessage(1, size=2_000)], *[records()] * 3])

    log = scene.run()

    assert "pause 1" in log


def test_database_error_is_what_the_writer_retries() -> None:
    """The loop itself knows no retries: an error that comes through ends it."""
    scene = Scene([records(0), *[doing(lambda: scene.writer.entered.wait(5))] * 200])
    scene.writer.errors.append(DatabaseUnavailable("away"))
    scene.writer.gate.set()

    with pytest.raises(DatabaseUnavailable):
        scene.run()
