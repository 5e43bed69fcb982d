"""Puts dead letters' records through again: the original bytes, at the end of their own partition, once.

A record that is put through carries a header that says which one it was. That header is the only memory: it is in
Kafka if and only if the record is, so that no crash can part the two, and whoever looks before sending sees all that
was ever sent. What was sent and is already gone by retention has no letter with bytes any more either.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from cinepulse.errors import ConfigurationInvalid, Poison
from producers.reddit.records import read_post
from schemas.append import RawAppend
from schemas.partitioning import post_partition
from schemas.publisher import DEAD_KEY_BYTES
from schemas.reader import TopicReader
from schemas.topics import REDDIT_POSTS, topic_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cinepulse.commands.letters import Letter
    from cinepulse.settings import Settings
    from schemas.codec import Codec
    from schemas.events import DeadLetter
    from schemas.reader import RawRecord

REPLAYED_HEADER: Final = "cinepulse-replayed-from"

Action = Literal["replay", "replayed", "superseded", "impossible"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one letter: `record` is what to append, None where nothing is."""

    letter: Letter
    action: Action
    why: str
    record: RawAppend | None = None


@dataclass(slots=True)
class _Seen:
    """What a partition holds from the first letter's record on."""

    records: dict[int, RawRecord]
    replayed: set[bytes]
    last: dict[bytes | None, int]


def plan_replay(settings: Settings, codec: Codec, letters: Sequence[Letter]) -> list[Plan]:
    """Return what a replay of the letters would do, in their order; a record with two letters is put through once."""
    placed = {one.id: _placed(codec, one, settings.partitions) for one in letters}
    seen = _look(settings, [where for where, _ in placed.values()])
    chosen: set[str] = set()
    plans = []
    for letter in letters:
        where, plan = placed[letter.id]
        if plan.record is not None and where is not None:
            plan = _judge(plan, seen[where[0], where[1]])
        if plan.action == "replay" and letter.origin in chosen:
            plan = Plan(letter, "replayed", "another letter is about the same record")
        if plan.action == "replay":
            chosen.add(letter.origin)
        plans.append(plan)
    return plans


_Where = tuple[str, int, int]
"""Topic, partition, and the offset from which on a replayed record may be found."""


def _placed(codec: Codec, one: Letter, partitions: int) -> tuple[_Where | None, Plan]:
    """Return what a letter's record would be, and where to look for what became of it since."""
    plan = _from_producer(codec, one, partitions) if one.letter.partition is None else _from_topic(one)
    if plan.record is None:
        return None, plan
    return (plan.record.topic, plan.record.partition, one.letter.offset or 0), plan


def _from_topic(one: Letter) -> Plan:
    """Return the plan for a record of a topic; its bytes are the letter's until the topic has been looked at."""
    letter = one.letter
    try:
        topic_named(letter.source)
    except ConfigurationInvalid:
        return Plan(one, "impossible", f"{letter.source} is no topic of this version")
    headers = ((REPLAYED_HEADER, one.origin.encode()),)
    # Until the original is found: when it failed is the closest to when it was sent.
    record = RawAppend(letter.source, letter.partition or 0, letter.key, letter.value, letter.failed_at, headers)
    return Plan(one, "replay", "", record)


def _from_producer(codec: Codec, one: Letter, partitions: int) -> Plan:
    """Return the plan for what a producer could not read: read it again, as it was at the time."""
    letter = one.letter
    if not letter.source.startswith("reddit/"):
        return Plan(one, "impossible", "the source is read again by itself")
    if _is_cut(letter):
        return Plan(one, "impossible", f"the letter has {len(letter.value or b'')} of {letter.value_size} bytes")
    try:
        post = read_post(json.loads(letter.value or b"null"), letter.failed_at)
        if isinstance(post, Poison):
            return Plan(one, "impossible", f"it still fails: {post.reason}")
        key = codec.encode(REDDIT_POSTS.key_subject, post.fullname)
        value = codec.encode(REDDIT_POSTS.value_subject, post)
    except (Poison, ValueError) as error:
        return Plan(one, "impossible", f"it still fails: {getattr(error, 'reason', 'not JSON')}")
    headers = ((REPLAYED_HEADER, one.origin.encode()),)
    partition = post_partition(post.fullname, partitions)
    return Plan(one, "replay", "", RawAppend(REDDIT_POSTS.name, partition, key, value, letter.failed_at, headers))


def _look(settings: Settings, places: Iterable[_Where | None]) -> dict[tuple[str, int], _Seen]:
    """Read the partitions from the first place in each to their ends."""
    starts: defaultdict[str, dict[int, int]] = defaultdict(dict)
    offsets: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    for topic, partition, offset in filter(None, places):
        starts[topic][partition] = min(offset, starts[topic].get(partition, offset))
        offsets[topic, partition].add(offset)
    seen: dict[tuple[str, int], _Seen] = {}
    for topic, begins in starts.items():
        seen |= {(topic, partition): _Seen({}, set(), {}) for partition in begins}
        with TopicReader(settings, topic, "dlq", starts=begins) as reader:
            for record in reader.to_end():
                part = seen[topic, record.partition]
                if record.offset in offsets[topic, record.partition]:
                    part.records[record.offset] = record
                part.replayed |= {said for name, said in record.headers if name == REPLAYED_HEADER}
                part.last[record.key] = record.offset
    return seen


def _judge(plan: Plan, seen: _Seen) -> Plan:
    """Return the plan as what happened since allows."""
    one, record, letter = plan.letter, plan.record, plan.letter.letter
    if record is None or one.origin.encode() in seen.replayed:
        return Plan(one, "replayed", "it was put through before")
    if letter.offset is None:
        return plan
    topic, original = topic_named(letter.source), seen.records.get(letter.offset)
    if topic.retention_ms is None and (original is None or seen.last[original.key] > letter.offset):
        # Its old bytes at the end of the log would win over what was said since.
        return Plan(one, "superseded", "the topic has a later record of its key")
    if original is None:
        return _from_copy(plan, compacted=topic.cleanup != "delete")
    whole = RawAppend(record.topic, record.partition, original.key, original.value, original.timestamp, record.headers)
    return Plan(one, "replay", "the original", whole)


def _from_copy(plan: Plan, *, compacted: bool) -> Plan:
    """Return the plan for a record of which the letter has the only bytes."""
    letter = plan.letter.letter
    if _is_cut(letter):
        had = len(letter.value or b"")
        return Plan(plan.letter, "impossible", f"the topic no longer has it, and the letter {had} of its bytes")
    if compacted and letter.key is None:
        return Plan(plan.letter, "impossible", "a compacted topic takes no record without a key")
    return Plan(plan.letter, "replay", "the letter's copy: the topic no longer has it", plan.record)


def _is_cut(letter: DeadLetter) -> bool:
    return letter.value_size > len(letter.value or b"") or len(letter.key or b"") >= DEAD_KEY_BYTES
