"""What is told of the story: the right film under the right name, in time."""

from __future__ import annotations

from typing import Any

import pytest

from cinepulse.commands.story import Sightings, Told

BEGAN = 1_790_000_000_000


def happening(what: str, at: float, tmdb_id: int = 7) -> dict[str, Any]:
    """Return something that happened so many seconds after the beginning."""
    return {"what": what, "tmdb_id": tmdb_id, "title": "Nope", "at_ms": BEGAN + round(at * 1_000), "top": None}


def told(what: str, name: str, shown: list[float], *, tmdb_id: int = 7) -> Told:
    """Return what is told of something that happened after 100 seconds, with the film shown at these seconds."""
    sightings = Sightings()
    for at in shown:
        sightings.note(name, tmdb_id, BEGAN + round(at * 1_000))
    (one,) = sightings.of([happening(what, 100)], BEGAN + 200_000)
    return one


@pytest.mark.parametrize(
    ("shown", "seconds", "in_time"),
    [
        pytest.param([104.0, 105.0], 4.0, True, id="soon"),
        pytest.param([110.0], 10.0, True, id="just in time"),
        pytest.param([111.0], 11.0, False, id="late"),
        pytest.param([], None, False, id="never"),
        pytest.param([80.0, 104.0], -20.0, True, id="already rising"),
        pytest.param([20.0, 104.0], 4.0, True, id="an earlier rise is another one"),
    ],
)
def test_delay_is_from_happening_to_showing(shown: list[float], seconds: float | None, in_time: bool) -> None:  # noqa: FBT001 - a column of the table
    """The first time counts at which the film is shown, a minute before its turn at most."""
    one = told("sleeper", "Rising", shown)

    assert (one.seconds, one.in_time) == (seconds, in_time)


def test_another_name_or_film_does_not_count() -> None:
    """A sleeper shown as Fading, or another film shown as Rising, tells nothing."""
    assert told("sleeper", "Fading", [101.0]).seconds is None
    assert told("sleeper", "Rising", [101.0], tmdb_id=8).seconds is None


def test_what_has_just_happened_is_left_out() -> None:
    """Of a happening in the last ten seconds nothing can be said yet."""
    assert Sightings().of([happening("join", 100)], BEGAN + 109_000) == []
    assert len(Sightings().of([happening("join", 100)], BEGAN + 110_000)) == 1
