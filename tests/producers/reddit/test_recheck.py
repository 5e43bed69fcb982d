from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from producers.reddit.recheck import first_recheck
from schemas.events import RedditPost
from schemas.topics import REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.world import RunningWorld
    from tests.producers.reddit.bench import Bench
    from tests.producers.tape import Tape

HOUR = 3600
AGES = (1.0 * HOUR, 6.0 * HOUR, 24.0 * HOUR, 48.0 * HOUR)


def post(age_hours: float, state: str = "live") -> RedditPost:
    """Return a post observed at an age."""
    return RedditPost(
        fullname="t1_a",
        kind="comment",
        subreddit="movies",
        body="",
        created_at=0,
        observed_at=round(age_hours * HOUR * 1000),
        score=1,
        state=state,  # type: ignore[arg-type] # one of the states
    )


class TestSchedule:
    """When to look again."""

    @pytest.mark.parametrize(
        ("age_hours", "due_hours"), [(0, 1), (0.99, 1), (1, 6), (5, 6), (23, 24), (47.9, 48), (48, None), (9999, None)]
    )
    def test_the_next_age(self, age_hours: float, due_hours: float | None) -> None:
        """The next age that the post has not reached; those passed are skipped."""
        recheck = first_recheck(post(age_hours), AGES)

        assert (None if recheck is None else recheck.due_at / HOUR / 1000) == due_hours

    def test_deleted_posts_are_done(self) -> None:
        """What its author deleted does not come back; what a moderator removed may."""
        assert first_recheck(post(0, "deleted"), AGES) is None
        assert first_recheck(post(0, "removed"), AGES) is not None

    def test_no_ages_no_rechecks(self) -> None:
        """Without ages nothing is scheduled."""
        assert first_recheck(post(0), ()) is None


@pytest.mark.real
class TestRechecks:
    """Against the loopback Reddit."""

    @pytest.fixture
    def watched(self, world: RunningWorld, benches: Callable[..., Bench], tape: Tape) -> Bench:
        """Return a bench that has read twenty fresh posts of movies and looks at them again after a minute."""
        bench = benches(subreddits=("movies",), reddit_recheck_seconds=(60.0, 7200.0))
        world.fault("burst", count=20, subreddit="movies")
        bench.run()
        tape.rewind()
        return bench

    def later(self, bench: Bench, seconds: float) -> None:
        """Let time pass, without a listing, and do what is due."""
        bench.clock.advance(seconds)
        bench.loop.rechecker.run_batch()

    def newest(self, world: RunningWorld, count: int = 1) -> list[str]:
        """Return the fullnames of the newest submissions."""
        posts = [one for one in world.posts() if one["name"].startswith("t3_") and one["subreddit"] == "movies"]
        return [one["name"] for one in sorted(posts, key=lambda one: -one["created_utc"])][:count]

    def test_each_due_post_is_observed_again_once(self, bench: Bench, watched: Bench, tape: Tape) -> None:
        """At its age a post's new state is published, later than the first, and not again until the next age."""
        del bench
        due = {stub.fullname for stub in watched.state.due_rechecks(watched.clock.now_ms() + 61_000, 100)}

        self.later(watched, 61)
        first = tape.read(REDDIT_POSTS)[:]
        self.later(watched, 61)

        assert {key for key, _ in first} == due
        assert len(due) >= 20
        assert len(tape.read(REDDIT_POSTS)) == len(first)
        assert tape.reports("info")[0].known == len(first)

    def test_what_happened_meanwhile(self, world: RunningWorld, watched: Bench, tape: Tape) -> None:
        """Deletion, removal, disappearance and edits are seen, and what is gone leaves no text and no author."""
        deleted, removed, vanished, edited, kept = self.newest(world, 5)
        world.fault("delete", names=[deleted])
        world.fault("remove", names=[removed])
        world.fault("gone", names=[vanished])
        world.fault("edit", names=[edited], text="now about Alien")

        self.later(watched, 61)

        posts = dict(tape.read(REDDIT_POSTS))
        assert [posts[name].state for name in (deleted, removed, vanished, edited, kept)] == [
            "deleted",
            "removed",
            "deleted",
            "live",
            "live",
        ]
        for name in (deleted, removed, vanished):
            assert (posts[name].title, posts[name].body, posts[name].author) == (None, "", None)
        assert "Alien" in posts[edited].body
        assert posts[edited].edited_at is not None

    def test_deleted_posts_are_not_asked_for_again(self, world: RunningWorld, watched: Bench, tape: Tape) -> None:
        """After the deletion is published the post leaves the memory; the others stay until their last age."""
        (deleted,) = self.newest(world)
        world.fault("delete", names=[deleted])
        self.later(watched, 61)
        tape.rewind()

        self.later(watched, 7200)
        later = tape.keys(REDDIT_POSTS)[:]
        self.later(watched, 99_999)

        assert deleted not in later
        assert later
        assert watched.state.next_recheck_at() is None

    def test_an_answer_that_is_short_once_deletes_nothing(
        self, world: RunningWorld, watched: Bench, tape: Tape
    ) -> None:
        """Posts absent from one answer are asked for again before they count as gone."""
        world.fault("not_json", body='{"kind": "Listing", "data": {"after": null, "children": []}}', path="api/info")

        self.later(watched, 61)

        assert {post.state for _, post in tape.read(REDDIT_POSTS)} == {"live"}

    def test_a_failed_recheck_stays_due(self, world: RunningWorld, watched: Bench, tape: Tape) -> None:
        """An outage is reported, and the same posts are observed when it is over."""
        world.fault("status", status=503, count=3, path="api/info")
        watched.clock.advance(61)

        watched.run()
        failed = tape.reports("info")[:]
        watched.clock.advance(60)
        watched.run()

        assert [report.outcome for report in failed] == ["failed"]
        assert tape.reports("info")[-1].outcome == "ok"
        assert set(self.newest(world, 20)) <= set(tape.keys(REDDIT_POSTS))

    def test_a_post_that_cannot_be_told_of(self, world: RunningWorld, watched: Bench, tape: Tape) -> None:
        """A single post for which Reddit refuses the answer goes to dead letters; the others are observed."""
        (barred,) = self.newest(world)
        world.fault("status", status=451, count=100, path=f"api/info.*{barred}")

        self.later(watched, 61)

        assert [letter.reason for letter in tape.dead_letters()] == ["legal_reasons"]
        assert barred not in tape.keys(REDDIT_POSTS)
        assert len(tape.keys(REDDIT_POSTS)) >= 19
        self.later(watched, 1)
        assert len(tape.dead_letters()) == 1
