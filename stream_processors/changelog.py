"""A partition's changelog: who owns it, what is in it, and how it stays short. Pure; `changelog_store.py` does the I/O.

The state of a source partition is rebuilt from one partition of a compacted topic. Two rules make it exact even when a
worker that lost the partition goes on writing, as one does that was paused and wakes up:

* **Claims.** A new owner first writes a claim and then reads the log up to it. A body is valid when the last claim
  before it is its writer's. Whatever an earlier owner writes behind the claim is read by nobody.
* **No key is written twice.** Otherwise compaction, which knows nothing of claims, could let an invalid body displace a
  valid one. A body is removed only after a longer one that contains it is known to be valid, and the writer knows that
  because the offsets of its records follow each other without a gap: nobody else has written.

A flush writes one body a partition: what has changed, not what is. Short bodies at the end of the log are merged into
longer ones (a log-structured merge, O'Neil et al. 1996), so that each change is written a few times in all, and reading
the log takes time in proportion to what it holds and not to how often it was flushed.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CLAIM: Final = b"claim"
BODY: Final = b"body"
WHOLE: Final = b"anew"
"""Prefix of the keys of bodies that hold the state anew, and supersede all before them."""
PROOF: Final = b"proof"
CLAIM_KEY: Final = struct.Struct(">5s16s")
BODY_KEY: Final = struct.Struct(">4sQQ")

# Sixteen bodies make one of the next size; beyond the last size they stay as they are. A change is thus written at most
# four times, and a log holds at most 48 bodies besides its long ones.
SIZES: Final = (1_000, 16_000, 100_000)
FAN_IN: Final = 16
MERGED_BYTES: Final = 600_000

Entry = tuple[bytes, bytes | None]
"""A Kafka record's key and value; a None value removes the key."""


@dataclass(frozen=True, slots=True)
class Body:
    """One valid body in the log; `content` is None when it is too long to be merged."""

    key: bytes
    size: int
    content: bytes | None


def claim_entry(nonce: bytes, topic_id: str) -> Entry:
    """Return the record by which a worker claims a partition; `topic_id` identifies the source topic (KIP-516)."""
    return CLAIM_KEY.pack(CLAIM, nonce), topic_id.encode()


def is_claim(key: bytes | None) -> bool:
    """Return whether a record's key is that of a claim."""
    return key is not None and len(key) == CLAIM_KEY.size and key.startswith(CLAIM)


def is_body(key: bytes) -> bool:
    """Return whether a record's key is that of a body."""
    return key.startswith((BODY, WHOLE)) and len(key) == BODY_KEY.size


