"""The sink: reads Kafka, writes ClickHouse, commits what is confirmed.

The order that makes the promise true: a batch's rows are inserted under a token, its dead letters are delivered, the
ledger says so, and only then are its offsets committed. A crash between any two of these repeats the batch, which the
tables' keys absorb: at-least-once delivery, exactly-once rows under FINAL.

One thread polls, decodes and commits; another writes, one flush at a time. So the consumer keeps polling, and its
group membership, however long ClickHouse is away: what waits is bounded by pausing partitions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, TopicPartition

from cinepulse.errors import ClientGaveUp
from cinepulse.health import beat, mark_ready
from cinepulse.logging import get_logger
from cinepulse.metrics import LAG
from clickhouse.letters import STAGE
from clickhouse.offsets import Partition
from clickhouse.writer import WriteAbandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from confluent_kafka import Consumer

    from cinepulse.clock import Clock
    from clickhouse.batches import Batch
    from clickhouse.intake import Intake
    from clickhouse.writer import Writer

LOG = get_logger(__name__)

MESSAGES_PER_POLL: Final = 2_000
POLL_SECONDS: Final = 0.05
# While a flush is under way: the next one begins so soon after it, though nothing more is to be read.
LANDING_SECONDS: Final = 0.005
# How long a rebalance and a stop wait for the flush under way. Longer delays the group, or makes the supervisor kill.
SETTLE_SECONDS: Final = 5.0
LAG_SECONDS: Final = 1.0
# Without partitions for so long the client gets none by itself any more: a rebalance takes less.
REJOIN_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 1.0


@dataclass(slots=True)
class Flight:
    """A flush under way in its own thread."""

    batches: Sequence[Batch]
    abandoned: Event = field(default_factory=Event)
    error: BaseException | None = None
    _thread: Thread = field(init=False)

    def start(self, writer: Writer) -> None:
        """Write the batches in the background."""

        def write() -> None:
            try:
                writer.write(self.batches, self.abandoned)
            except BaseException as error:  # noqa: BLE001 - carried to the polling thread, which raises it
                self.error = error

        self._thread = Thread(target=write, name="sink-writer", daemon=True)
        self._thread.start()

    def landed(self, timeout: float = 0.0) -> bool:
        """Return whether the flush has ended, waiting for it at most `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def ends(self) -> dict[Partition, int]:
        """Return the offset after each partition's batch."""
        return {Partition(batch.route.source, batch.partition): batch.last + 1 for batch in self.batches}


@dataclass(slots=True)
class SinkLoop:
    """Moves records from a consumer through an intake to a writer until told to stop.

    `starts`: where to begin reading each partition assigned to the consumer; raises OffsetsExpired. A flush begins
    `flush_seconds` after the one before, or as soon as `max_rows` records wait.
    """

    consumer: Consumer
    intake: Intake
    writer: Writer
    starts: Callable[[Consumer, Sequence[Partition]], Mapping[Partition, int]]
    clock: Clock
    flush_seconds: float
    max_rows: int
    _flight: Flight | None = None
    _launched_at: float = float("-inf")
    _lag_at: float = float("-inf")
    _rejoined: bool = False
    _waiting_since: float | None = None
    _confirmed: dict[Partition, int] = field(default_factory=dict)
    _paused: set[Partition] = field(default_factory=set)

    def run(self, topics: Sequence[str], stop: Event) -> None:
        """Run until `stop` is set, then write and commit what was read, and leave the group.

        Raises what makes going on useless: OffsetsExpired, DeadLetterRateExceeded, ConfigurationInvalid. Nothing is
        lost then: what was not confirmed is not committed. After ClientGaveUp this process has to end, without closing
        the client: it would wait for ever.
        """
        self.consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )
        try:
            while not stop.is_set():
                self._turn()
            self._drain()
        except ClientGaveUp:
            self._abandon()
            raise
        except BaseException:
            self._close()
            raise
        self._close()

    def _turn(self) -> None:
        patience = POLL_SECONDS if self._flight is None else LANDING_SECONDS
        self.intake.take(self.consumer.consume(MESSAGES_PER_POLL, patience))
        self._land()
        if self.clock.monotonic() - self._launched_at >= self.flush_seconds or self.intake.records >= self.max_rows:
            self._launch()
        self._balance()
        self._measure_lag()
        self._check_membership()
        beat()

    def _launch(self) -> None:
        """Send what waits on its way, unless a flush is under way."""
        if self._flight is not None or not self.intake.due:
            return
        if self._rejoined:
            self.writer.forget()
            self._rejoined = False
        self._launched_at = self.clock.monotonic()
        self._flight = Flight(self.intake.cut())
        self._flight.start(self.writer)

    def _land(self, timeout: float = 0.0) -> None:
        """Commit a flush that has ended; raise what ended it."""
        flight = self._flight
        if flight is None or not flight.landed(timeout):
            return
        self._flight = None
        if isinstance(flight.error, WriteAbandoned) or flight.abandoned.is_set():
            return
        if flight.error is not None:
            raise flight.error
        self._confirmed |= flight.ends()
        self._commit(flight.ends(), wait=False)

    def _commit(self, ends: Mapping[Partition, int], *, wait: bool) -> None:
        """Commit offsets. A commit that fails costs a repetition and no record."""
        offsets = [TopicPartition(partition.topic, partition.number, end) for partition, end in ends.items()]
        if not offsets:
            return
        try:
            if wait:
                self.consumer.commit(offsets=offsets, asynchronous=False)
            else:
                self.consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            LOG.warning("sink.commit_failed", error=str(error))

    def _balance(self) -> None:
        """Pause the partitions of which enough waits, resume the others."""
        full = self.intake.full()
        for change, partitions in (
            (self.consumer.pause, full - self._paused),
            (self.consumer.resume, self._paused - full),
        ):
            if partitions:
                change([TopicPartition(partition.topic, partition.number) for partition in partitions])
        self._paused = full

    def _measure_lag(self) -> None:
        if self.clock.monotonic() - self._lag_at < LAG_SECONDS:
            return
        self._lag_at = self.clock.monotonic()
        behind: dict[str, int] = {}
        for partition, confirmed in self._confirmed.items():
            place = TopicPartition(partition.topic, partition.number)
            _, end = self.consumer.get_watermark_offsets(place, cached=True)
            behind[partition.topic] = behind.get(partition.topic, 0) + max(0, end - confirmed)
        for topic, records in behind.items():
            LAG.labels(stage=STAGE, topic=topic).set(records)

    def _check_membership(self) -> None:
        """Raise ClientGaveUp when the group has given nothing for long though the broker answers.

        After a broker's death librdkafka may wait for ever for a commit that was on its way, and not join again.
        """
        since = self._waiting_since
        if since is not None and self.clock.monotonic() - since >= REJOIN_SECONDS and self._broker_answers():
            raise ClientGaveUp(f"no partitions for {REJOIN_SECONDS:.0f} s from a broker that answers")

    def _broker_answers(self) -> bool:
        try:
            self.consumer.list_topics(timeout=ANSWER_SECONDS)
        except KafkaException:
            return False
        return True

    def _on_assign(self, consumer: Consumer, assigned: Sequence[TopicPartition]) -> None:
        partitions = [Partition(entry.topic, entry.partition) for entry in assigned]
        starts = self.starts(consumer, partitions)
        self._rejoined = True
        self._waiting_since = None
        self._paused = set()
        self._confirmed = dict(starts)
        self.intake.assign(starts)
        consumer.assign(
            [TopicPartition(partition.topic, partition.number, offset) for partition, offset in starts.items()]
        )
        LOG.info("sink.assigned", partitions=len(partitions))
        mark_ready()

    def _on_revoke(self, _consumer: Consumer, revoked: Iterable[TopicPartition]) -> None:
        """Finish or drop what is under way; the group assigns all partitions anew."""
        del revoked
        self._settle()
        self._give_up()

    def _on_lost(self, _consumer: Consumer, lost: Iterable[TopicPartition]) -> None:
        """Drop what is under way: another member already owns the partitions."""
        del lost
        self._give_up()

    def _give_up(self) -> None:
        self._abandon()
        self.intake.clear()
        self._confirmed = {}
        self._waiting_since = self.clock.monotonic()

    def _settle(self) -> None:
        """Give the flush under way a moment to end, and commit everything confirmed."""
        self._land(SETTLE_SECONDS)
        self._commit(self._confirmed, wait=True)

    def _close(self) -> None:
        self._abandon()
        self.consumer.close()

    def _abandon(self) -> None:
        if self._flight is not None:
            self._flight.abandoned.set()

    def _drain(self) -> None:
        """Write and commit what was read, for a limited time: the rest comes again after the next start."""
        deadline = self.clock.monotonic() + SETTLE_SECONDS
        while (self._flight is not None or self.intake.due) and self.clock.monotonic() < deadline:
            self._land(POLL_SECONDS)
            self._launch()
        self._commit(self._confirmed, wait=True)
        if self.intake.due or self._flight is not None:
            LOG.warning("sink.stopped_with_records_waiting", records=self.intake.records)
