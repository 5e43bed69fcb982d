from __future__ import annotations

import functools
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from cinepulse.closing import ClosingRule
from schemas.codec import Codec
from schemas.events import Mention, MentionCount, MentionCountKey, MentionKey
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.counting import CountRecords, CountState, MentionKeys, MentionValues, merge_runs
from stream_processors.identity import pack_fullname
from stream_processors.stage import FORGET_HEADER, REWRITE_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cinepulse.errors import Poison
    from stream_processors.counting import Record

IDS = ManifestIds()
CODEC = Codec(IDS)
TODAY = 20_000
GRACE = 2 * DAY


@dataclass(frozen=True)
class Said:
    """A record of `movie.mentions`: a film, a post, the time into `TODAY` and whether it is a retraction."""

    offset: int
    tmdb_id: int = 7
    post: str = "t1_a"
    at: int = 0
    gone: bool = False
    observed_after: int = 1_000

    @property
    def created_at(self) -> int:
        """When the post was written."""
        return TODAY * DAY + self.at

    @property
    def timestamp(self) -> int:
        """When it was observed."""
        return self.created_at + self.observed_after

    @property
    def key(self) -> bytes:
        """The mention's key on the wire."""
        key = MentionKey(tmdb_id=self.tmdb_id, platform="reddit", post_id=self.post, created_at=self.created_at)
        return CODEC.encode(MOVIE_MENTIONS.key_subject, key)

    @property
    def value(self) -> bytes | None:
        """The mention on the wire, None for a retraction."""
        return None if self.gone else VALUE


VALUE = CODEC.encode(
    MOVIE_MENTIONS.value_subject,
    Mention(
        community="movies",
        kind="comment",
        location="body",
        method="rules",
        confidence=0.9,
        score=1,
        observed_at=TODAY * DAY,
        linker_version="test",
    ),
)

records = st.builds(
    Said,
    offset=st.just(0),
    tmdb_id=st.integers(1, 3),
    post=st.sampled_from(["t1_a", "t1_b", "t3_a", "t3_c", "odd"]),
    at=st.sampled_from([0, DAY - 1, DAY, 5 * DAY, 6 * DAY, -3 * DAY]),
    gone=st.booleans(),
)


def numbered(some: Sequence[Said]) -> list[Said]:
    """Return the records with offsets 0, 1, 2 …."""
    return [replace(record, offset=offset) for offset, record in enumerate(some)]


def new_state(rejected: list[tuple[Record, Poison]] | None = None) -> CountState:
    """Return an empty state; rejected records go into the list."""
    sink = [] if rejected is None else rejected
    keys = MentionKeys(CODEC, IDS)
    return CountState(
        keys,
        functools.partial(keys.source_partition, partitions=1),
        MentionValues(CODEC, IDS),
        CountRecords(IDS),
        rule=ClosingRule(GRACE, 0, 0),
        partitions=1,
        reject=lambda record, poison: sink.append((record, poison)),
    )


