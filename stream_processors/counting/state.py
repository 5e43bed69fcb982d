"""One partition's sets of mentions and what is to be told about them: a pure fold, no input or output.

The count of a film-day is the size of a set (rule 3 of the architecture), so a record that comes again changes nothing
and a retraction takes out exactly what was put in. Each film-day knows the revision of its last change; a record at or
below it has been folded in already, before a crash, and only asks that the count be told again.

A day that is closed (`event_clock.py`) is told as final, by the revision that closed it. A later change is counted all
the same and told by its own revision, which is the higher one: final, and revised after closing. No count depends on
whether its day is closed.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.errors import InvalidRecord, Poison
from stream_processors.counting.event_clock import EventClock
from stream_processors.counting.runs import Group, Head, decode_run, encode_runs
from stream_processors.counting.wire import FINAL, PROVISIONAL, varint
from stream_processors.identity import COMMENT, KIND_MASK, SUBMISSION
from stream_processors.stage import REWRITE_MS, asks_to_forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cinepulse.closing import ClosingRule
    from stream_processors.counting.wire import CountRecords

DAY_BITS: Final = 22
DAY_MASK: Final = (1 << DAY_BITS) - 1
DAYS: Final = range(DAY_MASK)
SLOT_BITS: Final = 32
SLOT_MASK: Final = (1 << SLOT_BITS) - 1
EPOCH_BITS: Final = 48

# A post dated this much after its observation has a wrong date, not a slow clock.
FUTURE_TOLERANCE_MS: Final = 10 * 60_000


class Record(Protocol):
    """A Kafka record of `movie.mentions`; its timestamp is the observation that it rests on, milliseconds."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Time that its producer gave it."""
        ...

    @property
    def key(self) -> bytes | None:
        """Key as it came."""
        ...

    @property
    def value(self) -> bytes | None:
        """Value as it came."""
        ...


