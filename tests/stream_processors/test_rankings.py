"""Joiners, leavers and milestones, worked by hand and held to their balance."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY, ManualClock
from schemas.codec import Codec
from schemas.events import Alert, AlertKey, Ranking
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_DEAD_LETTERS, TMDB_RANKINGS, TREND_ALERTS
from stream_processors.dead_letters import DeadLetters
from stream_processors.rank_stage import RankPartition, RankStage
from stream_processors.rankings import JOINED, LEFT, MILESTONE, OLDEST_MS, changes, milestone

if TYPE_CHECKING:
    from collections.abc import Sequence

CODEC: Final = Codec(ManifestIds())
HOUR: Final = 3_600_000
DAY: Final = 20_000 * MILLISECONDS_PER_DAY
FILMS: Final = st.lists(st.integers(1, 30), min_size=1, max_size=20, unique=True)


class Said(NamedTuple):
    """A record of `tmdb.rankings`."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def ranking(at: int, *films: int) -> Ranking:
    """Return a ranking, so many hours after the first day's begin."""
    return Ranking(observed_at=DAY + at * HOUR, tmdb_ids=films)


def told(before: Ranking, after: Ranking) -> list[tuple[str, str, int, int | None, int | None]]:
    """Return kind, detail, film and ranks of what changed."""
    return [
        (key.kind, key.detail, key.tmdb_id, alert.rank_before, alert.rank_after)
        for key, alert in changes("popular", before, after)
    ]


def test_joiners_and_leavers_on_paper() -> None:
    """Of 11, 12, 13 the second leaves and 14 enters at rank 2; 13 stays third and is told nothing of."""
    assert told(ranking(0, 11, 12, 13), ranking(1, 11, 14, 13)) == [
        (JOINED, "popular", 14, None, 2),
        (LEFT, "popular", 12, 2, None),
        (MILESTONE, "popular top 10", 14, None, 2),
    ]


def test_an_alert_names_the_ranking_or_its_day() -> None:
    """A joiner may leave and enter again within a day, so its key has the moment; a milestone's has the day."""
    (joined, _), (reached, alert) = changes("popular", ranking(5, 1), ranking(6, 1, 2))
    assert joined == AlertKey(kind=JOINED, detail="popular", tmdb_id=2, at=DAY + 6 * HOUR)
    assert reached == AlertKey(kind=MILESTONE, detail="popular top 10", tmdb_id=2, at=DAY)
    assert (alert.happened_at, alert.since, alert.state) == (DAY + 6 * HOUR, DAY + 5 * HOUR, "once")


@pytest.mark.parametrize(
    ("before", "after", "reached"),
    [
        (101, 100, 100),
        (100, 99, None),
        (60, 50, 50),
        (101, 9, 10),
        (2, 1, 1),
        (1, 1, None),
        (None, 1, 1),
        (None, 101, None),
        (9, 60, None),
    ],
)
def test_milestones_on_paper(before: int | None, after: int, reached: int | None) -> None:
    """The best rank of 100, 50, 10 and 1 that a film was behind and is not any more."""
    assert milestone(before, after) == reached


def test_a_ranking_of_two_days_ago_is_the_oldest_to_compare_with() -> None:
    """Exactly 48 hours are compared, a millisecond more is not: who came and went in between is unknown."""
    before = Ranking(observed_at=DAY, tmdb_ids=(1,))
    assert told(before, Ranking(observed_at=DAY + OLDEST_MS, tmdb_ids=(2,)))
    assert not told(before, Ranking(observed_at=DAY + OLDEST_MS + 1, tmdb_ids=(2,)))
    assert not told(before, Ranking(observed_at=DAY, tmdb_ids=(2,)))


@given(st.lists(FILMS, min_size=2, max_size=8))
def test_sizes_balance(lists: list[list[int]]) -> None:
    """size(t) = size(t-1) + joiners - leavers, for every two rankings; nobody joins and leaves at once."""
    for before, after in pairwise(lists):
        found = told(ranking(0, *before), ranking(1, *after))
        joined = {film for kind, _, film, _, _ in found if kind == JOINED}
        left = {film for kind, _, film, _, _ in found if kind == LEFT}
        assert len(after) == len(before) + len(joined) - len(left)
        assert not joined & left
        assert len(found) == len(joined) + len(left) + sum(kind == MILESTONE for kind, *_ in found)


