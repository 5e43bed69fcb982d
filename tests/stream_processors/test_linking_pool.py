"""Posts linked ahead in other processes: the same mentions, and no process that outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from schemas.events import Movie, RedditPost
from stream_processors import linking_pool
from stream_processors.linking import Catalog
from stream_processors.linking_pool import CHUNK_POSTS, LinkingPool
from stream_processors.mentioning import mention_films
from tests.fixtures.world import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.events import Mention

THRESHOLD = 0.3
TITLES = ("The Grand Budapest Hotel", "Mad Max: Fury Road", "Interstellar")
CATALOG = Catalog.build(
    Movie(tmdb_id=number, title=title, release_date="2014-05-01", vote_count=9_000, observed_at=1, source="details")
    for number, title in enumerate(TITLES, 1)
)
POSTS = [
    RedditPost(
        fullname=f"t3_{number:x}",
        kind="submission",
        subreddit="movies",
        title=f"{number}: i saw {TITLES[number % 4]} and loved it" if number % 4 < len(TITLES) else "\ud83d nothing",
        body="",
        created_at=number,
        observed_at=number,
        score=1,
        state="live",
    )
    for number in range(3 * CHUNK_POSTS + 1)
]
# Started by hand, so that nothing but its own death ends what it started.
PARENT = """
import time
from tests.stream_processors.test_linking_pool import CATALOG, POSTS, THRESHOLD, LinkingPool

if __name__ == "__main__":
    with LinkingPool(THRESHOLD, 2) as pool:
        pool.use(CATALOG)
        pool.prepare(POSTS)
        print(*pool._executor._processes, flush=True)
        time.sleep(600)
"""


def lives(pid: int) -> bool:
    """Return whether a process runs; one that has ended may wait for its new parent to notice."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def pool() -> Iterator[LinkingPool]:
    """Give a pool of two processes."""
    with LinkingPool(THRESHOLD, 2) as made:
        made.use(CATALOG)
        yield made


def test_mentions_are_those_of_the_linker(monkeypatch: pytest.MonkeyPatch, pool: LinkingPool) -> None:
    """Of every post, text that no encoding knows included; of posts that were prepared, nothing is linked here."""
    expected = [mention_films(post, CATALOG, THRESHOLD) for post in POSTS]
    pool.prepare(POSTS)
    monkeypatch.setattr(linking_pool, "mention_films", None)

    found = [pool.link(replace(post)) for post in POSTS]

    assert found == expected
    assert sum(map(bool, found)) > len(POSTS) // 2


def test_a_post_that_was_not_told_of_is_linked(pool: LinkingPool) -> None:
    """Another text of a known name as well: what is asked for counts, not what was prepared."""
    pool.prepare(POSTS[:2])

    assert set(pool.link(replace(POSTS[0], title=f"i saw {TITLES[2]}"))) == {3}


def test_one_process_is_this_one() -> None:
    """Nothing is started for it, and the mentions are the same."""
    with LinkingPool(THRESHOLD, 1) as alone:
        alone.use(CATALOG)
        alone.prepare(POSTS)

        assert alone._executor is None
        assert alone.link(POSTS[0]) == mention_films(POSTS[0], CATALOG, THRESHOLD)


def test_what_the_linker_fails_at_is_left_to_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One post of a chunk that cannot be linked keeps none of the others back."""

    def fails_at_first(post: RedditPost) -> Mapping[int, Mention]:
        if post is POSTS[0]:
            raise ZeroDivisionError
        return {}

    monkeypatch.setattr(linking_pool, "_mentions", lambda: fails_at_first)

    assert linking_pool._link(POSTS[:2]) == [None, {}]


@pytest.mark.parametrize("when", ["before", "between"])
def test_a_killed_process_costs_nothing_but_time(when: str) -> None:
    """As a machine without memory kills it: what was prepared and what comes then is linked here, and all of it."""
    expected = [mention_films(post, CATALOG, THRESHOLD) for post in POSTS]
    with LinkingPool(THRESHOLD, 2) as pool:
        pool.use(CATALOG)
        pool.prepare(POSTS)
        assert pool._executor is not None
        killed = next(iter(pool._executor._processes.values()))
        found = [pool.link(post) for post in POSTS[: CHUNK_POSTS if when == "between" else 0]]
        killed.kill()
        killed.join(30)
        found += [pool.link(post) for post in POSTS[len(found) :]]
        pool.prepare(POSTS)

        assert found == expected
        assert [pool.link(post) for post in POSTS] == expected


def test_processes_end_with_a_parent_that_was_killed() -> None:
    """Nobody is left to tell them: they see it themselves."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
        parent.wait()
    try:
        assert len(pids) == 2
        eventually(lambda: not any(map(lives, pids)))
    finally:
        for pid in filter(lives, pids):
            os.kill(pid, signal.SIGKILL)
