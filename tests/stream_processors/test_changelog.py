from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from stream_processors import changelog
from stream_processors.changelog import BODY_KEY, PartitionLog, claim_entry, is_claim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_processors.changelog import Entry

Change = dict[str, int]


@dataclass(eq=False)
class Writer:
    """A worker that keeps numbers by name; a body is JSON, applied like `dict.update`."""

    state: Change = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = PartitionLog(self.restore, self.epochs.append, merge)

    def restore(self, body: bytes) -> None:
        """Apply a body."""
        self.state.update(json.loads(body))


def merge(bodies: Sequence[bytes]) -> bytes:
    """Return one body with the effect of several."""
    merged: Change = {}
    for body in bodies:
        merged.update(json.loads(body))
    return json.dumps(merged).encode()


@dataclass
class KafkaPartition:
    """A compacted partition: offsets never come twice, records may go."""

    records: list[tuple[int, bytes, bytes | None]] = field(default_factory=list)
    end: int = 0

    def append(self, entry: Entry) -> int:
        """Write a record and return its offset."""
        self.records.append((self.end, *entry))
        self.end += 1
        return self.end - 1

    def compact(self, before: int) -> None:
        """Do what the log cleaner may do to offsets below `before`: keep the last of each key, drop removed keys."""
        last = {key: offset for offset, key, _ in self.records}
        self.records = [
            (offset, key, value)
            for offset, key, value in self.records
            if offset >= before or (last[key] == offset and value is not None)
        ]

    def open(self, writer: Writer, nonce: bytes, topic_id: str = "a") -> None:
        """Let a writer claim the partition and read up to its claim."""
        claim = self.append(claim_entry(nonce, topic_id))
        for offset, key, value in self.records:
            if writer.log.position <= offset <= claim:
                writer.log.read(offset, key, value)

    def settle(self, writer: Writer, offsets: Sequence[int]) -> bool:
        """Return whether the writer still owns the partition, as a worker finds out."""
        if writer.log.confirm(offsets):
            return True
        others = [key for offset, key, _ in self.records if writer.log.position <= offset <= offsets[-1]]
        return writer.log.survives(others, offsets)


def nonce(number: int) -> bytes:
    """Return a claim's distinguishing bytes."""
    return number.to_bytes(16)


