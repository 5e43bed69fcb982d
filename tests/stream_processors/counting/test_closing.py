"""When days close: against a plain model, whatever the order, the silent partitions and the wrong clocks."""

from __future__ import annotations

import functools
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from cinepulse.closing import MILLISECONDS_PER_HOUR as HOUR
from cinepulse.closing import ClosingRule
from cinepulse.settings import Settings
from schemas.codec import Codec
from schemas.events import Mention, MentionCount, MentionKey
from schemas.partitioning import post_partition
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.counting import CountRecords, CountState, MentionKeys, MentionValues, Taken, merge_runs
from stream_processors.counting.runs import GROUP, decode_run
from stream_processors.counting.state import FUTURE_TOLERANCE_MS

IDS = ManifestIds()
CODEC = Codec(IDS)
START = 20_000 * DAY
PARTITIONS = 3
POSTS = [f"t1_{letter}" for letter in "abcdefgh"]
RULE = ClosingRule(grace_ms=2 * DAY, disorder_ms=HOUR, idle_ms=6 * HOUR)
VALUE = CODEC.encode(
    MOVIE_MENTIONS.value_subject,
    Mention(
        community="movies",
        kind="comment",
        location="body",
        method="rules",
        confidence=0.9,
        score=1,
        observed_at=START,
        linker_version="test",
    ),
)

Told = dict[tuple[int, int], MentionCount]


@dataclass(frozen=True)
class Said:
    """A record of `movie.mentions`; `at`: hours since `START`; `ahead`: hours by which it is dated too late."""

    offset: int
    at: float
    tmdb_id: int = 7
    post: str = "t1_a"
    gone: bool = False
    ahead: float = 0.0

    @property
    def created_at(self) -> int:
        """When the post says that it was written."""
        return START + round(self.at * HOUR)

    @property
    def timestamp(self) -> int:
        """When it was observed."""
        return self.created_at - round(self.ahead * HOUR) + 1_000

    @property
    def source(self) -> int:
        """The partition of `reddit.posts` that it came through."""
        return post_partition(self.post, PARTITIONS)

    @property
    def key(self) -> bytes:
        """The mention's key on the wire."""
        key = MentionKey(tmdb_id=self.tmdb_id, platform="reddit", post_id=self.post, created_at=self.created_at)
        return CODEC.encode(MOVIE_MENTIONS.key_subject, key)

    @property
    def value(self) -> bytes | None:
        """The mention on the wire, None for a retraction."""
        return None if self.gone else VALUE


@st.composite
def streams(draw: st.DrawFn) -> list[Said]:
    """Return records whose event time rises, with stragglers, silent partitions, retractions and wrong clocks."""
    silent = draw(st.sets(st.integers(0, PARTITIONS - 1), max_size=PARTITIONS - 1))
    posts = [post for post in POSTS if post_partition(post, PARTITIONS) not in silent]
    now, said = 0.0, []
    for offset in range(draw(st.integers(0, 30))):
        now += draw(st.sampled_from([0, 0.5, 3, 8, 20, 40]))
        behind = draw(st.sampled_from([0, 0, 0, 0.9, 5, 30, 90]))
        ahead = draw(st.sampled_from([0, 0, 0, 0, 0.1, 100, 9_000]))
        said.append(
            Said(
                offset,
                max(0.0, now - behind) + ahead,
                tmdb_id=draw(st.integers(1, 2)),
                post=draw(st.sampled_from(posts)),
                gone=draw(st.integers(0, 5)) == 0,
                ahead=ahead,
            )
        )
        if draw(st.integers(0, 9)) == 0:
            # Delivered twice.
            said[-1:] = [said[-1], replace(said[-1], offset=offset)]
    return [replace(record, offset=offset) for offset, record in enumerate(said)]


rules = st.builds(
    ClosingRule,
    st.sampled_from([0, 2 * DAY]),
    st.sampled_from([0, HOUR]),
    st.sampled_from([0, 6 * HOUR, 400 * DAY]),
)
cuts = st.lists(st.integers(0, 30), max_size=4)


def new_state(rule: ClosingRule = RULE) -> CountState:
    """Return an empty state."""
    keys = MentionKeys(CODEC, IDS)
    return CountState(
        keys,
        functools.partial(keys.source_partition, partitions=PARTITIONS),
        MentionValues(CODEC, IDS),
        CountRecords(IDS),
        rule=rule,
        partitions=PARTITIONS,
        reject=lambda record, poison: pytest.fail(f"{record}: {poison}"),
    )


