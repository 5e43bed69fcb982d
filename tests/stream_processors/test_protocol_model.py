"""The protocol of commit, flush and dedup under random interleavings of crash, redelivery, rebalance and compaction.

The machine drives the product's own classes (see `protocol_model.py`): workers that join, crash at any record they
send, stand still inside a flush and wake as owners of nothing; sinks that crash between any two statements, two at a
time. At the end everything is let go on, and the tables must hold exactly the sets that were said.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from clickhouse.ledger import holes
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors import changelog
from stream_processors.batch_worker import BatchWorker
from stream_processors.counting.state import CountState
from tests.stream_processors.protocol_model import (
    CODEC,
    FILMS,
    FIRST_DAY,
    MANY,
    PARTITIONS,
    ClickHouse,
    Crashed,
    Kafka,
    Sink,
    Worker,
    day_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

POSTS = 4
WORKERS = 3
SINKS = 2
CHANCE = st.sampled_from([False, False, True])
STEPS = st.integers(0, 6)
NUMBERS = st.integers(0, WORKERS - 1)

SEARCH = settings(max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HUNT = settings(
    max_examples=600,
    stateful_step_count=60,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=False,
)


class Protocol(RuleBasedStateMachine):
    """Anything that can happen to workers and sinks, in any order."""

    make: ClassVar[Callable[..., BatchWorker]] = BatchWorker
    commit_first: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.kafka = Kafka()
        self.clickhouse = ClickHouse()
        self.workers: list[Worker | None] = [None] * WORKERS
        self.sinks: list[Sink | None] = [None] * SINKS
        self.sink_committed: dict[tuple[str, int], int] = {}

    @initialize()
    def begin(self) -> None:
        """Let one worker own everything."""
        self.rebalance(0, [0] * PARTITIONS)

    # --- the world

    @rule(said=st.lists(st.tuples(st.sampled_from(FILMS), st.integers(1, POSTS), CHANCE), min_size=1, max_size=4))
    def say(self, said: list[tuple[int, int, bool]]) -> None:
        """Posts name films, again maybe, or no longer do."""
        for film, post, gone in said:
            self.kafka.say(film, post, day_of(post), gone=gone)

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def compact(self, partition: int) -> None:
        """Kafka's cleaner comes by."""
        self.kafka.compact(partition)

    # --- workers

    @rule(who=NUMBERS, owners=st.lists(NUMBERS, min_size=PARTITIONS, max_size=PARTITIONS))
    def rebalance(self, who: int, owners: list[int]) -> None:
        """Partitions get owners; whoever stands still hears nothing of it, and a process that is gone comes back."""
        del who
        for number in set(owners):
            if self.workers[number] is None:
                self.workers[number] = self._run(self._make())
        asleep = {number for number in owners if (worker := self.workers[number]) and worker.flushing}
        awake = [number for number in set(owners) if number not in asleep]
        if not awake:
            return
        for partition, number in enumerate(owners):
            self.kafka.owners[partition] = self.workers[number if number not in asleep else awake[0]]
        for worker in self.workers:
            if worker is not None and worker.flushing is None:
                mine = [partition for partition, owner in self.kafka.owners.items() if owner is worker]
                self._survive(worker, worker.assign(mine))

    @rule(who=NUMBERS, count=st.integers(1, 6))
    def fold(self, who: int, count: int) -> None:
        """A worker works on what it has fetched, whether or not it still owns it."""
        worker = self._alive(who)
        if worker is not None and worker.flushing is None:
            for partition in list(worker.place):
                self._survive(worker, worker.fold(partition, count))

    @rule(who=NUMBERS, stand=st.sampled_from([0, 0, 0, 1, 2, 3]))
    def flush(self, who: int, stand: int) -> None:
        """A worker delivers what it has folded, or stands still in the middle."""
        worker = self._alive(who)
        if worker is not None and worker.flushing is None:
            self._survive(worker, worker.flush(stand=stand))

    @rule(who=NUMBERS)
    def wake(self, who: int) -> None:
        """One that stood still goes on; when its partitions have moved, long after."""
        worker = self.workers[who]
        if worker is not None and worker.flushing is not None:
            moved = any(self.kafka.owners[partition] is not worker for partition in worker.place)
            self._survive(worker, worker.wake(moved=moved))

    @rule(who=NUMBERS)
    def commit(self, who: int) -> None:
        """A worker commits what is done; it does so by time, also while a flush waits for its broker."""
        worker = self._alive(who)
        if worker is not None:
            worker.commit()

    @rule(who=NUMBERS, steps=STEPS)
    def doom(self, who: int, steps: int) -> None:
        """A worker will be killed at one of the next records it sends."""
        worker = self._alive(who)
        if worker is not None:
            worker.outbox.crash_in = steps

    @rule(who=NUMBERS)
    def kill(self, who: int) -> None:
        """A worker is killed now; nobody owns its partitions until the next rebalance."""
        self._bury(self.workers[who])

    # --- sinks

    @rule(who=st.integers(0, SINKS - 1), most=st.integers(1, 10))
    def sink_reads(self, who: int, most: int) -> None:
        """A sink fetches; one that is not there starts from what the group has committed."""
        if self.sinks[who] is None:
            self.sinks[who] = Sink(self.kafka, self.clickhouse, self.sink_committed, type(self).commit_first)
        self._sink(who).read(most)

    @precondition(lambda self: any(self.sinks))
    @rule(who=st.integers(0, SINKS - 1), most=st.integers(1, 10), crash=st.none() | STEPS)
    def sink_writes(self, who: int, most: int, crash: int | None) -> None:
        """A sink writes and commits, or is killed at one of its statements."""
        sink = self.sinks[who]
        if sink is not None:
            sink.storage.crash_in = crash
            try:
                sink.write(most)
            except Crashed:
                self.sinks[who] = None
            else:
                sink.storage.crash_in = None

    # --- the end

    def teardown(self) -> None:
        """Let everything go on and hold the tables against what was said."""
        try:
            self._finish()
            self._judge()
        finally:
            for worker in self.workers:
                self._bury(worker)
            self.loop.close()

    def _finish(self) -> None:
        for number in range(WORKERS):
            self.wake(number)
        self.rebalance(0, [0] * PARTITIONS)
        for _ in range(2):
            # The second time, should the first have been killed on its way.
            last = self.workers[0] or self._run(self._make())
            last.outbox.crash_in = None
            self.workers[0] = last
            self.rebalance(0, [0] * PARTITIONS)
            self.fold(0, MANY)
            self.flush(0, stand=0)
            self.commit(0)
        self.sinks = [None] * SINKS
        self.sink_reads(0, MANY)
        self.sink_writes(0, MANY, None)

    def _judge(self) -> None:
        sets: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        standing: set[tuple[int, str]] = set()
        for log in self.kafka.source.values():
            for said in log:
                key = CODEC.decode(MOVIE_MENTIONS.key_subject, said.key)
                mention, day = (key.tmdb_id, key.post_id), FIRST_DAY + day_of(_post(key.post_id))
                if said.value is None:
                    standing.discard(mention)
                    sets[key.tmdb_id, day].discard(key.post_id)
                else:
                    standing.add(mention)
                    sets[key.tmdb_id, day].add(key.post_id)
        counts = {key: row[2] for key, (_, row) in self.clickhouse.tables.get("mention_counts", {}).items() if row[2]}
        stored = {
            (key[0], key[2]) for key, (_, row) in self.clickhouse.tables.get("mentions", {}).items() if not row[-1]
        }
        assert counts == {key: len(posts) for key, posts in sets.items() if posts}
        assert stored == standing
        assert self.kafka.committed == {number: len(log) for number, log in self.kafka.source.items()}
        for (topic, number), end in self.sink_committed.items():
            assert holes(self.clickhouse.spans.get((topic, number), ()), 0, end) == []
        counted = sum(len(self.kafka.log(MOVIE_MENTION_COUNTS.name, number)) for number in range(PARTITIONS))
        ends = [end for (topic, _), end in self.sink_committed.items() if topic == MOVIE_MENTION_COUNTS.name]
        assert sum(ends) == counted

    async def _make(self) -> Worker:
        return Worker(self.kafka, type(self).make)

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def _survive(self, worker: Worker, work: Coroutine[Any, Any, None]) -> None:
        """Do something to a worker, which may be killed by it."""
        with suppress(Crashed):
            self._run(work)
            if not worker.worker.failure.done():
                return
            error = worker.worker.failure.exception()
            assert isinstance(error, Crashed), error
        self._bury(worker)

    def _alive(self, who: int) -> Worker | None:
        """Return the process in that place, or another one that runs."""
        return self.workers[who] or next((worker for worker in self.workers if worker is not None), None)

    def _sink(self, who: int) -> Sink:
        sink = self.sinks[who]
        assert sink is not None
        return sink

    def _bury(self, worker: Worker | None) -> None:
        if worker is not None:
            self._run(worker.end())
            self.workers = [None if one is worker else one for one in self.workers]
            self.kafka.owners = {
                partition: None if owner is worker else owner for partition, owner in self.kafka.owners.items()
            }


