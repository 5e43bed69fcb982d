"""The world over time, on a clock that the test moves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cinepulse.clock import ManualClock
from cinepulse.world.admin import truth_line
from cinepulse.world.recorded import RecordedFeed
from cinepulse.world.state import PATIENCE_SECONDS, READER_SECONDS, UNREAD_ITEMS, World
from cinepulse.world.timeline import Timeline
from tests.cinepulse.world.test_generator import generator

if TYPE_CHECKING:
    import pytest

BEGAN_MS = 1_800_000_000_000
EVERYWHERE = None


@dataclass
class Scene:
    """A world and the clock it runs on."""

    world: World
    clock: ManualClock


def generated(seed: int = 7) -> Scene:
    """Return a generated world that has not started."""
    clock = ManualClock(BEGAN_MS)
    timeline = Timeline(BEGAN_MS)
    return Scene(World(generator(seed, stamp=timeline.wall_seconds), timeline, clock), clock)


def recorded(count: int) -> Scene:
    """Return a world of records that are all due within a second, waiting for its reader."""
    clock = ManualClock(BEGAN_MS)
    lines = [
        json.dumps({"id": f"{number}", "subreddit": "movies", "created_utc": number}).encode()
        for number in range(count)
    ]
    feed = RecordedFeed(lines, speed=1e9, max_rate=1e9)
    return Scene(World(feed, Timeline(BEGAN_MS), clock, wait_for_reader=True), clock)


def walk(world: World) -> list[str]:
    """Read the whole listing from the top, as a poller does."""
    names: list[str] = []
    page, _ = world.page("t3", EVERYWHERE, limit=100)
    while page.posts:
        names += [post.name for post in page.posts]
        if page.after is None:
            break
        page, _ = world.page("t3", EVERYWHERE, limit=100, after=page.after)
    return names


def test_nothing_new_before_the_start() -> None:
    """A paused world shows its backlog for as long as it waits; the story begins with the start."""
    scene = generated()
    scene.clock.advance(3600)
    paused = scene.world.state()
    scene.world.start()
    scene.clock.advance(10)
    running = scene.world.state()

    assert (paused["posts_served"], paused["paused"]) == (900, True)
    assert running["posts_served"] > 930
    assert not running["paused"]


def test_freezing_stops_posts_and_changes() -> None:
    """After a freeze the world stays as it is, whatever time passes."""
    scene = generated()
    scene.world.start()
    scene.clock.advance(60)
    scene.world.freeze()
    frozen = [truth_line(post, now) for post, now in scene.world.everything()]
    scene.clock.advance(3600)

    assert [truth_line(post, now) for post, now in scene.world.everything()] == frozen
    assert scene.world.state()["frozen"]


def test_deletions_leave_listings_but_not_the_truth() -> None:
    """What is taken away is no longer listed; the truth keeps its text and says what happened."""
    scene = generated()
    scene.world.start()
    scene.clock.advance(120)
    listed = {post.name for kind in ("t1", "t3") for post in scene.world.page(kind, EVERYWHERE, limit=1000)[0].posts}
    states = {post.name: (post.state(now), post.truth(now)) for post, now in scene.world.everything()}
    taken = [name for name, (state, _) in states.items() if state != "live"]

    assert len(taken) > 20
    assert not listed & set(taken)
    assert all(
        truth.get("body") != "[deleted]" and truth.get("selftext") != "[removed]" for _, truth in states.values()
    )


def test_edits_change_the_truth_and_its_films() -> None:
    """An edited post's truth is its new text and the films named there."""
    scene = generated()
    scene.world.start()
    scene.clock.advance(120)

    edited = [(post, now) for post, now in scene.world.everything() if post.truth(now)["edited"]]

    assert edited
    for post, now in edited:
        change = [change for change in post.happened(now) if change.kind == "edited"][-1]
        line = json.loads(truth_line(post, now))
        assert line["body" if post.kind == "t1" else "selftext"] == change.text
        assert line["_films"] == list(change.films)


def test_created_is_the_moment_of_appearance() -> None:
    """A live post is stamped with the second in which it appears, a backlog post with its own past."""
    scene = generated()
    scene.clock.advance(100)
    scene.world.start()
    scene.clock.advance(30)

    lives = [(post, post.data["created_utc"]) for post, _ in scene.world.everything() if post.at >= 0]

    assert lives
    assert all(-0.001 <= BEGAN_MS / 1000 + 100 + post.at - created < 1 for post, created in lives)


def test_a_replay_waits_for_its_reader() -> None:
    """Once somebody polls, no more appear than fit the listing, and all are read in the end."""
    scene = recorded(3_000)
    walk(scene.world)
    scene.world.start()
    read: list[str] = []
    rounds = 0
    while len(read) < scene.world.state()["posts_served"]:
        scene.clock.advance(1)
        known = set(read)
        read += [name for name in reversed(walk(scene.world)) if name not in known]
        rounds += 1

    assert len(read) == 3_000
    assert rounds >= 3_000 // UNREAD_ITEMS


def test_a_reader_that_left_is_not_waited_for() -> None:
    """Without polls for a while the replay goes on alone; nor does a reader with a hole stop it for ever."""
    gone = recorded(3_000)
    walk(gone.world)
    gone.world.start()
    gone.clock.advance(1)
    held = gone.world.state()["posts_served"]
    gone.clock.advance(READER_SECONDS + 1)
    careless = recorded(3_000)
    careless.world.page("t3", EVERYWHERE, limit=25)
    careless.world.start()
    for _ in range(100):
        careless.clock.advance(PATIENCE_SECONDS / 2)
        careless.world.page("t3", EVERYWHERE, limit=25)

    assert held == UNREAD_ITEMS
    assert gone.world.state()["exhausted"]
    assert careless.world.state()["exhausted"]


def test_old_posts_leave_memory_and_can_be_recalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is kept in memory posts are told again: info and the truth still know them."""
    monkeypatch.setattr("cinepulse.world.state.KEPT_POSTS", 1_500)
    scene = generated()
    first = next(scene.world.everything())[0].name
    scene.world.start()
    scene.clock.advance(200)
    served = scene.world.state()["posts_served"]

    assert not scene.world.held(first)
    assert scene.world.recall([first])[first].name == first
    assert sum(1 for _ in scene.world.everything()) == served > 1_500
