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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.errors import InvalidRecord, Poison
from stream_processors.counting.changes import CAME, TOLD, WENT, Changes
from stream_processors.counting.columns import DAY_BITS
from stream_processors.counting.event_clock import EventClock
from stream_processors.counting.runs import Group, GroupColumns, Head, decode_run, encode_columns, encode_runs
from stream_processors.counting.wire import CountColumns
from stream_processors.identity import COMMENT, KIND_MASK, SUBMISSION
from stream_processors.stage import REWRITE_MS, asks_to_forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cinepulse.closing import ClosingRule
    from stream_processors.counting.avro_rows import Numbers
    from stream_processors.counting.changes import Grouped
    from stream_processors.counting.columns import Columns
    from stream_processors.counting.wire import CountRecords

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


class KeyReader(Protocol):
    """Reads keys of `movie.mentions`."""

    def read(self, key: bytes) -> tuple[int, int, int]:
        """Return a key's film, packed post and creation in milliseconds; raises Poison."""
        ...

    def read_all(self, keys: Sequence[bytes]) -> Columns:
        """Return the mentions of some keys, as far as they have the usual form."""
        ...


class ValueReader(Protocol):
    """Looks over values of `movie.mentions`."""

    def check(self, value: bytes) -> None:
        """Raise Poison for a value that is no mention."""
        ...

    def are_whole(self, values: Sequence[bytes]) -> Numbers:
        """Return which values are mentions of the usual form."""
        ...


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
        keys: reads the records' keys.
        source_of: returns the partition of the source that a key's post lay in.
        values: looks over the records' values.
        records: writes the counts.
        rule: when a day is closed.
        partitions: partitions of the source.
        reject: takes a record that is poison, and why.
    """

    def __init__(  # noqa: PLR0913 - what a fold needs to know of the contract
        self,
        keys: KeyReader,
        source_of: Callable[[bytes], int],
        values: ValueReader,
        records: CountRecords,
        *,
        rule: ClosingRule,
        partitions: int,
        reject: Callable[[Record, Poison], None],
    ) -> None:
        self._keys = keys
        self._source_of = source_of
        self._values = values
        self._records = records
        self._rule = rule
        self._partitions = partitions
        self._reject = reject
        self.epoch = 0
        self._clear()

    def _clear(self) -> None:
        self._slots: dict[int, int] = {}
        self._films = array("q")
        self._days = array("q")
        self._revisions = array("q")
        self._mentions = array("q")
        self._submissions = array("q")
        self._comments = array("q")
        self._members: set[int] = set()
        self._open_slots: dict[int, list[int]] = {}
        self._changes = Changes()
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
        return 0 if slot is None else self._mentions[slot] + self._changes.net(slot)

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
                if self._remove(slot, post):
                    self._shift(slot, post & KIND_MASK, -1)
            self._stale = self._stale or bool(group.removed)
            for post in group.added:
                if self._add(slot, post):
                    self._shift(slot, post & KIND_MASK, 1)
            self._revisions[slot] = max(self._revisions[slot], group.revision)
        self.clock.restore(head.furthest, head.clocks, head.closings)
        self._legacy = max(self._legacy, head.legacy)
        self._told_day = max(self._told_day, head.told_day)

    def restored(self) -> None:
        """Say that the changelog ends here: days that are closed but that nobody was told of come next."""
        self._kept_closings = len(self.clock.closings)
        # What was told of a film-day before a crash nobody knows, and the record that would say it anew may have been
        # compacted away for a later one of its key: then that one, though it changes nothing, has it told.
        self._doubtful = bytearray(b"\1") * len(self._films)
        self.clock.catch_up(max(self._revisions, default=0), self._legacy)
        self._follow()
        for day in [day for day in self._open_slots if day < self._told_day]:
            del self._open_slots[day]

    def fold(self, records: Sequence[Record], columns: Columns | None = None) -> Tally:
        """Put records of `movie.mentions` into the sets, in the order of their offsets.

        `columns`: the records' keys, where they have been read.
        """
        tally = Tally()
        base = (self.epoch << EPOCH_BITS) + 1
        columns = self._keys.read_all([record.key or b"" for record in records]) if columns is None else columns
        whole = self._values.are_whole([record.value or b"" for record in records]).tolist()
        slots, members, revisions, changes = self._slots, self._members, self._revisions, self._changes
        slot_changed, post_came, observed = changes.slots.append, changes.posts.append, changes.observed.append
        furthest, concerns, open_from = self._outlook()
        # One turn a record. What nearly all of them need is done here, since a call takes as long as all of it.
        for record, is_whole, film_day, post, created_at in zip(records, whole, *columns, strict=True):
            if film_day < 0 or not is_whole:
                self._reach(furthest)
                self._fold_uncommon(record, base, tally)
                furthest, concerns, open_from = self._outlook()
                continue
            revision, observed_at = base + record.offset, record.timestamp
            if created_at >= concerns or (created_at > furthest and created_at > observed_at + FUTURE_TOLERANCE_MS):
                self._reach(furthest)
                self._advance(record, created_at, revision, tally)
                furthest, concerns, open_from = self._outlook()
            elif created_at > furthest:
                furthest = created_at
            elif created_at < open_from:
                tally.late += 1
            slot = slots.get(film_day)
            if slot is None:
                slot = self._new_slot(film_day)
            member = post << SLOT_BITS | slot
            if revision > revisions[slot] and member not in members:
                members.add(member)
                revisions[slot] = revision
                slot_changed(slot)
                post_came(post)
                observed(observed_at)
            else:
                self._fold_known(slot, revision, observed_at, tally)
        self._reach(furthest)
        if records:
            self._now = max(self._now, records[-1].timestamp)
            self._rewritten_at = self._now if self._rewritten_at is None else self._rewritten_at
        return tally

    def _outlook(self) -> tuple[int, int, int]:
        """Return what each record's event time is compared with."""
        return self.clock.furthest, self.clock.concerns, self._open_from

    def _fold_uncommon(self, record: Record, base: int, tally: Tally) -> None:
        """Fold a retraction, or a record that has to be read by itself and may be poison."""
        try:
            tmdb_id, post, created_at, day = self._decode(record)
        except Poison as poison:
            self._reject(record, poison)
            return
        if record.value is None and asks_to_forget(record):
            self._forgetting = True
        revision = base + record.offset
        if created_at >= self.clock.news_from:
            self._advance(record, created_at, revision, tally)
        elif created_at < self._open_from:
            tally.late += 1
        slot = self._slot(tmdb_id << DAY_BITS | day)
        came = record.value is not None
        if revision > self._revisions[slot] and (self._add(slot, post) if came else self._remove(slot, post)):
            self._revisions[slot] = revision
            self._changes.add(slot, record.timestamp, post, CAME if came else WENT)
        else:
            self._fold_known(slot, revision, record.timestamp, tally)

    def _fold_known(self, slot: int, revision: int, observed_at: int, tally: Tally) -> None:
        """Fold a record that changes nothing; what it led to before a crash is told again."""
        if revision <= self._revisions[slot]:
            self._changes.add(slot, observed_at, kind=TOLD)
            return
        tally.duplicates += 1
        if slot < len(self._doubtful) and self._doubtful[slot]:
            self._doubtful[slot] = 0
            self._changes.add(slot, observed_at, kind=TOLD)

    def _decode(self, record: Record) -> tuple[int, int, int, int]:
        tmdb_id, post, created_at = self._keys.read(record.key or b"")
        day = created_at // MILLISECONDS_PER_DAY
        if day not in DAYS:
            raise InvalidRecord(f"created_at {created_at} is no date", reason="created_at_invalid")
        if record.value is not None:
            self._values.check(record.value)
        return tmdb_id, post, created_at, day

    def take(self) -> Taken | None:
        """Return what changed since the last call, None when nothing did; the sets go on from here."""
        newly_closed = self._open_day > self._told_day
        if not (self._changes or newly_closed or self._moved or self._forgetting):
            return None
        changes, self._changes, self._moved = self._changes.grouped(), Changes(), False
        self._settle_counts(changes)
        bodies = encode_columns(self._head(self._kept_closings), self._groups(changes))
        counts = self._counts(changes.slots, changes.oldest, changes.newest)
        if newly_closed:
            counts += self._closed_counts(set(changes.slots.tolist()))
        self._stale = self._stale or bool(changes.went.any())
        whole = self._whole() if self._is_rewrite_due() else None
        return Taken(bodies, counts, self._open_day, len(self.clock.closings), whole)

    def _groups(self, changes: Grouped) -> GroupColumns:
        moved = changes.moved
        slots = changes.slots[moved]
        return GroupColumns(
            _at(self._films, slots),
            _at(self._days, slots),
            _at(self._revisions, slots),
            changes.went[moved],
            changes.came[moved],
            changes.posts,
        )

    def _closed_counts(self, changed: set[int]) -> list[tuple[int, bytes, bytes]]:
        """Return the counts of the days that have closed, but for the film-days that have changed as well."""
        counts: list[tuple[int, bytes, bytes]] = []
        for day in sorted(day for day in self._open_slots if day < self._open_day):
            slots = [slot for slot in self._open_slots.pop(day) if slot not in changed and self._revisions[slot]]
            observed = np.full(len(slots), self.clock.closing_of(day).observed_at)
            counts += self._counts(np.array(slots, np.int64), observed, observed)
        return counts

    def _settle_counts(self, changes: Grouped) -> None:
        """Let the counts follow what came and went."""
        rows = changes.went + changes.came
        slots, kinds = np.repeat(changes.slots, rows), changes.posts & KIND_MASK
        # Of each film-day those that went are first.
        place = np.arange(len(slots)) - np.repeat(np.cumsum(rows) - rows, rows)
        by = np.where(place < np.repeat(changes.went, rows), -1, 1)
        np.add.at(np.asarray(self._mentions), slots, by)
        for numbers, kind in ((self._submissions, SUBMISSION), (self._comments, COMMENT)):
            of_kind = kinds == kind
            np.add.at(np.asarray(numbers), slots[of_kind], by[of_kind])

    def _counts(self, slots: Numbers, oldest: Numbers, newest: Numbers) -> list[tuple[int, bytes, bytes]]:
        """Return the film, key and value of some film-days' counts."""
        films, days, revisions = (_at(column, slots) for column in (self._films, self._days, self._revisions))
        final = days < self._open_day
        closed = np.zeros(len(slots), np.int64)
        for day in np.unique(days[final]).tolist():
            closed[days == day] = self.clock.closing_of(day).revision
        counts = CountColumns(
            mentions=_at(self._mentions, slots),
            submissions=_at(self._submissions, slots),
            comments=_at(self._comments, slots),
            revisions=np.maximum(revisions, closed),
            final=final.astype(np.int64),
            oldest=oldest,
            newest=newest,
            closed=closed,
        )
        keys, values = self._records.keys(films, days), self._records.values(counts, self.clock.furthest)
        return list(zip(films.tolist(), keys, values, strict=True))

    def _head(self, closings_from: int) -> Head:
        clock = self.clock
        closings = tuple(clock.closings[closings_from:])
        return Head(clock.furthest, self._told_day, tuple(clock.clocks), closings, self._legacy)

    def _is_rewrite_due(self) -> bool:
        return self._forgetting or (self._stale and self._now - (self._rewritten_at or 0) >= REWRITE_MS)

    def _whole(self) -> list[bytes]:
        """Return bodies that hold the sets as they are, and of posts that were removed nothing."""
        self._stale, self._forgetting, self._rewritten_at = False, False, self._now
        posts = {slot: array("Q") for slot in range(len(self._films))}
        for member in self._members:
            posts[member & SLOT_MASK].append(member >> SLOT_BITS)
        film_days = zip(self._films, self._days, self._revisions, posts.values(), strict=True)
        return encode_runs(self._head(0), [Group(*film_day, ()) for film_day in film_days])

    def settled(self, taken: Taken) -> None:
        """Say that what `take` returned is delivered."""
        self._told_day, self._kept_closings = taken.told_day, taken.closings

    def _advance(self, record: Record, created_at: int, revision: int, tally: Tally) -> None:
        """Move the clock; a post dated after its observation moves it to the observation and no further."""
        event_time = created_at
        if created_at > record.timestamp + FUTURE_TOLERANCE_MS:
            tally.future += 1
            event_time = record.timestamp
        if event_time >= self.clock.news_from:
            source = self._source_of(record.key or b"") if event_time >= self.clock.concerns else None
            self.clock.see(event_time, source, revision, record.timestamp)
            self._moved = True
            self._follow()

    def _reach(self, furthest: int) -> None:
        """Let the clock follow the common records so far: their event times are below what concerns it."""
        if furthest > self.clock.furthest:
            self.clock.reach(furthest)
            self._moved = True

    def _follow(self) -> None:
        """Keep at hand what each record is compared with."""
        self._open_day = self.clock.open_day
        self._open_from = self._open_day * MILLISECONDS_PER_DAY

    def _slot(self, film_day: int) -> int:
        slot = self._slots.get(film_day)
        return self._new_slot(film_day) if slot is None else slot

    def _new_slot(self, film_day: int) -> int:
        slot = self._slots[film_day] = len(self._films)
        day = film_day & DAY_MASK
        self._films.append(film_day >> DAY_BITS)
        self._days.append(day)
        for numbers in (self._revisions, self._mentions, self._submissions, self._comments):
            numbers.append(0)
        if day >= self._open_day:
            self._open_slots.setdefault(day, []).append(slot)
        return slot

    def _add(self, slot: int, post: int) -> bool:
        member = post << SLOT_BITS | slot
        if member in self._members:
            return False
        self._members.add(member)
        return True

    def _remove(self, slot: int, post: int) -> bool:
        member = post << SLOT_BITS | slot
        if member not in self._members:
            return False
        self._members.remove(member)
        return True

    def _shift(self, slot: int, kind: int, by: int) -> None:
        self._mentions[slot] += by
        if kind == SUBMISSION:
            self._submissions[slot] += by
        elif kind == COMMENT:
            self._comments[slot] += by


def _at(column: array[int], slots: Numbers) -> Numbers:
    """Return the numbers of some slots, copied: a column that is looked at cannot grow."""
    return np.asarray(column)[slots]