def _post(post_id: str) -> int:
    return int(post_id[3:-1], 16)


TestProtocol = Protocol.TestCase
TestProtocol.settings = SEARCH


class DoneTooEarly(BatchWorker):
    """A planted defect: batches count as done, and are committed, before their flush is delivered."""

    async def _deliver(self, parts: list[Any], epoch: int | None) -> None:
        for part in parts:
            for batch in part.batches:
                self._deliveries.done(batch)
        await super()._deliver(parts, epoch)


class StateForgotten(BatchWorker):
    """A planted defect: what a flush leads to is sent, and the state it came from is not."""

    async def _prove(self, parts: list[Any], *, again: bool) -> None:
        del parts, again


def test_the_model_finds_a_commit_before_the_flush() -> None:
    """The order of flush and commit is what the model is about: turned round, it fails."""

    class Planted(Protocol):
        make = DoneTooEarly

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Planted, settings=HUNT)


def a_successors_story(kind: type[Protocol]) -> None:
    """Let a worker be killed behind its commit, and its successor count one more post of the same film and day."""
    machine = kind()
    machine.begin()
    try:
        machine.say([(1, 2, False)])
        machine.fold(0, 1)
        machine.flush(0, stand=0)
        machine.commit(0)
        machine.kill(0)
        machine.rebalance(0, [0] * PARTITIONS)
        machine.say([(1, 4, False)])
    finally:
        machine.teardown()