def stage() -> RankStage:
    """Return the stage."""
    letters = DeadLetters("ranks", TMDB_RANKINGS.name, CODEC, ManualClock(), partitions=4, max_share=1.0)
    return RankStage(CODEC, letters, partitions=4)


def records(rankings: Sequence[Ranking], listing: str = "popular") -> list[Said]:
    """Return rankings as records."""
    key = CODEC.encode(TMDB_RANKINGS.key_subject, listing)
    return [
        Said(offset, one.observed_at, key, CODEC.encode(TMDB_RANKINGS.value_subject, one))
        for offset, one in enumerate(rankings)
    ]


def taken(state: RankPartition) -> tuple[list[bytes], list[tuple[AlertKey, Alert]]]:
    """Return the bodies and alerts of a flush."""
    flush = state.take()
    assert flush is not None
    return list(flush.bodies), [
        (
            CODEC.decode(TREND_ALERTS.key_subject, record.key),
            CODEC.decode(TREND_ALERTS.value_subject, record.value or b""),
        )
        for record in flush.outgoing
        if record.topic == TREND_ALERTS.name
    ]


def test_the_first_ranking_is_told_nothing_of() -> None:
    """There is nothing to compare it with: not all of its films have joined."""
    state = stage().open(0)
    state.fold(records([ranking(0, 1, 2, 3)]))
    assert taken(state)[1] == []


def test_one_joiner_an_entrance_and_a_leaver_once() -> None:
    """In, out and in again over five polls: two joiners, one leaver, and one milestone for the day."""
    state = stage().open(0)
    state.fold(records([ranking(hour, *films) for hour, films in enumerate([(1,), (1, 2), (1, 2), (1,), (1, 2)])]))
    kinds = [key.kind for key, _ in taken(state)[1]]
    assert kinds == [JOINED, MILESTONE, LEFT, JOINED]


def test_a_record_folded_again_changes_nothing() -> None:
    """After a crash the records come again to a state that has them; what was not delivered is sent again."""
    log = records([ranking(0, 1), ranking(1, 1, 2)])
    state = stage().open(0)
    state.fold(log)
    bodies, first = taken(state)
    other = stage().open(0)
    for body in bodies:
        other.restore(body)
    other.restored()
    other.fold(log)
    assert taken(other)[1] == first
    assert other.take() is None


def test_an_older_ranking_that_comes_late_is_left_out() -> None:
    """Rankings are compared in the order of their observation."""
    state = stage().open(0)
    state.fold(records([ranking(0, 1), ranking(5, 1), ranking(3, 1, 2), ranking(6, 1)]))
    assert taken(state)[1] == []


def test_lists_are_compared_each_with_itself() -> None:
    """Two lists in one partition do not mix."""
    state = stage().open(0)
    other = [one._replace(offset=one.offset + 1) for one in records([ranking(1, 7, 8)], "top_rated")]
    state.fold([*records([ranking(0, 1, 2)]), *other])
    assert taken(state)[1] == []


def test_records_that_are_no_rankings_become_dead_letters() -> None:
    """An empty list is no ranking from which all have left."""
    good = records([ranking(0, 1, 2), ranking(1, 1, 3)])
    empty = records([ranking(2)])[0]._replace(offset=2)
    wrong = [empty, Said(3, DAY, good[0].key, None), Said(4, DAY, None, good[0].value), Said(5, DAY, b"x", b"y")]
    state = stage().open(0)
    state.fold([*good, *wrong])
    flush = state.take()
    assert flush is not None
    assert sum(record.topic == PIPELINE_DEAD_LETTERS.name for record in flush.outgoing) == len(wrong)
    assert state.latest["popular"].tmdb_ids == (1, 3)
