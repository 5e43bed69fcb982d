from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinepulse.clock import ManualClock
from cinepulse.errors import BrokerUnavailable, DeadLetterRateExceeded, RecordsMissing
from stream_processors import batch_worker
from stream_processors.batch_worker import BatchWorker
from stream_processors.changelog import is_body
from stream_processors.delivery import Batch, Deliveries
from tests.stream_processors.fakes import Crashed, MemoryKafka, MemoryOutbox, MemoryStore
from tests.stream_processors.sets import REWRITES, Number, SetStage, SetState
from tests.stream_processors.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from stream_processors.changelog_store import ChangelogStore
    from stream_processors.outbox import Outbox, Outgoing

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, as the worker does."""
    return "asyncio"


@dataclass
class Process:
    """A worker process and what it has been given."""

    worker: BatchWorker
    deliveries: Deliveries
    outbox: MemoryOutbox
    epoch: int = 0

    async def assign(self, starts: dict[int, int]) -> None:
        """Give it partitions, and wait until they are recovered."""
        self.epoch += 1
        self.deliveries.begin(self.epoch, starts)
        self.worker.assigned(self.epoch, list(starts))
        await until(lambda: self.worker.ready or self.worker.failure.done(), pause=0)

    async def give(self, partition: int, records: Sequence[Number]) -> Batch:
        """Hand out and process a batch."""
        batch = Batch(partition, self.epoch, records[0].offset, records[-1].offset + 1, records)
        await self.worker.process(batch)
        return batch


@asynccontextmanager
async def process(kafka: MemoryKafka, **options: Callable[[], bool]) -> AsyncIterator[Process]:
    """Start a worker process on a Kafka in memory."""
    outbox = MemoryOutbox(kafka, **options)
    store = MemoryStore(kafka, outbox)
    worker = BatchWorker(
        SetStage(),
        cast("ChangelogStore", store),
        cast("Outbox", outbox),
        clock=ManualClock(),
        flush_seconds=0.01,
        flush_records=1_000,
    )
    deliveries = Deliveries()
    worker.attach(deliveries)
    try:
        yield Process(worker, deliveries, outbox)
    finally:
        for task in list(worker._tasks):
            task.cancel()
        await asyncio.gather(*worker._tasks, return_exceptions=True)
        if worker.failure.done():
            worker.failure.exception()
        else:
            worker.failure.cancel()


def told(kafka: MemoryKafka) -> dict[int, tuple[int, int]]:
    """Return for each partition the count told with the highest revision, and that revision."""
    best: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for record in kafka.sent:
        revision, count = (record.value or b"").decode().split()
        best[record.partition] = max(best[record.partition], (int(revision), int(count)))
    return best


def numbers(*items: str, start: int = 0) -> list[Number]:
    """Return records with consecutive offsets."""
    return [Number(offset, item) for offset, item in enumerate(items, start)]


async def test_a_batch_is_done_only_when_everything_it_led_to_is_delivered() -> None:
    """State, then what it leads to, then the batch: that is the order of a flush."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        batch = await one.give(0, numbers("a", "b", "a"))
        before = (one.deliveries.committable(), list(kafka.sent))

        await one.worker.flush()

        assert before == ({}, [])
        assert batch.records == (), "what is folded is let go of before it is delivered"
        assert told(kafka)[0] == (2, 2)
        assert one.deliveries.committable() == {0: 3}


async def test_nothing_is_folded_before_the_state_is_recovered() -> None:
    """A batch that arrives during recovery waits, and meets the whole state."""
    kafka = MemoryKafka()
    async with process(kafka) as first:
        await first.assign({0: 0})
        await first.give(0, numbers("a", "b"))
        await first.worker.flush()
    async with process(kafka) as second:
        second.epoch = 1
        second.deliveries.begin(1, {0: 2})
        batch = Batch(0, 1, 2, 3, numbers("c", start=2))
        waiting = asyncio.ensure_future(second.worker.process(batch))
        for _ in range(5):
            await asyncio.sleep(0)
        early = waiting.done()

        second.worker.assigned(1, [0])
        await waiting
        await second.worker.flush()

    assert not early
    assert told(kafka)[0] == (3, 3)


async def test_a_batch_of_a_past_assignment_is_dropped() -> None:
    """It comes again in the next one; folding it now would count for an owner that is none."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        stale = Batch(0, 1, 0, 1, numbers("a"))
        await one.assign({0: 0})

        await one.worker.process(stale)
        await one.worker.flush()

        assert kafka.sent == []


async def test_a_batch_behind_a_gap_is_never_folded() -> None:
    """A state that knew the records behind a gap would take those in it for known, and lose them for good."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a", "b"))

        await one.give(0, numbers("d", start=3))
        await one.worker.flush()

        assert isinstance(one.worker.failure.exception(), RecordsMissing)
        assert told(kafka)[0] == (2, 2)


