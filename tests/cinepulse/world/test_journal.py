"""A killed world goes on where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cinepulse.clock import ManualClock
from cinepulse.settings import Settings
from cinepulse.world.journal import LEASE_MS, LONGEST_RUN_SECONDS, Journal
from cinepulse.world.server import Parts, WorldOptions, build, source_of
from cinepulse.world.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

BEGAN_MS = 1_800_000_000_000
OPTIONS = WorldOptions(seed=5, paused=True)


def begin(directory: Path, clock: ManualClock, options: WorldOptions = OPTIONS) -> tuple[Parts, Journal]:
    """Start a world's process in a directory."""
    journal, settings = Journal(directory), Settings()
    return build(options, settings, clock, journal.resume(source_of(options, settings), clock.now_ms())), journal


def stamps(parts: Parts) -> dict[str, float]:
    """Return each post's fullname and time."""
    return {post.name: post.data["created_utc"] for post, _ in parts.world.everything()}


def test_served_posts_keep_names_and_times(tmp_path: Path) -> None:
    """After a kill the same posts are there with the same times; the time it was down is left out of the story."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    for _ in range(30):
        clock.advance(1)
        journal.write(first.world.timeline, first.world.served, clock.now_ms())
    clock.advance(1.5)
    before = stamps(first)
    clock.advance(300)

    second, _ = begin(tmp_path, clock)
    at_once = stamps(second)
    clock.advance(10)
    later = stamps(second)

    assert before.items() <= at_once.items()
    assert len(at_once) - len(before) < 20
    fresh = [created for name, created in later.items() if name not in at_once]
    assert fresh
    assert all(clock.now_ms() / 1000 - 11 <= created <= clock.now_ms() / 1000 for created in fresh)


def test_a_world_whose_journal_is_late_waits_for_it(tmp_path: Path) -> None:
    """On a machine so busy that the journal is written too late, nothing is served whose time a kill would change."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    clock.advance(LEASE_MS / 1000 + 30)
    before = stamps(first)
    clock.advance(5)

    second, _ = begin(tmp_path, clock)
    after = stamps(second)
    journal.write(first.world.timeline, first.world.served, clock.now_ms())

    assert before.items() <= after.items()
    assert len(stamps(first)) > len(before)


@pytest.mark.parametrize("frozen", [False, True], ids=["first start", "after a freeze"])
def test_a_start_that_the_journal_never_saw_gave_nothing_away(tmp_path: Path, *, frozen: bool) -> None:
    """Killed right behind a start, the world starts again later; what it had served by then keeps its time."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    journal.hold(first.world.timeline, clock.now_ms())
    if frozen:
        first.world.start()
        journal.write(first.world.timeline, first.world.served, clock.now_ms())
        clock.advance(1)
        first.world.freeze()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    clock.advance(1)
    first.world.start()
    clock.advance(0.9)
    before = stamps(first)
    clock.advance(6)

    second, _ = begin(tmp_path, clock)
    second.world.start()
    clock.advance(5)

    assert before.items() <= stamps(second).items()


def test_a_pause_puts_off_the_post_that_was_next(tmp_path: Path) -> None:
    """A freeze lies before the next post, whose time is the same to the world that served it and to a later one."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    for _ in range(5):
        clock.advance(1)
        stamps(first)
    first.world.freeze()
    clock.advance(60)
    first.world.start()
    for _ in range(5):
        clock.advance(1)
        journal.write(first.world.timeline, first.world.served, clock.now_ms())
    shown = {post.name: post.data["created_utc"] for post in first.world.newest(1_000)}
    clock.advance(30)

    second, _ = begin(tmp_path, clock)

    assert shown
    assert shown.items() <= stamps(second).items()