def test_a_successor_knows_what_was_counted() -> None:
    """What was committed before a kill is in the state of the next owner."""
    a_successors_story(Protocol)


def test_the_model_finds_a_state_that_is_not_kept() -> None:
    """Output without its state loses what the next owner cannot know."""

    class Planted(Protocol):
        make = StateForgotten

    with pytest.raises(AssertionError):
        a_successors_story(Planted)


def test_the_model_finds_a_sink_that_commits_first() -> None:
    """Rows that were never inserted are missed once their offsets are committed."""

    class Planted(Protocol):
        commit_first = True

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Planted, settings=HUNT)


def test_the_model_finds_a_dedup_that_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that adds instead of holding a set counts a repetition twice."""

    def add(self: CountState, slot: int, post: int) -> bool:
        self._members.add(post << 32 | slot)
        self._shift(slot, post & 3, 1)
        return True

    monkeypatch.setattr(CountState, "_add", add)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Protocol, settings=HUNT)


def a_zombies_story() -> None:
    """Let a worker stop before it writes, and wake when its successor has taken back what it is about to add."""
    machine = Protocol()
    machine.begin()
    try:
        machine.say([(1, 1, False)])
        machine.fold(0, 1)
        machine.flush(0, stand=1)
        machine.rebalance(1, [1, 1])
        machine.say([(1, 1, True)])
        machine.fold(1, MANY)
        machine.flush(1, stand=0)
        machine.commit(1)
        machine.wake(0)
        machine.kill(1)
        machine.kill(0)
        machine.say([(1, 3, False)])
    finally:
        machine.teardown()


def test_a_zombie_changes_nothing() -> None:
    """What an earlier owner writes behind its successor's back is read by nobody."""
    a_zombies_story()


def test_the_model_finds_a_zombie_that_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without claims the same story ends with a film counted that nobody names."""

    def survives(self: changelog.PartitionLog, others: object, offsets: Any) -> bool:
        del others
        self._settle(offsets)
        return True

    def read(self: changelog.PartitionLog, offset: int, key: bytes | None, value: bytes | None) -> None:
        if key is not None and key.startswith(changelog.BODY):
            self._claim = changelog.BODY_KEY.unpack(key)[1]
        original(self, offset, key, value)

    original = changelog.PartitionLog.read
    monkeypatch.setattr(changelog.PartitionLog, "survives", survives)
    monkeypatch.setattr(changelog.PartitionLog, "read", read)
    with pytest.raises(AssertionError):
        a_zombies_story()