async def test_what_was_folded_before_a_revocation_and_not_flushed_is_forgotten() -> None:
    """The next epoch reads the changelog afresh instead of trusting a state that ran ahead of it."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a", "b", "c"))
        await one.assign({0: 0})

        await one.give(0, numbers("b"))
        await one.worker.flush()

        assert told(kafka)[0] == (1, 1)


async def test_a_clean_state_is_kept_over_a_rebalance() -> None:
    """A partition that comes back is not read from the beginning again."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a"))
        await one.worker.flush()
        kept = one.worker._owned[0].state

        await one.assign({0: 1})

        assert one.worker._owned[0].state is kept


async def test_a_kept_state_takes_in_what_others_wrote_meanwhile() -> None:
    """Between two ownerships another worker's changes are read."""
    kafka = MemoryKafka()
    async with process(kafka) as one, process(kafka) as other:
        await one.assign({0: 0})
        await one.give(0, numbers("a"))
        await one.worker.flush()
        await other.assign({0: 1})
        await other.give(0, numbers("b", start=1))
        await other.worker.flush()

        await one.assign({0: 2})
        await one.give(0, numbers("c", start=2))
        await one.worker.flush()

    assert told(kafka)[0] == (3, 3)


async def test_a_log_that_is_written_anew_loses_what_was_before() -> None:
    """Once the new bodies are known to be valid, the flush after removes all earlier ones; the state is as it was."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a", "b"))
        await one.worker.flush()
        await one.give(0, numbers(REWRITES, start=2))
        await one.worker.flush()
        await one.worker.flush()
    async with process(kafka) as second:
        await second.assign({0: 3})
        restored = second.worker._owned[0].state

    latest = dict(kafka.changelog[0])
    bodies = [value for key, value in latest.items() if is_body(key) and value is not None]
    assert [set(body.decode().split()[1:]) for body in bodies] == [{"a", "b", REWRITES}]
    assert cast("SetState", restored).items == {"a", "b", REWRITES}


async def test_a_worker_that_lost_its_partition_sends_nothing() -> None:
    """A paused worker that wakes after its partition moved finds out before it sends what it had folded."""
    kafka = MemoryKafka()
    async with process(kafka) as zombie, process(kafka) as heir:
        await zombie.assign({0: 0})
        await zombie.give(0, numbers("a", "zombie"))
        await heir.assign({0: 0})
        await heir.give(0, numbers("a"))
        await heir.worker.flush()

        await zombie.worker.flush()
        await zombie.give(0, numbers("more", start=2))
        await zombie.worker.flush()

        assert told(kafka)[0] == (1, 1)
        assert zombie.deliveries.committable() == {}
    async with process(kafka) as third:
        await third.assign({0: 1})
        assert cast("SetState", third.worker._owned[0].state).items == {"a"}


async def test_what_is_late_is_proved_and_sent_again() -> None:
    """A broker that is away for seconds delays a flush; it neither loses it nor ends the worker."""
    kafka, answers = MemoryKafka(), iter([True, True, False])
    async with process(kafka, late=lambda: next(answers)) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a"))

        await one.worker.flush()

        assert told(kafka)[0] == (1, 1)
        assert one.deliveries.committable() == {0: 1}


async def test_a_broker_that_never_takes_a_flush_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started again rather than pretend to work."""
    monkeypatch.setattr(batch_worker, "ATTEMPTS", 3)
    async with process(MemoryKafka(), late=lambda: True) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a"))

        with pytest.raises(BrokerUnavailable, match="3 attempts"):
            await one.worker.flush()


async def test_after_a_failed_flush_no_other_follows() -> None:
    """A later flush would let the changelog say that records are folded in whose changes never reached it."""
    kafka, crashes = MemoryKafka(), iter([False, False, True])
    async with process(kafka, crashes=lambda: next(crashes, False)) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a"))
        with pytest.raises(Crashed):
            await one.worker.flush()

        await one.give(0, numbers("b", start=1))
        await one.worker.flush()

        assert kafka.sent == []
        assert one.deliveries.committable() == {}


async def test_an_error_while_folding_ends_the_worker_without_raising() -> None:
    """An agent that raised would have its batch acknowledged; what was done before is delivered first."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        await one.assign({0: 0})
        await one.give(0, numbers("a", "b"))

        await one.give(0, numbers("c", "d", "poison", start=2))

        assert isinstance(one.worker.failure.exception(), DeadLetterRateExceeded)
        assert told(kafka)[0] == (4, 4)
        assert one.deliveries.committable() == {0: 2}


async def test_it_flushes_by_time() -> None:
    """A quiet topic's last records do not wait for the next ones."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        one.worker.start()
        await one.assign({0: 0})
        await one.give(0, numbers("a"))

        await until(lambda: bool(one.deliveries.committable()))

        assert told(kafka)[0] == (1, 1)