def test_a_quick_restart_loses_no_time(tmp_path: Path) -> None:
    """Within the lease the time line simply goes on."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    clock.advance(LEASE_MS / 1000)

    second, _ = begin(tmp_path, clock)

    assert second.world.timeline.pauses == []
    assert stamps(second) == stamps(first)


def test_a_frozen_world_stays_frozen(tmp_path: Path) -> None:
    """Freezing outlives the process."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    clock.advance(20)
    first.world.freeze()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    clock.advance(100)

    second, _ = begin(tmp_path, clock)

    assert stamps(second) == stamps(first)
    assert second.world.state()["frozen"]


def test_a_frozen_world_goes_on_when_started(tmp_path: Path) -> None:
    """A start after a freeze, also in another process, lets the story go on where it stopped."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    clock.advance(20)
    first.world.freeze()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    before = stamps(first)
    clock.advance(1000)

    second, journal = begin(tmp_path, clock)
    second.world.start()
    at_once = stamps(second)
    clock.advance(10)
    journal.write(second.world.timeline, second.world.served, clock.now_ms())
    later = stamps(second)
    third, _ = begin(tmp_path, clock)

    assert at_once == before
    assert min(created for name, created in later.items() if name not in before) >= BEGAN_MS / 1000 + 1020
    assert stamps(third) == later


def test_the_communities_a_world_tells_are_its_own() -> None:
    """A world whose own list comes back as the setting is the same world; other communities make another."""
    settings = Settings()
    told = Settings(subreddits=tuple(build(OPTIONS, settings).world.state()["subreddits"]))
    other = Settings(subreddits=("movies",))

    assert len(told.subreddits) > len(settings.subreddits)
    assert source_of(OPTIONS, told) == source_of(OPTIONS, settings) != source_of(OPTIONS, other)
    worlds = [build(OPTIONS, each, ManualClock(BEGAN_MS)) for each in (settings, told)]
    texts = [[post.data for post, _ in parts.world.everything()] for parts in worlds]
    assert texts[0] == texts[1]


def test_a_replay_goes_on_after_what_was_served(tmp_path: Path) -> None:
    """A recording is not replayed from its start."""
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(f'{{"id":"{n}","subreddit":"movies","created_utc":{n}}}\n' for n in range(100)))
    options = WorldOptions(posts=path, paused=True)
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock, options)
    first.world.start()
    clock.advance(40)
    first.world.now()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    clock.advance(1000)

    second, _ = begin(tmp_path, clock, options)
    served = second.world.served
    clock.advance(10)

    assert served == first.world.served == 41
    assert second.world.state()["posts_served"] == pytest.approx(53, abs=2)


def test_another_source_is_another_run(tmp_path: Path) -> None:
    """Another seed, and a run too long to tell again, begin anew with ids of their own."""
    clock = ManualClock(BEGAN_MS)
    first, journal = begin(tmp_path, clock)
    first.world.start()
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    names = stamps(first).keys()
    other, _ = begin(tmp_path, clock, WorldOptions(seed=6, paused=True))
    clock.advance(LONGEST_RUN_SECONDS + 1)
    journal.write(first.world.timeline, first.world.served, clock.now_ms())
    anew, _ = begin(tmp_path, clock)

    assert not other.world.timeline.started
    assert not stamps(anew).keys() & names


def test_an_unreadable_journal_begins_anew(tmp_path: Path) -> None:
    """A damaged file never stops the world."""
    (tmp_path / "run.json").write_text('{"source": 1, "other"')

    run = Journal(tmp_path).resume("seed=1", BEGAN_MS)

    assert (run.number, run.started_ms) == (0, None)


def test_positions_and_wall_times_agree() -> None:
    """Outside pauses the two mappings are each other's inverse; during one no time passes."""
    line = Timeline(BEGAN_MS, BEGAN_MS + 10_000, None, [(5.0, 60_000.0)])

    for at in (0.5, 4.5, 5.5, 100.0):
        assert line.position(line.wall_seconds(at) * 1000) == pytest.approx(at)
    assert line.position(BEGAN_MS + 10_000 + 5_000) == 5.0
    assert line.wall_seconds(-100) == BEGAN_MS / 1000 - 100