class PartitionLog:
    """One partition's log, first as it is read, then as its owner extends it.

    Args:
        restore: takes a body, in order, to rebuild the state.
        begin_epoch: told the epoch's number when the source topic is another one than before.
        merge: returns one body with the effect of several.
    """

    def __init__(
        self,
        restore: Callable[[bytes], None],
        begin_epoch: Callable[[int], None],
        merge: Callable[[Sequence[bytes]], bytes],
    ) -> None:
        self._restore = restore
        self._begin_epoch = begin_epoch
        self._merge = merge
        self._bodies: list[Body] = []
        self._claim = -1
        self._topic_id: bytes | None = None
        self._sequence = 0
        self._replaced: list[bytes] = []
        self._obsolete: list[bytes] = []
        self.superseded_read: set[bytes] = set()
        """Bodies that were read although later ones hold the state anew; see `ChangelogStore.open`."""
        self.epoch = 0
        self.position = 0
        """The offset that comes next: of the next record to read, or of the owner's next record."""

    def read(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take the log's next record."""
        self.position = offset + 1
        if key is None:
            return
        if is_claim(key):
            self._claim, self._sequence = offset, 0
            self._enter(value or b"")
        elif is_body(key):
            _, claim, _ = BODY_KEY.unpack(key)
            if value is not None and claim == self._claim:
                if key.startswith(WHOLE) and self._bodies and not self._bodies[-1].key.startswith(WHOLE):
                    self.superseded_read.update(body.key for body in self._bodies)
                self._restore(value)
                self._push(Body(key, len(value), value))

    def append(self, bodies: Iterable[bytes], *, prove: bool = False) -> list[Entry]:
        """Return the records to write, in order, for new bodies.

        With `prove` there is at least one, so that `confirm` can tell whether the partition is still owned.
        """
        entries: list[Entry] = [(key, None) for key in self._obsolete]
        self._obsolete = []
        for content in bodies:
            self._sequence += 1
            body = Body(BODY_KEY.pack(BODY, self._claim, self._sequence), len(content), content)
            merged = self._merged(body)
            self._push(merged)
            entries.append((merged.key, merged.content))
        if prove and not entries:
            entries.append((PROOF, b""))
        return entries

    def rewrite(self, bodies: Iterable[bytes]) -> list[Entry]:
        """Return the records to write for the whole state anew; once they are known to be valid, all before them goes.

        What the state has dropped thereby leaves the log too: as long as bodies that hold it stay, it is still there.
        """
        self._replaced += [body.key for body in self._bodies]
        self._bodies = []
        entries: list[Entry] = []
        for content in bodies:
            self._sequence += 1
            body = Body(BODY_KEY.pack(WHOLE, self._claim, self._sequence), len(content), content)
            self._push(body)
            entries.append((body.key, content))
        return entries

    @property
    def superseded(self) -> bool:
        """Return whether bodies wait for the next `append` to remove them."""
        return bool(self._obsolete)

    @property
    def keys(self) -> list[bytes]:
        """Return the keys of the bodies that make up the state."""
        return [body.key for body in self._bodies]

    def confirm(self, offsets: Sequence[int]) -> bool:
        """Take the offsets that the records of `append` got; return whether nobody else wrote before or between.

        If somebody did, ask `survives` with what they wrote.
        """
        unbroken = all(offset == expected for expected, offset in enumerate(offsets, self.position))
        if unbroken:
            self._settle(offsets)
        return unbroken

    def survives(self, others: Iterable[bytes | None], offsets: Sequence[int]) -> bool:
        """Return whether the partition is still owned, given the keys of all records from `position` to the last own.

        An earlier owner's stray bodies do no harm; another worker's claim ends the ownership.
        """
        if any(is_claim(key) for key in others):
            return False
        self._settle(offsets)
        return True

    def _settle(self, offsets: Sequence[int]) -> None:
        self.position = max(self.position, *(offset + 1 for offset in offsets)) if offsets else self.position
        self._obsolete += self._replaced
        self._replaced = []

    def _enter(self, topic_id: bytes) -> None:
        if self._topic_id not in (None, topic_id):
            self.epoch += 1
            self._begin_epoch(self.epoch)
        self._topic_id = topic_id

    def _push(self, body: Body) -> None:
        if _level(body.size) == len(SIZES):
            body = Body(body.key, body.size, None)
        self._bodies.append(body)

    def _merged(self, newest: Body) -> Body:
        """Return the body to write: the newest alone, or with the short ones before it where those are many.

        Only bodies at the end of the log may be merged: the result is read last, and must hold the last changes.
        """
        for level in reversed(range(len(SIZES))):
            tail = self._tail(level) if _level(newest.size) <= level else []
            if sum(_level(body.size) == level for body in (*tail, newest)) < FAN_IN:
                continue
            del self._bodies[-len(tail) :]
            if newest.size + sum(body.size for body in tail) > MERGED_BYTES:
                self._bodies += [Body(body.key, body.size, None) for body in tail]
                break
            self._replaced += [body.key for body in tail]
            contents = [content for body in (*tail, newest) if (content := body.content) is not None]
            content = self._merge(contents)
            return Body(newest.key, len(content), content)
        return newest

    def _tail(self, level: int) -> list[Body]:
        """Return the bodies at the end of the log that are of this level or a lower one."""
        tail: list[Body] = []
        for body in reversed(self._bodies):
            if body.content is None or _level(body.size) > level:
                break
            tail.append(body)
        return tail[::-1]


def _level(size: int) -> int:
    """Return how often a body of this size has grown by merging, about."""
    return bisect_right(SIZES, size)