class Ownership(RuleBasedStateMachine):
    """Workers come, go, are paused and write late; the log is compacted at any time.

    The truth is what the bodies say that were written under the latest claim. Whoever opens the partition must read
    exactly that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.small = patch.multiple(changelog, FAN_IN=3, SIZES=(30, 60, 120), MERGED_BYTES=150)
        self.small.start()
        self.partition = KafkaPartition()
        self.truth: Change = {}
        self.writers: list[Writer] = []
        self.owner: Writer | None = None
        self.claims = 0

    def teardown(self) -> None:
        """Undo the small sizes."""
        self.small.stop()

    @initialize()
    def start(self) -> None:
        """There is always somebody."""
        self.someone_new_takes_over()

    @rule()
    def someone_new_takes_over(self) -> None:
        """A fresh process claims the partition."""
        self._open(Writer())
        self.writers.append(self.owner)  # type: ignore[arg-type]  # _open has just set it

    @rule(data=st.data())
    def an_earlier_owner_takes_over(self, data: st.DataObject) -> None:
        """A process that kept its state, exactly as it wrote it, claims the partition again."""
        writer = data.draw(st.sampled_from(self.writers))
        self._open(writer)

    def _open(self, writer: Writer) -> None:
        self.claims += 1
        self.partition.open(writer, nonce(self.claims))
        self.owner = writer
        assert writer.state == self.truth

    @rule(
        change=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 99), min_size=1, max_size=4),
        data=st.data(),
        survives=st.booleans(),
    )
    def somebody_writes(self, change: Change, data: st.DataObject, *, survives: bool) -> None:
        """The owner flushes, or one who believes to be; it may die before it learns the offsets."""
        writer = data.draw(st.sampled_from(self.writers))
        offsets = []
        for entry in writer.log.append([json.dumps(change).encode()]):
            offsets.append(self.partition.append(entry))
            if writer is self.owner and entry[1] is not None:
                self.truth.update(change)
        if not survives:
            self._gone(writer)
        elif self.partition.settle(writer, offsets):
            assert writer is self.owner
            writer.state.update(change)
        else:
            assert writer is not self.owner
            self._gone(writer)

    def _gone(self, writer: Writer) -> None:
        self.writers.remove(writer)
        if not self.writers:
            self.someone_new_takes_over()

    @precondition(lambda self: self.partition.end)
    @rule(data=st.data())
    def kafka_compacts(self, data: st.DataObject) -> None:
        """The log cleaner runs over some prefix."""
        self.partition.compact(data.draw(st.integers(0, self.partition.end)))


Ownership.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestOwnership = Ownership.TestCase


def written(partition: KafkaPartition, writer: Writer, change: Change) -> bool:
    """Flush a change and return whether the writer still owns the partition."""
    entries = writer.log.append([json.dumps(change).encode()], prove=True)
    return partition.settle(writer, [partition.append(entry) for entry in entries])


def test_a_paused_owner_learns_that_it_lost_the_partition() -> None:
    """A worker that wakes after another has claimed finds out from the offsets of its own records."""
    partition, old, new = KafkaPartition(), Writer(), Writer()
    partition.open(old, nonce(1))
    partition.open(new, nonce(2))

    assert not written(partition, old, {"a": 1})
    assert written(partition, new, {"a": 2})

    heir = Writer()
    partition.open(heir, nonce(3))
    assert heir.state == {"a": 2}


def test_a_stray_body_does_not_end_an_ownership() -> None:
    """What a former owner writes late breaks the row of offsets, and is found to be harmless."""
    partition, old, new = KafkaPartition(), Writer(), Writer()
    partition.open(old, nonce(1))
    late = old.log.append([b'{"a": 1}'])
    partition.open(new, nonce(2))
    for entry in late:
        partition.append(entry)

    assert written(partition, new, {"b": 2})


def test_a_proof_is_a_record_even_when_nothing_changed() -> None:
    """Ownership can be asked for without a change."""
    writer = Writer()

    assert len(writer.log.append([], prove=True)) == 1
    assert writer.log.append([]) == []


def test_merged_bodies_are_removed_only_after_the_merged_one_is_confirmed() -> None:
    """Until its offset is known to be right, what a merge replaces stays in the log."""
    partition, writer = KafkaPartition(), Writer()
    partition.open(writer, nonce(1))
    for number in range(changelog.FAN_IN - 1):
        written(partition, writer, {"a": number})

    merging = writer.log.append([b'{"a": 99}'])
    unproved = writer.log.append([])
    partition.settle(writer, [partition.append(entry) for entry in merging])
    removals = writer.log.append([])

    assert len(merging) == 1
    assert unproved == []
    assert [value for _, value in removals] == [None] * (changelog.FAN_IN - 1)
    assert all(BODY_KEY.unpack(key)[2] < changelog.FAN_IN for key, _ in removals)


def test_a_log_written_in_small_steps_is_read_in_few_bodies() -> None:
    """A thousand flushes of one change leave a handful of records to read, and each was written a few times at most."""
    partition, writer = KafkaPartition(), Writer()
    partition.open(writer, nonce(1))
    for number in range(1_000):
        assert written(partition, writer, {f"{number:05}": number})
    written_bytes = sum(len(value or b"") for _, _, value in partition.records)

    partition.compact(partition.end)

    heir = Writer()
    partition.open(heir, nonce(2))
    assert len(heir.state) == 1_000
    assert sum(key.startswith(b"body") for _, key, _ in partition.records) < 4 * changelog.FAN_IN
    assert written_bytes < 5 * len(json.dumps(heir.state))


def test_bodies_too_long_together_are_left_alone() -> None:
    """A merge never makes a record that Kafka would refuse."""
    partition, writer = KafkaPartition(), Writer()
    partition.open(writer, nonce(1))
    for number in range(40):
        assert written(partition, writer, {f"{number:02}" + "x" * 80_000: number})

    assert max(len(value or b"") for _, _, value in partition.records) <= changelog.MERGED_BYTES + 100_000


def test_another_source_topic_begins_an_epoch() -> None:
    """A claim names the topic; the state hears of a new one before the bodies that follow."""
    partition, first, second = KafkaPartition(), Writer(), Writer()
    partition.open(first, nonce(1), "a")
    partition.open(second, nonce(2), "b")

    assert (first.epochs, first.log.epoch) == ([], 0)
    assert (second.epochs, second.log.epoch) == ([1], 1)


@pytest.mark.parametrize("key", [None, b"", b"other", b"body", b"claim"])
def test_foreign_records_are_passed_over(key: bytes | None) -> None:
    """A record that is none of ours moves the position and nothing else."""
    writer = Writer()

    writer.log.read(4, key, b"x")

    assert writer.state == {}
    assert writer.log.position == 5
    assert not is_claim(key)


def test_a_reader_knows_which_bodies_a_state_written_anew_has_superseded() -> None:
    """They are what must still be there after the reading: gone by then, what one took out may have been missed."""
    claim, topic_id = claim_entry(b"n" * 16, "topic")
    owner = PartitionLog(lambda _: None, lambda _: None, b"".join)
    owner.read(0, claim, topic_id)
    before = owner.append([b"a", b"b"])
    anew = owner.rewrite([b"ab"])
    after = owner.append([b"c"])
    reader = PartitionLog(lambda _: None, lambda _: None, b"".join)

    for offset, (key, value) in enumerate([(claim, topic_id), *before, *anew, *after]):
        reader.read(offset, key, value)

    assert reader.superseded_read == {key for key, _ in before}