async def test_it_flushes_by_size() -> None:
    """What waits in memory is bounded, however long the time between flushes."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        one.worker._flush_records = 3
        await one.assign({0: 0})

        await one.give(0, numbers("a", "b"))
        small = list(kafka.sent)
        await one.give(0, numbers("c", start=2))
        await until(lambda: told(kafka)[0] == (3, 3))

        assert small == []


async def test_it_folds_while_one_flush_is_on_its_way_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow Kafka slows the worker down: beyond one flush on its way and one to come nothing is folded."""
    kafka = MemoryKafka()
    async with process(kafka) as one:
        one.worker._flush_records = 2
        await one.assign({0: 0})
        gate, send = asyncio.Event(), one.outbox.send

        async def slow(records: Iterable[Outgoing]) -> bool:
            taken = list(records)
            await gate.wait()
            return await send(taken)

        monkeypatch.setattr(one.outbox, "send", slow)
        await one.give(0, numbers("a", "b"))
        await one.give(0, numbers("c", start=2))
        waiting = asyncio.ensure_future(one.give(0, numbers("d", start=3)))
        further = asyncio.ensure_future(one.give(0, numbers("e", start=4)))
        for _ in range(20):
            await asyncio.sleep(0)
        folded_meanwhile = (waiting.done(), one.deliveries.committable(), list(kafka.sent))
        gate.set()
        await asyncio.gather(waiting, further)
        await one.worker.flush()

    assert folded_meanwhile == (False, {}, [])
    assert told(kafka)[0] == (5, 5)
    assert one.deliveries.committable() == {0: 5}


async def test_a_new_source_topic_starts_from_nothing_and_supersedes() -> None:
    """Offsets start again at 0, and would look like records folded long ago."""
    kafka = MemoryKafka()
    async with process(kafka) as first:
        await first.assign({0: 0})
        await first.give(0, numbers("a", "b", "c"))
        await first.worker.flush()
    kafka.topic_id = "another"
    async with process(kafka) as second:
        await second.assign({0: 0})
        await second.give(0, numbers("x"))
        await second.worker.flush()

    revision, count = told(kafka)[0]
    assert count == 1
    assert revision > 1 << 48


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_crashes_rebalances_and_redelivery_count_exactly(data: st.DataObject) -> None:
    """The model of the whole protocol: whatever happens, the last told counts are the sizes of the sets.

    Two partitions of records with repetitions; processes that crash at any record they send, are replaced before or
    after they notice, hand partitions over cleanly or not, have batches of any size, and write their logs anew. Commits
    lag at will.
    """
    asyncio.run(_live_through(data))


async def _live_through(data: st.DataObject) -> None:
    kafka = MemoryKafka()
    topic = {
        partition: numbers(*data.draw(st.lists(st.sampled_from("abcdefgh"), max_size=12), label=f"records {partition}"))
        for partition in (0, 1)
    }
    committed = {0: 0, 1: 0}
    zombie: Process | None = None
    for _ in range(data.draw(st.integers(0, 5), label="lives")):
        async with process(kafka, crashes=crash_at(data.draw(st.integers(0, 25), label="crashes at step"))) as one:
            await _work(one, topic, committed, data)
            if zombie is not None and not zombie.worker.failure.done():
                await _quietly(zombie)
            zombie = one if data.draw(st.booleans(), label="wakes later") else None
    async with process(kafka) as last:
        await _work(last, topic, committed, data, to_the_end=True)

    assert {partition: count for partition, (_, count) in told(kafka).items()} == {
        partition: len({record.item for record in records}) for partition, records in topic.items() if records
    }
    assert committed == {partition: len(records) for partition, records in topic.items()}


def crash_at(step: int) -> Callable[[], bool]:
    """Return a function that is true at its call of that number."""
    calls = count()
    return lambda: next(calls) == step


async def _quietly(zombie: Process) -> None:
    """Let a process that was replaced go on where it was paused."""
    with suppress(Crashed):
        await zombie.worker.flush()


async def _work(
    one: Process,
    topic: dict[int, list[Number]],
    committed: dict[int, int],
    data: st.DataObject,
    *,
    to_the_end: bool = False,
) -> None:
    await one.assign(dict(committed))
    place = dict(committed)
    for _ in range(100 if to_the_end else data.draw(st.integers(0, 10), label="actions")):
        action = "fold" if to_the_end else data.draw(st.sampled_from(["fold", "fold", "flush", "commit", "rebalance"]))
        if one.worker.failure.done():
            return
        try:
            if action == "rebalance":
                place = dict(committed)
                await one.assign(place)
            elif action == "flush":
                await one.worker.flush()
            elif action == "commit":
                committed |= one.deliveries.committable()
            elif rest := [partition for partition in (0, 1) if place[partition] < len(topic[partition])]:
                partition = data.draw(st.sampled_from(rest))
                end = data.draw(st.integers(place[partition] + 1, len(topic[partition])))
                await one.give(partition, topic[partition][place[partition] : end])
                place[partition] = end
            elif to_the_end:
                break
        except Crashed:
            return
    if to_the_end:
        await one.worker.flush()
        committed |= one.deliveries.committable()
