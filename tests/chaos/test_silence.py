"""A world in which nobody takes posts falls silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from producers.reddit.state import RedditState
from tests.chaos.rig import Rig
from tests.chaos.silence import SILENT_AFTER_SECONDS, Silence, kept

if TYPE_CHECKING:
    from pathlib import Path


class World:
    """What a rig tells its world; it answers nothing while it is dead."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.dead = False

    def tell(self, path: str) -> dict[str, Any]:
        self.told.append(path)
        return {} if self.dead else {"paused": False}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The world of every rig."""
    found = World()
    monkeypatch.setattr(Rig, "world", lambda _rig, _method, path, _body=None: found.tell(path))
    return found


def test_a_world_falls_silent_when_no_listing_is_read_further_and_goes_on_when_one_is(
    tmp_path: Path, world: World
) -> None:
    """Else a listing would overflow; a dead world is told again, and what is not known changes nothing."""
    now = 0.0
    silence = Silence(Rig(tmp_path, 1, None), lambda: now)
    states = []

    def look(after: float) -> None:
        nonlocal now
        now += after
        silence.keep()
        states.append(silence.rig.is_silent)

    look(0)
    with RedditState(tmp_path) as state:
        for at_ms in (1_000, 1_000, 2_000):
            state.save_poll("new", (), at_ms, ())
            world.dead = at_ms == 2_000
            look(SILENT_AFTER_SECONDS)
            world.dead = False
            look(1)
    (tmp_path / "producers" / "reddit.sqlite").unlink()
    look(SILENT_AFTER_SECONDS)

    assert states == [False, False, False, True, True, False, False, True]
    assert world.told == ["freeze", "freeze", "start", "start", "freeze"]


def test_posts_are_put_only_where_somebody_takes_them(tmp_path: Path, world: World) -> None:
    """What the rig itself adds is kept back as well, and no longer than the fault lasts."""
    rig = Rig(tmp_path, 1, None)

    with kept(rig):
        rig.is_silent = True
        rig.load()
        put_in_silence = list(world.told)
    rig.load()

    assert (put_in_silence, set(world.told)) == ([], {"faults"})
