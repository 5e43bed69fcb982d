from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import ManualClock
from cinepulse.world.catalog import load_films
from cinepulse.world.charts import Charts
from cinepulse.world.happenings import Story, moves, turns
from cinepulse.world.popularity import Popularity
from cinepulse.world.story import ACT_SECONDS, cast_of
from cinepulse.world.timeline import Timeline

if TYPE_CHECKING:
    from cinepulse.world.catalog import Film

FILMS = load_films()
CAST = partial(cast_of, 7, films=tuple(FILMS.by_id.values()))
START_MS = 1_790_000_000_000


def shown(now: float) -> list[tuple[str, str, int]]:
    """Return what had happened by then: what, to whom in the cast, in which second."""
    names: dict[int, str] = {}
    for number in (3, 2, 1):
        cast = CAST(number)
        names |= {cast.burst.tmdb_id: "burst", cast.sleeper.tmdb_id: "sleeper", cast.fading.tmdb_id: "fading"}
    return [(one.what, names[one.film.tmdb_id], round(one.at)) for one in turns(CAST, now)]


def test_talk_turns_where_its_weights_say() -> None:
    """A trailer's talk is at twenty times 0.01 when 0.9 (s - 0.03) / 0.05 = 0.2, so s = 0.0411 of 600 s: 25 s.

    The fading film is at a quarter when 0.5 ^ (s / 0.2) = 1 / 4, so s = 0.4: 240 s. The sleeper is at four times 0.02
    when 0.28 s² = 0.06, so s = 0.463: 278 s.
    """
    assert shown(300.0) == [("burst", "burst", 25), ("fade", "fading", 240), ("sleeper", "sleeper", 278)]
    assert shown(24.0) == []
    assert list(turns(CAST, -5.0)) == []


def test_later_acts_have_no_old_hit() -> None:
    """What fades in the second act is the burst of the first; its own turn is the burst and the sleeper alone."""
    second = [one for one in turns(CAST, 2 * ACT_SECONDS) if one.at >= ACT_SECONDS]

    assert [one.what for one in second] == ["burst", "sleeper"]
    assert CAST(2).fading == CAST(1).burst != CAST(2).burst


@given(st.lists(st.permutations(range(6)), min_size=1, max_size=6), st.integers(1, 6))
def test_joins_and_leaves_balance(orders: list[list[int]], top: int) -> None:
    """Whoever is in the first places at the end was there at first or joined since, and has not left."""
    films: list[Film] = list(FILMS.by_id.values())[:6]
    there = set(orders[0][:top])
    for one in moves([(float(at), [films[place] for place in order]) for at, order in enumerate(orders)], top):
        place = films.index(one.film)
        assert (place in there) == (one.what == "leave")
        there ^= {place}

    assert there == set(orders[-1][:top])


def test_charts_tell_their_past() -> None:
    """The order told of an instant is the one that the list showed then, and its changes are told with the talk's."""
    clock = ManualClock(START_MS)
    timeline = Timeline(START_MS, START_MS)
    charts = Charts(FILMS.by_id, Popularity(7, CAST, timeline.story_position), clock)
    story = Story(CAST, charts, timeline)
    served = []
    for _ in range(60):
        served.append(charts.popular()[:100])
        clock.advance(5)
    told = [films for _, films in charts.history(START_MS / 1_000, clock.now_ms() / 1_000 - 5, 100)]
    happened = story.happenings(clock.now_ms(), 100)

    assert told == served
    assert {one.what for one in happened} == {"burst", "fade", "sleeper", "join", "leave"}
    assert sum(one.what == "join" for one in happened) == sum(one.what == "leave" for one in happened)
    assert all(START_MS <= one.at * 1_000 <= clock.now_ms() for one in happened)
    assert Story(None, charts, Timeline(START_MS)).happenings(clock.now_ms(), 100) == []
