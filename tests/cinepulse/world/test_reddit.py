"""Real praw, unmodified, reads the loopback Reddit."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import praw
import prawcore
import pytest
import requests

from tests.fixtures.world import eventually, running_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.world import RunningWorld


@contextmanager
def praw_of(world: RunningWorld, **changes: Any) -> Iterator[praw.Reddit]:
    """Give a read-only praw client of a world; its connections are closed at the end."""
    fields: dict[str, Any] = {
        "client_id": world.client_id,
        "client_secret": world.client_secret,
        "user_agent": "python:cinepulse.tests:v1",
        "reddit_url": world.url,
        "oauth_url": world.url,
        "check_for_updates": False,
    }
    with requests.Session() as session:
        yield praw.Reddit(**(fields | changes), requestor_kwargs={"session": session})


@pytest.fixture
def reddit(world: RunningWorld) -> Iterator[praw.Reddit]:
    """A praw client of the world of seed 1."""
    with praw_of(world) as client:
        yield client


def everywhere(reddit: praw.Reddit, world: RunningWorld) -> Any:
    """Return the multi-subreddit of all the world's communities."""
    return reddit.subreddit("+".join(world.state()["subreddits"]))


class TestListings:
    def test_the_backlog_is_listed_newest_first(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Submissions and comments together are the 900 posts of the last two days, none of them young."""
        multi = everywhere(reddit, world)
        submissions, comments = list(multi.new(limit=None)), list(multi.comments(limit=None))

        assert len(submissions) + len(comments) == world.state()["posts_served"] == 900
        for things in (submissions, comments):
            times = [thing.created_utc for thing in things]
            assert times == sorted(times, reverse=True)

    def test_a_burst_of_1200_shows_the_newest_thousand(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Praw pages through a burst until the listing ends at a thousand items; 200 have fallen off."""
        names = world.fault("burst", count=1200, subreddit="movies")["names"]

        listed = [thing.fullname for thing in reddit.subreddit("movies").new(limit=None)]

        assert listed == names[:-1001:-1]

    def test_a_burst_of_comments_has_its_own_listing(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Comments do not push submissions out, and each comment has text and thread."""
        names = world.fault("burst", count=150, subreddit="movies", post_kind="t1")["names"]

        listed = list(reddit.subreddit("movies").comments(limit=150))

        assert [thing.fullname for thing in listed] == names[::-1]
        assert all(thing.body and thing.link_id.startswith("t3_") for thing in listed)

    def test_before_gives_the_adjacent_newer_items(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """`before` pages upwards from an item, nearest first, and ends in an empty page."""
        names = world.fault("burst", count=30, subreddit="movies")["names"]
        movies = reddit.subreddit("movies")

        after_tenth = list(movies.new(limit=5, params={"before": names[9]}))

        assert [thing.fullname for thing in after_tenth] == names[10:15][::-1]
        assert list(movies.new(limit=5, params={"before": names[-1]})) == []

    def test_a_removed_cursor_gives_an_empty_page(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """An item that is gone from the listing has no neighbours, as on Reddit."""
        names = world.fault("burst", count=30, subreddit="movies")["names"]
        world.fault("remove", names=[names[9]])

        page = list(reddit.subreddit("movies").new(limit=5, params={"before": names[9]}))

        assert page == []

    def test_a_stream_sees_what_is_posted(self, make_world: Callable[..., RunningWorld]) -> None:
        """Praw's own stream delivers live posts, so the listing behaves as praw expects over time."""
        world = make_world(seed=3, rate=40, paused=False)
        seen: list[str] = []

        with praw_of(world) as client:
            stream = everywhere(client, world).stream.comments(skip_existing=True, pause_after=-1)

            def watch() -> bool:
                seen.extend(comment.fullname for comment in iter(lambda: next(stream), None))
                return len(seen) >= 20

            eventually(watch)

        assert len(seen) == len(set(seen))
        assert set(seen) <= {f"t1_{post['id']}" for post in world.posts()}

    def test_text_is_escaped_only_without_raw_json(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Praw asks for raw text; an old client gets `&`, `<` and `>` as entities."""
        world.fault("post", data={"title": "Fast & Furious <3", "subreddit": "movies"})
        raw = next(reddit.subreddit("movies").new(limit=1))

        old = world.get("/r/movies/new?limit=1", headers=world.reddit_headers()).json()["data"]["children"][0]["data"]

        assert raw.title == "Fast & Furious <3"
        assert old["title"] == "Fast &amp; Furious &lt;3"


class TestSingleThings:
    def test_info_finds_more_than_a_hundred_and_leaves_out_unknown_ids(
        self, world: RunningWorld, reddit: praw.Reddit
    ) -> None:
        """Praw asks for a hundred at a time; an id that Reddit does not have is absent from the answer."""
        names = world.fault("burst", count=250, subreddit="movies")["names"]

        found = list(reddit.info(fullnames=[*names, "t3_zzz", "t1_!!"]))

        assert [thing.fullname for thing in found] == names

    def test_deleted_removed_and_vanished_posts_look_as_on_reddit(
        self, world: RunningWorld, reddit: praw.Reddit
    ) -> None:
        """Info blanks author and text and says why; a vanished post is absent; none is listed any more."""
        deleted, removed, gone, stays = world.fault("burst", count=4, subreddit="movies")["names"]
        for kind, name in (("delete", deleted), ("remove", removed), ("gone", gone)):
            world.fault(kind, names=[name])

        found = {thing.fullname: thing for thing in reddit.info(fullnames=[deleted, removed, gone, stays])}

        assert gone not in found
        assert found[deleted].author is None
        assert found[deleted].selftext == "[deleted]"
        assert found[deleted].removed_by_category == "deleted"
        assert found[removed].selftext == "[removed]"
        assert found[removed].removed_by_category == "moderator"
        assert [thing.fullname for thing in reddit.subreddit("movies").new(limit=1)] == [stays]
        states = {f"t3_{post['id']}": post["_state"] for post in world.posts()}
        assert [states[name] for name in (deleted, removed, gone, stays)] == ["deleted", "removed", "removed", "live"]

    def test_an_edit_shows_its_text_and_time(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """An edited comment has the new body and an `edited` time instead of False."""
        (name,) = world.fault("burst", count=1, post_kind="t1")["names"]
        world.fault("edit", names=[name], text="I meant Heat (1995)")

        (comment,) = reddit.info(fullnames=[name])

        assert comment.body == "I meant Heat (1995)"
        assert comment.edited >= comment.created_utc

    def test_listed_things_have_reddits_fields(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """No field that a consumer of listings reads is missing, so praw never fetches a thing again."""
        multi = everywhere(reddit, world)
        submission, comment = next(multi.new(limit=1)), next(multi.comments(limit=1))
        shared = "author author_fullname created_utc edited id name permalink score stickied subreddit subreddit_id"
        of_submission = """crosspost_parent domain is_self link_flair_text locked num_comments over_18
            removed_by_category selftext spoiler subreddit_name_prefixed title ups upvote_ratio url"""
        of_comment = "body controversiality distinguished is_submitter link_id link_title parent_id score_hidden"

        missing = [name for name in (shared + " " + of_submission).split() if name not in vars(submission)]
        missing_of_comment = [name for name in (shared + " " + of_comment).split() if name not in vars(comment)]

        assert set(missing) <= {"crosspost_parent"}
        assert missing_of_comment == []
        assert isinstance(submission.created_utc, float)
        assert submission.edited is False

    def test_a_missing_attribute_is_fetched_from_the_thread(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """What praw fetches lazily is there: a submission by its id alone, and a community's about page."""
        (name,) = world.fault("burst", count=1, title="Only one", subreddit="movies")["names"]

        assert reddit.submission(name.removeprefix("t3_")).title == "Only one"
        assert reddit.subreddit("MOVIES").display_name == "MOVIES"
        assert reddit.subreddit("movies").subreddit_type == "public"

    def test_scores_grow_with_age(self, make_world: Callable[..., RunningWorld]) -> None:
        """Backlog posts have the score they settle at, fresh ones start at one."""
        world = make_world(seed=1)
        scores = [post["score"] for post in world.posts()]

        assert max(scores) > 100
        assert min(scores) >= 0


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningWorld]:
    """One world for the tests that change nothing."""
    with running_world(seed=1) as running:
        yield running


class TestAccess:
    @pytest.fixture
    def world(self, shared: RunningWorld) -> RunningWorld:
        """The shared world."""
        return shared

    def test_praw_is_read_only(self, reddit: praw.Reddit) -> None:
        """Client credentials give a read-only client, which Reddit tells no user."""
        assert reddit.read_only
        with pytest.raises(praw.exceptions.ReadOnlyException):
            reddit.user.me()

    def test_a_wrong_secret_gets_no_token(self, world: RunningWorld) -> None:
        """The token endpoint checks the client's secret."""
        with (
            praw_of(world, client_secret="another") as client,
            pytest.raises(prawcore.exceptions.ResponseException) as refused,
        ):
            list(client.subreddit("movies").new(limit=1))
        assert refused.value.response.status_code == 401

    def test_a_request_without_a_token_is_refused(self, world: RunningWorld) -> None:
        """No token, a made-up one and an expired one are answered alike, with the header praw needs."""
        for headers in ({}, {"authorization": "bearer made-up"}):
            response = world.get("/r/movies/new", headers=headers)

            assert response.status_code == 401
            assert 'error="invalid_token"' in response.headers["www-authenticate"]

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("surely_not_there", prawcore.exceptions.Redirect),
            ("private_screening", prawcore.exceptions.Forbidden),
            ("quarantined_films", prawcore.exceptions.Forbidden),
            ("banned_films", prawcore.exceptions.NotFound),
        ],
    )
    def test_communities_that_cannot_be_read(self, reddit: praw.Reddit, name: str, error: type[Exception]) -> None:
        """Missing, private, quarantined and banned communities give praw's own errors."""
        with pytest.raises(error):
            list(reddit.subreddit(name).new(limit=1))

    def test_a_missing_community_in_a_multi_is_ignored(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """One wrong name in a multi leaves the others readable."""
        world.fault("burst", count=2, subreddit="horror")

        assert len(list(reddit.subreddit("surely_not_there+HORROR").new(limit=2))) == 2

    def test_the_budget_is_told_and_ends(self, make_world: Callable[..., RunningWorld]) -> None:
        """Praw reads the rate-limit headers; the request beyond the budget is a 429 that says when to come back."""
        world = make_world(budget=3)
        headers = world.reddit_headers()
        with praw_of(world) as client:
            list(client.subreddit("movies").new(limit=1))

            assert client.auth.limits["remaining"] == 2
            assert client.auth.limits["used"] == 1
        answers = [world.get("/r/movies/new", headers=headers) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 600
        assert answers[-1].headers["x-ratelimit-remaining"] == "0.0"