@dataclass(slots=True)
class Change:
    """What a film-day saw since the last flush: earliest and latest observation, posts that came (True) or went.

    `moved`: its revision rose, though what came may have gone again.
    """

    oldest: int
    newest: int
    moved: bool = False
    posts: dict[int, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What a fold met, for the metrics."""

    duplicates: int = 0
    late: int = 0
    future: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What a flush has to deliver: bodies for the changelog, then keys and values of `movie.mention_counts`."""

    bodies: list[bytes]
    counts: list[tuple[int, bytes, bytes]]
    """Film (for its partition), key and value."""
    told_day: int
    closings: int
    whole: list[bytes] | None = None
    """The whole state as bodies, where the log is to be written anew."""


class CountState:
    """The sets of one partition of `movie.mentions`.

    Memory is what limits a worker, so a mention is one integer in one set: the packed post and the slot of its
    film-day, whose numbers lie in arrays.

    Args:
        read_key: returns a key's film, packed post and creation; raises Poison.
        source_of: returns the partition of the source that a key's post lay in.
        check_value: raises Poison for a value that is no mention.
        records: writes the counts.
        rule: when a day is closed.
        partitions: partitions of the source.
        reject: takes a record that is poison, and why.
    """

    def __init__(  # noqa: PLR0913 - what a fold needs to know of the contract
        self,
        read_key: Callable[[bytes], tuple[int, int, int]],
        source_of: Callable[[bytes], int],
        check_value: Callable[[bytes], None],
        records: CountRecords,
        *,
        rule: ClosingRule,
        partitions: int,
        reject: Callable[[Record, Poison], None],
    ) -> None:
        self._read_key = read_key
        self._source_of = source_of
        self._check_value = check_value
        self._records = records
        self._rule = rule
        self._partitions = partitions
        self._reject = reject
        self.epoch = 0
        self._clear()

    def _clear(self) -> None:
        self._slots: dict[int, int] = {}
        self._film_days: list[int] = []
        self._revisions = array("q")
        self._mentions = array("q")
        self._submissions = array("q")
        self._comments = array("q")
        self._members: set[int] = set()
        self._open_slots: dict[int, list[int]] = {}
        self._changes: dict[int, Change] = {}
        self.clock = EventClock(self._rule, self._partitions)
        self._legacy = 0
        self._told_day = 0
        self._kept_closings = 0
        self._moved = False
        self._follow()
        self._doubtful = bytearray()
        self._stale = False
        self._forgetting = False
        self._now = 0
        self._rewritten_at: int | None = None

    def __len__(self) -> int:
        return len(self._members)

    def count(self, tmdb_id: int, day: int) -> int:
        """Return how many distinct posts mention a film on a day."""
        slot = self._slots.get(tmdb_id << DAY_BITS | day)
        return 0 if slot is None else self._mentions[slot]

    def begin_epoch(self, epoch: int) -> None:
        """Forget everything: the topic was created anew, and its offsets start again at 0."""
        self.epoch = epoch
        self._clear()

    def restore(self, body: bytes) -> None:
        """Apply one body of the changelog."""
        head, groups = decode_run(body)
        for group in groups:
            slot = self._slot(group.tmdb_id << DAY_BITS | group.day)
            for post in group.removed:
                self._remove(slot, post)
            self._stale = self._stale or bool(group.removed)
            for post in group.added:
                self._add(slot, post)
            self._revisions[slot] = max(self._revisions[slot], group.revision)
        self.clock.restore(head.furthest, head.clocks, head.closings)
        self._legacy = max(self._legacy, head.legacy)
        self._told_day = max(self._told_day, head.told_day)

    def restored(self) -> None:
        """Say that the changelog ends here: days that are closed but that nobody was told of come next."""
        self._kept_closings = len(self.clock.closings)
        # What was told of a film-day before a crash nobody knows, and the record that would say it anew may have been
        # compacted away for a later one of its key: then that one, though it changes nothing, has it told.
        self._doubtful = bytearray(b"\1") * len(self._film_days)
        self.clock.catch_up(max(self._revisions, default=0), self._legacy)
        self._follow()
        for day in [day for day in self._open_slots if day < self._told_day]:
            del self._open_slots[day]

    def fold(self, records: Sequence[Record]) -> Tally:
        """Put records of `movie.mentions` into the sets, in the order of their offsets."""
        tally = Tally()
        base = (self.epoch << EPOCH_BITS) + 1
        for record in records:
            try:
                tmdb_id, post, created_at, day = self._decode(record)
            except Poison as poison:
                self._reject(record, poison)
                continue
            if record.value is None and asks_to_forget(record):
                self._forgetting = True
            revision = base + record.offset
            if created_at >= self._news_from:
                self._advance(record, created_at, revision, tally)
            elif created_at < self._open_from:
                tally.late += 1
            slot = self._slot(tmdb_id << DAY_BITS | day)
            if revision > self._revisions[slot]:
                came = record.value is not None
                if self._add(slot, post) if came else self._remove(slot, post):
                    self._revisions[slot] = revision
                    self._note(slot, record.timestamp, post, came=came)
                else:
                    tally.duplicates += 1
                    if slot < len(self._doubtful) and self._doubtful[slot]:
                        self._doubtful[slot] = 0
                        self._change(slot, record.timestamp)
            else:
                self._change(slot, record.timestamp)
        if records:
            self._now = max(self._now, records[-1].timestamp)
            self._rewritten_at = self._now if self._rewritten_at is None else self._rewritten_at
        return tally

    def _decode(self, record: Record) -> tuple[int, int, int, int]:
        tmdb_id, post, created_at = self._read_key(record.key or b"")
        day = created_at // MILLISECONDS_PER_DAY
        if day not in DAYS:
            raise InvalidRecord(f"created_at {created_at} is no date", reason="created_at_invalid")
        if record.value is not None:
            self._check_value(record.value)
        return tmdb_id, post, created_at, day

    def take(self) -> Taken | None:
        """Return what changed since the last call, None when nothing did; the sets go on from here."""
        newly_closed = self._open_day > self._told_day
        if not (self._changes or newly_closed or self._moved or self._forgetting):
            return None
        changes, self._changes, self._moved = self._changes, {}, False
        clock = self.clock
        groups = [self._group(slot, change.posts) for slot, change in changes.items() if change.moved]
        bodies = encode_runs(self._head(self._kept_closings), groups)
        furthest = varint(clock.furthest)
        counts = [self._encode(slot, change.oldest, change.newest, furthest) for slot, change in changes.items()]
        for day in sorted(day for day in self._open_slots if day < self._open_day) if newly_closed else ():
            closed_at = clock.closing_of(day).observed_at
            counts += [
                self._encode(slot, closed_at, closed_at, furthest)
                for slot in self._open_slots.pop(day)
                if slot not in changes and self._revisions[slot]
            ]
        self._stale = self._stale or any(group.removed for group in groups)
        whole = self._whole() if self._is_rewrite_due() else None
        return Taken(bodies, counts, self._open_day, len(clock.closings), whole)

    def _head(self, closings_from: int) -> Head:
        clock = self.clock
        closings = tuple(clock.closings[closings_from:])
        return Head(clock.furthest, self._told_day, tuple(clock.clocks), closings, self._legacy)

    def _is_rewrite_due(self) -> bool:
        return self._forgetting or (self._stale and self._now - (self._rewritten_at or 0) >= REWRITE_MS)

    def _whole(self) -> list[bytes]:
        """Return bodies that hold the sets as they are, and of posts that were removed nothing."""
        self._stale, self._forgetting, self._rewritten_at = False, False, self._now
        posts = {slot: array("Q") for slot in range(len(self._film_days))}
        for member in self._members:
            posts[member & SLOT_MASK].append(member >> SLOT_BITS)
        groups = [Group(*self._film_and_day(slot), self._revisions[slot], some, ()) for slot, some in posts.items()]
        return encode_runs(self._head(0), groups)

    def settled(self, taken: Taken) -> None:
        """Say that what `take` returned is delivered."""
        self._told_day, self._kept_closings = taken.told_day, taken.closings

    def _advance(self, record: Record, created_at: int, revision: int, tally: Tally) -> None:
        """Move the clock; a post dated after its observation moves it to the observation and no further."""
        event_time = created_at
        if created_at > record.timestamp + FUTURE_TOLERANCE_MS:
            tally.future += 1
            event_time = record.timestamp
        if event_time >= self._news_from:
            source = self._source_of(record.key or b"") if event_time >= self.clock.concerns else None
            self.clock.see(event_time, source, revision, record.timestamp)
            self._moved = True
            self._follow()

    def _follow(self) -> None:
        """Keep at hand what each record is compared with."""
        self._open_day = self.clock.open_day
        self._open_from = self._open_day * MILLISECONDS_PER_DAY
        self._news_from = self.clock.news_from

    def _slot(self, film_day: int) -> int:
        slot = self._slots.get(film_day)
        if slot is None:
            slot = self._slots[film_day] = len(self._film_days)
            self._film_days.append(film_day)
            for numbers in (self._revisions, self._mentions, self._submissions, self._comments):
                numbers.append(0)
            day = film_day & DAY_MASK
            if day >= self._open_day:
                self._open_slots.setdefault(day, []).append(slot)
        return slot

    def _add(self, slot: int, post: int) -> bool:
        member = post << SLOT_BITS | slot
        if member in self._members:
            return False
        self._members.add(member)
        self._shift(slot, post & KIND_MASK, 1)
        return True

    def _remove(self, slot: int, post: int) -> bool:
        member = post << SLOT_BITS | slot
        if member not in self._members:
            return False
        self._members.remove(member)
        self._shift(slot, post & KIND_MASK, -1)
        return True

    def _shift(self, slot: int, kind: int, by: int) -> None:
        self._mentions[slot] += by
        if kind == SUBMISSION:
            self._submissions[slot] += by
        elif kind == COMMENT:
            self._comments[slot] += by

    def _change(self, slot: int, observed_at: int) -> Change:
        change = self._changes.get(slot)
        if change is None:
            change = self._changes[slot] = Change(observed_at, observed_at)
        elif observed_at > change.newest:
            change.newest = observed_at
        elif observed_at < change.oldest:
            change.oldest = observed_at
        return change

    def _note(self, slot: int, observed_at: int, post: int, *, came: bool) -> None:
        change = self._change(slot, observed_at)
        change.moved = True
        posts = change.posts
        # What came and went between two flushes, or the other way round, leaves no trace.
        if post in posts:
            del posts[post]
        else:
            posts[post] = came

    def _group(self, slot: int, posts: dict[int, bool]) -> Group:
        added = [post for post, came in posts.items() if came]
        removed = [post for post, came in posts.items() if not came] if len(added) < len(posts) else ()
        return Group(*self._film_and_day(slot), self._revisions[slot], added, removed)

    def _film_and_day(self, slot: int) -> tuple[int, int]:
        film_day = self._film_days[slot]
        return film_day >> DAY_BITS, film_day & DAY_MASK

    def _encode(self, slot: int, oldest: int, newest: int, furthest: bytes) -> tuple[int, bytes, bytes]:
        tmdb_id, day = self._film_and_day(slot)
        final = day < self._open_day
        revision = self._revisions[slot]
        closed = self.clock.closing_of(day).revision if final else 0
        value = self._records.value(
            mentions=self._mentions[slot],
            submissions=self._submissions[slot],
            comments=self._comments[slot],
            revision=max(revision, closed),
            state=FINAL if final else PROVISIONAL,
            watermark=furthest,
            oldest=oldest,
            newest=newest,
            closed=closed,
        )
        return tmdb_id, self._records.key(tmdb_id, day), value
