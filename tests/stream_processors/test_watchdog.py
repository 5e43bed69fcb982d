from __future__ import annotations

from threading import Event

from cinepulse.clock import ManualClock, SystemClock
from stream_processors.watchdog import Watchdog


def watched(seconds: float, *, turning: bool = True, idle: bool = False, moving: bool = False) -> list[str]:
    """Let time pass in steps of a second, and return the reasons for which the watchdog ended the process."""
    clock, reasons = ManualClock(), list[str]()
    watchdog = Watchdog("count", clock, end=reasons.append, stalled_seconds=60)
    for _ in range(round(seconds)):
        clock.advance(1)
        if turning:
            watchdog.turned(idle=idle)
        if moving:
            watchdog.moved()
        watchdog.check()
    return reasons


def test_a_worker_with_nothing_to_do_may_stand_still() -> None:
    """No lag, no end."""
    assert watched(300, idle=True) == []


def test_a_worker_that_commits_or_recovers_goes_on() -> None:
    """Whatever moves is alive, however long the backlog."""
    assert watched(300, moving=True) == []


def test_a_worker_whose_commits_stand_still_is_ended() -> None:
    """Records wait and nothing is committed: the worker is started again rather than hang silently."""
    assert watched(60) == []
    assert "nothing committed for 60 s" in watched(62)[0]


def test_a_stuck_event_loop_is_ended() -> None:
    """The check does not depend on the loop that it watches."""
    assert "event loop is stuck" in watched(62, turning=False)[0]


def test_a_pause_of_the_whole_process_is_not_a_stall() -> None:
    """A process that was stopped for minutes gets its full time again once it runs."""
    clock, reasons = ManualClock(), list[str]()
    watchdog = Watchdog("count", clock, end=reasons.append, stalled_seconds=60)
    watchdog.check()

    clock.advance(600)
    watchdog.check()

    assert reasons == []


def test_it_checks_by_itself() -> None:
    """Once started it needs nobody."""
    ended = Event()
    watchdog = Watchdog("count", SystemClock(), end=lambda _: ended.set(), stalled_seconds=0)

    watchdog.start()

    assert ended.wait(10)
    watchdog.stop()