def told_by(taken: Taken | None) -> Told:
    """Return a flush's counts by film and day."""
    found = {}
    for _, encoded, value in taken.counts if taken else ():
        key = CODEC.decode(MOVIE_MENTION_COUNTS.key_subject, encoded)
        found[key.tmdb_id, key.day] = CODEC.decode(MOVIE_MENTION_COUNTS.value_subject, value)
    return found


def run(state: CountState, said: list[Said], ends: list[int]) -> Told:
    """Fold the records with a flush at each of the ends and at the last, and return what was told in the end."""
    told: Told = {}
    for start, end in pairwise([0, *sorted(min(end, len(said)) for end in ends), len(said)]):
        state.fold(said[start:end])
        taken = state.take()
        told |= told_by(taken)
        if taken:
            state.settled(taken)
    return told


def facts(told: Told) -> dict[tuple[int, int], tuple[int, int, str, int]]:
    """Return what must not depend on when a flush came: count, revision, state and closing."""
    return {
        film_day: (count.mentions, count.revision, count.state, count.closed_revision)
        for film_day, count in told.items()
    }


@dataclass
class Model:
    """The closing of days, said plainly: every clock at every record, no short cut."""

    rule: ClosingRule

    def open_days(self, said: list[Said]) -> list[int]:
        """Return the first open day after each record."""
        clocks, reached, found = [0] * PARTITIONS, 0, []
        for record in said:
            right = record.created_at <= record.timestamp + FUTURE_TOLERANCE_MS
            event_time = record.created_at if right else record.timestamp
            clocks[record.source] = max(clocks[record.source], event_time)
            waited_for = [clock for clock in clocks if clock >= max(clocks) - self.rule.idle_ms]
            timed_out = len(waited_for) < PARTITIONS
            low = min(waited_for)
            watermark = (max(clocks) - self.rule.idle_ms if timed_out else low) - self.rule.disorder_ms
            reached = max(reached, (watermark - self.rule.grace_ms) // DAY)
            found.append(reached)
        return found


@given(streams(), rules)
def test_days_close_as_the_plain_model_closes_them(said: list[Said], rule: ClosingRule) -> None:
    """The least clock of the partitions that are not idle, less the disorder, past the day's end and grace."""
    state, found = new_state(rule), []

    for record in said:
        state.fold([record])
        found.append(state.clock.open_day)

    assert found == Model(rule).open_days(said)


@given(streams(), rules, rules, cuts)
def test_closing_changes_no_count(said: list[Said], one: ClosingRule, other: ClosingRule, ends: list[int]) -> None:
    """Whatever the rule, the counts are the sizes of the sets."""
    sets: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for record in said:
        held = sets[record.tmdb_id, record.created_at // DAY]
        (held.discard if record.gone else held.add)(record.post)
    expected = {film_day: len(posts) for film_day, posts in sets.items() if posts}

    for rule in (one, other):
        told = run(new_state(rule), said, ends)
        assert {film_day: count.mentions for film_day, count in told.items() if count.mentions} == expected


@given(streams(), rules, cuts)
def test_what_is_final_stays_final(said: list[Said], rule: ClosingRule, ends: list[int]) -> None:
    """No later record opens a day again, and no revision falls."""
    state = new_state(rule)
    told: Told = {}
    for start, end in pairwise([0, *sorted(min(end, len(said)) for end in ends), len(said)]):
        state.fold(said[start:end])
        taken = state.take()
        for film_day, count in told_by(taken).items():
            before = told.get(film_day, count)
            assert (before.state, count.state) != ("final", "provisional")
            assert before.closed_revision in {0, count.closed_revision}
            assert count.revision >= before.revision
            told[film_day] = count
        if taken:
            state.settled(taken)


@given(streams(), rules, cuts, cuts)
def test_what_is_told_in_the_end_does_not_depend_on_the_flushes(
    said: list[Said], rule: ClosingRule, ends: list[int], others: list[int]
) -> None:
    """A replay, which flushes elsewhere, ends in the same counts, revisions, states and closings."""
    assert facts(run(new_state(rule), said, ends)) == facts(run(new_state(rule), said, others))


@given(streams(), rules, st.data())
def test_a_crash_changes_nothing_of_it(said: list[Said], rule: ClosingRule, data: st.DataObject) -> None:
    """State that comes back from the changelog closes the same days by the same revisions."""
    committed = data.draw(st.integers(0, len(said)))
    reached = data.draw(st.integers(committed, len(said)))
    first, told, bodies = new_state(rule), Told(), []
    for start, end, sent in ((0, committed, True), (committed, reached, data.draw(st.booleans()))):
        first.fold(said[start:end])
        taken = first.take()
        bodies += taken.bodies if taken else []
        if sent and taken:
            told |= told_by(taken)
            first.settled(taken)

    second = new_state(rule)
    merged = data.draw(st.booleans())
    for body in [merge_runs(bodies)] if bodies and merged else bodies:
        second.restore(body)
    second.restored()
    told |= run(second, said[committed:], [])

    assert facts(told) == facts(run(new_state(rule), said, []))


@given(streams(), rules, cuts)
def test_revised_after_closing_is_what_changed_behind_the_closing_record(
    said: list[Said], rule: ClosingRule, ends: list[int]
) -> None:
    """A final count has a higher revision than its closing exactly when its set changed after that."""
    open_days, sets = Model(rule).open_days(said), defaultdict[tuple[int, int], set[str]](set)
    revised = {}
    for record, open_day in zip(said, open_days, strict=True):
        day = record.created_at // DAY
        held, before = sets[record.tmdb_id, day], len(sets[record.tmdb_id, day])
        (held.discard if record.gone else held.add)(record.post)
        if len(held) != before:
            revised[record.tmdb_id, day] = day < open_day

    told = run(new_state(rule), said, ends)

    assert {film_day: told[film_day].revision > told[film_day].closed_revision > 0 for film_day in revised} == revised


def test_a_partition_that_is_behind_holds_the_day_open_until_it_is_idle() -> None:
    """One partition of posts a while behind: the day waits for it, for the idle time and no longer."""
    by_source = {post_partition(post, PARTITIONS): post for post in POSTS}
    end = 72.0 + 1.0
    state = new_state()
    state.fold([Said(number, 1.0, post=by_source[number]) for number in range(PARTITIONS)])
    ahead = [Said(10 + number, end, tmdb_id=8, post=by_source[number]) for number in range(PARTITIONS - 1)]

    state.fold(ahead)
    assert state.clock.open_day == START // DAY
    state.fold([Said(20, end + 5.9, tmdb_id=8, post=by_source[0])])
    assert state.clock.open_day == START // DAY
    state.fold([Said(21, end + 6.0, tmdb_id=8, post=by_source[0])])
    assert state.clock.open_day == START // DAY + 1


def test_a_changelog_of_the_first_form_keeps_its_days_closed() -> None:
    """A worker that starts on what an earlier version wrote tells final days as final, by the same or a later revision.

    That version knew neither disorder nor idle partitions, so that its days closed hours earlier.
    """
    state = new_state()
    day = START // DAY
    state.fold([Said(0, 1.0), Said(1, 30.0, tmdb_id=8)])
    taken = state.take()
    assert taken is not None
    _, groups = decode_run(taken.bodies[0])
    old = GROUP.pack(0, 0, 0, 0, 0)[:24] + b"".join(
        GROUP.pack(group.tmdb_id, group.day, group.revision, len(group.added), 0) + bytes(memoryview(group.added))  # type: ignore[arg-type]  # an array of posts
        for group in groups
    )
    furthest = START + 72 * HOUR
    old = furthest.to_bytes(8, "little") + old[8:]

    later = new_state()
    later.restore(old)
    later.restored()
    told = told_by(later.take())

    assert later.clock.furthest == furthest
    assert {film_day: (count.state, count.mentions) for film_day, count in told.items()} == {(7, day): ("final", 1)}
    later.fold([Said(2, 2.0, post="t1_b")])
    (late,) = told_by(later.take()).values()
    assert (late.state, late.mentions, late.revision > late.closed_revision) == ("final", 2, True)


def test_the_rule_comes_from_the_settings() -> None:
    """Hours in the settings, milliseconds in the rule."""
    settings = Settings(grace_hours=1, disorder_hours=0.5, idle_hours=2)

    assert ClosingRule.of(settings) == ClosingRule(HOUR, HOUR // 2, 2 * HOUR)