def model(some: Sequence[Said]) -> dict[tuple[int, int], int]:
    """Return the exact counts: the sizes of the sets of posts by film and day."""
    sets: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for record in some:
        held = sets[record.tmdb_id, record.created_at // DAY]
        (held.discard if record.gone else held.add)(record.post)
    return {film_day: len(posts) for film_day, posts in sets.items()}


def emitted(state: CountState) -> dict[tuple[int, int], MentionCount]:
    """Take and settle a flush and return its counts by film and day."""
    taken = state.take()
    if taken is None:
        return {}
    state.settled(taken)
    decoded = {}
    for _, key, value in taken.counts:
        film_day: MentionCountKey = CODEC.decode(MOVIE_MENTION_COUNTS.key_subject, key)
        decoded[film_day.tmdb_id, film_day.day] = CODEC.decode(MOVIE_MENTION_COUNTS.value_subject, value)
    return decoded


@given(st.lists(records, max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_counts_are_the_sizes_of_the_sets(some: list[Said], cuts: list[int]) -> None:
    """Duplicates, retractions and any flush times lead to the counts of a plain set, told with rising revisions."""
    state = new_state()
    told: dict[tuple[int, int], MentionCount] = {}
    said = numbered(some)

    for start, end in pairwise([0, *sorted(cuts), len(said)]):
        state.fold(said[start:end])
        for film_day, count in emitted(state).items():
            assert count.revision >= told.get(film_day, count).revision
            told[film_day] = count

    expected = model(said)
    assert {film_day: count.mentions for film_day, count in told.items() if count.mentions} == {
        film_day: size for film_day, size in expected.items() if size
    }


@settings(max_examples=200)
@given(st.lists(records, max_size=30), st.data())
def test_a_crash_at_any_flush_tells_everything_in_the_end(some: list[Said], data: st.DataObject) -> None:
    """A state rebuilt from the changelog, given again what was not committed, tells the counts of an unbroken run.

    The flush before the crash reaches the changelog, and what it leads to may not have been sent.
    """
    said = numbered(some)
    committed = data.draw(st.integers(0, len(said)))
    reached = data.draw(st.integers(committed, len(said)))
    sent = data.draw(st.booleans())
    first = new_state()
    bodies: list[bytes] = []
    told: dict[tuple[int, int], MentionCount] = {}
    for end, tell in ((committed, True), (reached, sent)):
        first.fold(
            [record for record in said[:end] if record.offset >= (0 if tell and end == committed else committed)]
        )
        taken = first.take()
        if taken is None:
            continue
        bodies += taken.bodies
        if tell:
            first.settled(taken)
            told |= decoded_counts(taken.counts)

    second = new_state()
    for body in data.draw(st.sampled_from([bodies, [merge_runs(bodies)] if bodies else []])):
        second.restore(body)
    second.restored()
    second.fold(said[committed:])
    for film_day, count in emitted(second).items():
        if film_day not in told or count.revision >= told[film_day].revision:
            told[film_day] = count

    expected = model(said)
    assert {film_day: count.mentions for film_day, count in told.items() if count.mentions} == {
        film_day: size for film_day, size in expected.items() if size
    }


def decoded_counts(counts: list[tuple[int, bytes, bytes]]) -> dict[tuple[int, int], MentionCount]:
    """Return counts by film and day."""
    return {
        (key.tmdb_id, key.day): CODEC.decode(MOVIE_MENTION_COUNTS.value_subject, value)
        for key, value in (
            (CODEC.decode(MOVIE_MENTION_COUNTS.key_subject, encoded), value) for _, encoded, value in counts
        )
    }


def test_a_duplicate_changes_and_tells_nothing() -> None:
    """A mention that comes again is a duplicate in the metrics and no news."""
    state = new_state()
    state.fold([Said(0)])
    emitted(state)

    tally = state.fold([Said(1), Said(2)])

    assert tally.duplicates == 2
    assert state.take() is None


def test_submissions_and_comments_are_told_apart() -> None:
    """A count says how many of the posts are submissions and how many comments."""
    state = new_state()

    state.fold([Said(0, post="t3_a"), Said(1, post="t1_a"), Said(2, post="t1_b"), Said(3, post="t3_a", gone=True)])

    count = emitted(state)[7, TODAY]
    assert (count.mentions, count.submissions, count.comments) == (2, 0, 2)


def test_the_day_is_half_open() -> None:
    """The last millisecond belongs to the day, midnight to the next."""
    state = new_state()

    state.fold([Said(0, at=DAY - 1), Said(1, at=DAY, post="t1_b")])

    assert {film_day: count.mentions for film_day, count in emitted(state).items()} == {
        (7, TODAY): 1,
        (7, TODAY + 1): 1,
    }


def test_a_count_bounds_the_observations_behind_it() -> None:
    """Freshness is measured from the earliest and latest observation since the count was last told."""
    state = new_state()
    state.fold([Said(0, observed_after=10)])
    emitted(state)

    state.fold([Said(1, post="t1_b", observed_after=500), Said(2, post="t1_c", observed_after=200)])

    count = emitted(state)[7, TODAY]
    assert count.oldest_observed_at == TODAY * DAY + 200
    assert count.newest_observed_at == TODAY * DAY + 500


def test_a_day_is_final_once_the_watermark_passes_its_end_and_grace() -> None:
    """One millisecond before, the day is provisional; then it is told again as final, by a higher revision."""
    state = new_state()
    end = DAY + GRACE
    state.fold([Said(0), Said(1, tmdb_id=8, at=end - 1)])
    before = emitted(state)

    state.fold([Said(2, tmdb_id=8, post="t1_b", at=end)])
    after = emitted(state)

    assert before[7, TODAY].state == "provisional"
    assert after[7, TODAY].state == "final"
    assert after[7, TODAY].mentions == 1
    assert after[7, TODAY].revision > before[7, TODAY].revision


def test_a_late_mention_is_counted_in_a_final_day_by_a_higher_revision() -> None:
    """Late after closing is not dropped: it is a metric, and the final count moves."""
    state = new_state()
    state.fold([Said(0), Said(1, tmdb_id=8, at=DAY + GRACE)])
    closed = emitted(state)[7, TODAY]

    tally = state.fold([Said(2, post="t1_b")])

    late = emitted(state)[7, TODAY]
    assert tally.late == 1
    assert (late.state, late.mentions) == ("final", 2)
    assert late.revision > closed.revision
    assert closed.closed_revision == closed.revision == late.closed_revision


def test_a_closing_that_a_crash_kept_from_being_told_is_told_after_recovery() -> None:
    """The changelog remembers which closings were published, so none is skipped."""
    first = new_state()
    first.fold([Said(0), Said(1, tmdb_id=8, at=DAY + GRACE)])
    taken = first.take()
    assert taken is not None

    second = new_state()
    for body in taken.bodies:
        second.restore(body)
    second.restored()

    assert emitted(second)[7, TODAY].state == "final"
    assert emitted(second) == {}


def test_a_future_stamp_is_counted_and_moves_the_clock_to_its_observation_only() -> None:
    """One wrong clock must not make honest posts late."""
    state = new_state()

    tally = state.fold([Said(0, at=400 * DAY, observed_after=-300 * DAY), Said(1, post="t1_b")])

    counts = emitted(state)
    assert tally.future == 1
    assert counts[7, TODAY + 400].mentions == 1
    assert counts[7, TODAY].watermark == (TODAY + 100) * DAY


@pytest.mark.parametrize("gone", [False, True])
def test_a_count_that_a_crash_kept_from_being_told_is_told_though_its_record_was_compacted(gone: bool) -> None:  # noqa: FBT001 - a parameter
    """The state has the record, nobody was told, and compaction left a later one of the same key alone.

    That one changes nothing in the set. Told must be all the same what the set has, once after each recovery.
    """
    first = new_state()
    first.fold([Said(0), Said(1, post="t1_b")])
    before = first.take()
    first.fold([Said(2, gone=gone, post="t1_c" if not gone else "t1_a")])
    lost = first.take()
    heir = new_state()
    for taken in (before, lost):
        for body in taken.bodies if taken else ():
            heir.restore(body)
    heir.restored()

    heir.fold([Said(9, gone=gone, post="t1_c" if not gone else "t1_a")])
    told = heir.take()
    assert told is not None
    heir.settled(told)
    heir.fold([Said(10, gone=gone, post="t1_c" if not gone else "t1_a")])

    assert [count.mentions for count in decoded_counts(told.counts).values()] == [1 if gone else 3]
    assert heir.take() is None


@dataclass(frozen=True)
class Forgets:
    """A tombstone of `movie.mentions` by which `cinepulse forget` speaks."""

    offset: int
    key: bytes
    value: None = None
    timestamp: int = TODAY * DAY
    headers: tuple[tuple[str, bytes], ...] = ((FORGET_HEADER, b""),)


def test_a_forgotten_post_is_nowhere_in_the_log_that_is_written_anew() -> None:
    """The new bodies alone give the same counts, revisions and closings; of the post there is not a byte."""
    state = new_state()
    state.fold(numbered([Said(0, post="t3_gone"), Said(1, post="t3_kept"), Said(2, tmdb_id=8, post="t3_gone")]))
    state.take()

    state.fold(
        [Forgets(3, Said(0, post="t3_gone").key or b""), Forgets(4, Said(0, tmdb_id=8, post="t3_gone").key or b"")]
    )
    taken = state.take()
    assert taken is not None
    assert taken.whole is not None
    anew = new_state()
    for body in taken.whole:
        anew.restore(body)
    anew.restored()

    ids = pack_fullname(b"t3_gone").to_bytes(8, "little")
    assert ids in b"".join(taken.bodies)
    assert ids not in b"".join(taken.whole)
    assert pack_fullname(b"t3_kept").to_bytes(8, "little") in b"".join(taken.whole)
    assert [anew.count(film, TODAY) for film in (7, 8)] == [state.count(film, TODAY) for film in (7, 8)] == [1, 0]
    anew.fold([Said(0, post="t3_gone")])
    assert anew.count(7, TODAY) == 1, "a record at or below the revision is known, also of a post that is not"


def test_a_log_with_removed_posts_is_written_anew_after_some_hours() -> None:
    """What users delete leaves the log by itself; a log without removals is left alone."""
    state = new_state()
    state.fold([Said(0, post="t3_gone"), Said(1, post="t3_kept")])
    first = state.take()
    state.fold([Said(2, post="t3_gone", gone=True)])
    second = state.take()
    state.fold([Said(3, post="t3_more", observed_after=REWRITE_MS + 2_000)])
    third = state.take()

    wholes = [taken.whole for taken in (first, second, third) if taken is not None]
    assert wholes[:2] == [None, None]
    assert wholes[2] is not None
    assert pack_fullname(b"t3_gone").to_bytes(8, "little") not in b"".join(wholes[2])


def test_a_new_epoch_starts_from_nothing_with_higher_revisions() -> None:
    """A topic created anew starts at offset 0, and its counts supersede those of the old one."""
    state = new_state()
    state.fold([Said(900), Said(901, post="t1_b")])
    old = emitted(state)[7, TODAY]

    state.begin_epoch(1)
    state.fold([Said(0)])

    new = emitted(state)[7, TODAY]
    assert new.mentions == 1
    assert new.revision == (1 << 48) + 1 > old.revision


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (None, VALUE, "corrupt_record"),
        (b"", VALUE, "corrupt_record"),
        (Said(0).key[:-2], VALUE, "corrupt_record"),
        (b"\0\0\0\xff\xff" + Said(0).key[5:], VALUE, "unknown_schema_id"),
        (Said(0).key, VALUE[:-3], "corrupt_record"),
        (Said(0).key, b"", "corrupt_record"),
        (Said(0, at=2**60).key, VALUE, "created_at_invalid"),
        (Said(0, at=-(2**60)).key, VALUE, "created_at_invalid"),
    ],
)
def test_poison_is_rejected_with_its_reason_and_the_rest_counted(
    key: bytes | None, value: bytes | None, reason: str
) -> None:
    """A record that is no mention goes to the dead letters; those behind it are counted."""

    @dataclass(frozen=True)
    class Raw:
        offset: int
        timestamp: int
        key: bytes | None
        value: bytes | None

    rejected: list[tuple[Record, Poison]] = []
    state = new_state(rejected)

    state.fold([Raw(0, 0, key, value), Said(1)])

    assert [poison.reason for _, poison in rejected] == [reason]
    assert state.count(7, TODAY) == 1
