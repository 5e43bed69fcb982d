from __future__ import annotations

from itertools import pairwise

import pytest

from cinepulse.local.parts import Part
from cinepulse.local.watch import LONGEST_PAUSE_SECONDS, UNHEALTHY_SECONDS, Action, Sighting, Watch

PART = Part("part", ("command",), 1, "/", start_seconds=10, stop_seconds=2)


def seen(now: float, pid: int = 0, *, answers: bool = False, idle: bool = False, failed: bool = False) -> Sighting:
    """Return a sighting; without a pid the process is gone."""
    return Sighting(now, pid, idle or failed, failed, answers)


@pytest.fixture
def watch() -> Watch:
    """Return a watch that began at second 0."""
    return Watch(PART, 0)


def test_a_part_is_starting_until_it_answers(watch: Watch) -> None:
    """A process alone is not readiness."""
    healths = []
    for sighting in (seen(0, 7), seen(1, 7), seen(2, 7, answers=True)):
        assert watch.see(sighting) is Action.NONE
        healths.append(watch.health)

    assert healths == ["starting", "starting", "healthy"]
    assert watch.restarts == 0


def test_a_missed_answer_is_not_yet_a_reason_to_restart(watch: Watch) -> None:
    """A part that pauses shows as unhealthy and is left alone, and is healthy when it answers again."""
    watch.see(seen(0, 7, answers=True))

    action = watch.see(seen(UNHEALTHY_SECONDS - 1, 7))
    while_away = watch.health
    watch.see(seen(UNHEALTHY_SECONDS, 7, answers=True))

    assert (action, while_away, watch.health) == (Action.NONE, "unhealthy", "healthy")


def test_a_stuck_part_is_asked_to_end_then_killed(watch: Watch) -> None:
    """SIGTERM once the patience is over, SIGKILL once the part's time to stop is over as well."""
    watch.see(seen(0, 7, answers=True))

    actions = [watch.see(seen(now, 7)) for now in (10, 21, 22, 24)]

    assert actions == [Action.NONE, Action.TERMINATE, Action.NONE, Action.KILL]


def test_a_part_that_never_answers_is_restarted_after_its_start_time(watch: Watch) -> None:
    """A start that hangs counts as stuck when the part's own limit is over."""
    actions = [watch.see(seen(now, 7)) for now in (0, 9, 11)]

    assert actions == [Action.NONE, Action.NONE, Action.TERMINATE]


def test_a_new_process_has_its_own_time_to_start(watch: Watch) -> None:
    """A part that was restarted is starting again, and the restart is counted once."""
    watch.see(seen(0, 7, answers=True))

    action = watch.see(seen(100, 8))

    assert (action, watch.health, watch.restarts) == (Action.NONE, "starting", 1)


def test_the_first_process_is_no_restart(watch: Watch) -> None:
    """Going from no process to the first one is the start."""
    watch.see(seen(0))
    watch.see(seen(1, 7))

    assert watch.restarts == 0


def test_a_killed_part_that_supervisord_brings_back_needs_nothing(watch: Watch) -> None:
    """Between two processes the part is down; supervisord starts it, so the stack does not."""
    watch.see(seen(0, 7, answers=True))

    action = watch.see(seen(1))
    down = watch.health
    watch.see(seen(2, 8, answers=True))

    assert (action, down, watch.health, watch.restarts) == (Action.NONE, "down", "healthy", 1)


def test_starts_of_a_part_that_keeps_ending_back_off(watch: Watch) -> None:
    """What supervisord gave up is started again with growing pauses, up to a longest one."""
    starts = [now for now in range(200) if watch.see(seen(now, failed=True)) is Action.START]

    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert gaps[:4] == [1, 2, 4, 8]
    assert gaps[-1] == LONGEST_PAUSE_SECONDS


def test_a_part_that_never_came_up_is_hopeless(watch: Watch) -> None:
    """When supervisord's tries of the first start are used up the start can end with an error."""
    watch.see(seen(0, 7))
    before = watch.hopeless
    watch.see(seen(1, failed=True))

    assert (before, watch.hopeless) == (False, True)


def test_a_part_that_worked_once_is_never_hopeless(watch: Watch) -> None:
    """A part that fails later may come back: its database may."""
    watch.see(seen(0, 7, answers=True))

    watch.see(seen(1, failed=True))

    assert not watch.hopeless
