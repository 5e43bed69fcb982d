"""Each fault does to a real client what it says."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
import prawcore
import pytest

from cinepulse.clock import ManualClock
from cinepulse.world.faults import Faults
from tests.cinepulse.world.test_reddit import praw_of
from tests.fixtures.world import running_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    import praw

    from tests.fixtures.world import RunningWorld

LISTING = "/r/movies/new"


@pytest.fixture
def reddit(world: RunningWorld) -> Iterator[praw.Reddit]:
    """A praw client that already holds a token."""
    with praw_of(world) as client:
        list(client.subreddit("movies").new(limit=1))
        yield client


def read(reddit: praw.Reddit) -> list[Any]:
    """Read the newest page of a listing."""
    return list(reddit.subreddit("movies").new(limit=5))


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningWorld]:
    """One world for the tests that only spoil answers."""
    with running_world(seed=1) as running:
        yield running


class TestResponses:
    @pytest.fixture
    def world(self, shared: RunningWorld) -> RunningWorld:
        """The shared world, without faults of other tests."""
        shared.clear_faults()
        return shared

    def test_429_with_seconds_a_date_or_nothing(self, world: RunningWorld) -> None:
        """`retry-after` comes in both forms or not at all."""
        headers = world.reddit_headers()
        world.fault("rate_limited", retry_after=7)
        world.fault("rate_limited", retry_after=7, retry_after_form="date")
        world.fault("rate_limited")

        answers = [world.get(LISTING, headers=headers) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [429, 429, 429, 200]
        assert answers[0].headers["retry-after"] == "7"
        assert parsedate_to_datetime(answers[1].headers["retry-after"]).tzinfo is not None
        assert "retry-after" not in answers[2].headers

    def test_praw_gives_up_on_429_with_its_wait(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Praw raises the error that carries the wait, and works again afterwards."""
        world.fault("rate_limited", retry_after=3)

        with pytest.raises(prawcore.exceptions.TooManyRequests) as raised:
            read(reddit)
        assert str(raised.value.retry_after) == "3"
        assert len(read(reddit)) == 5

    @pytest.mark.parametrize(
        ("challenge", "expected"),
        [("invalid_token", 'error="invalid_token"'), ("realm", "realm"), ("none", None)],
    )
    def test_401_in_all_forms(self, world: RunningWorld, challenge: str, expected: str | None) -> None:
        """With an error, with a realm only, and without any header."""
        headers = world.reddit_headers()
        world.fault("unauthorized", challenge=challenge)

        response = world.get(LISTING, headers=headers)

        header = response.headers.get("www-authenticate")
        assert response.status_code == 401
        assert header is None if expected is None else header is not None and expected in header

    @pytest.mark.parametrize("status", [403, 404, 500, 502, 503, 504, 520, 521, 522])
    def test_any_status_on_either_side(self, world: RunningWorld, status: int) -> None:
        """Reddit's failures are HTML or JSON, TMDB's carry a status code."""
        world.fault("status", status=status, count=2)

        reddit, tmdb = world.get(LISTING), world.tmdb("/movie/603")

        assert (reddit.status_code, tmdb.status_code) == (status, status)
        assert reddit.headers["content-type"].startswith("text/html" if status >= 500 else "application/json")
        assert tmdb.json()["success"] is False

    def test_html_and_nonsense_instead_of_json(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """A page with status 200 and a JSON type with no JSON are both bad JSON to praw."""
        for kind in ("html", "not_json", "truncated"):
            world.fault(kind)

            with pytest.raises(prawcore.exceptions.BadJSON):
                read(reddit)

    def test_a_truncated_body_is_a_whole_response(self, world: RunningWorld) -> None:
        """Half a JSON text arrives with a length that fits, as from a broken cache."""
        world.fault("truncated", side="tmdb")

        response = world.tmdb("/movie/popular")

        assert response.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            response.json()

    @pytest.mark.parametrize("kind", ["reset", "cut"])
    def test_connections_break(self, world: RunningWorld, kind: str) -> None:
        """The connection is reset before or in the middle of an answer."""
        world.fault(kind)

        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            world.tmdb("/movie/popular")
        assert world.tmdb("/movie/popular").status_code == 200

    @pytest.mark.parametrize("where", ["body", "headers"])
    def test_slow_answers_outlast_a_timeout(self, world: RunningWorld, where: str) -> None:
        """The answer, or each piece of it, comes later than a client waits; other requests go on meanwhile."""
        world.fault("slow", seconds=1, pieces=2, where=where, path="popular")

        with pytest.raises(httpx.ReadTimeout):
            world.get("/tmdb/3/movie/popular?api_key=a-token", timeout=0.2)
        assert world.tmdb("/movie/603").status_code == 200

    def test_a_slow_body_still_arrives(self, world: RunningWorld) -> None:
        """Dripping changes nothing of the content."""
        expected = world.tmdb("/genre/movie/list").json()
        world.fault("slow", seconds=0.1)

        assert world.tmdb("/genre/movie/list").json() == expected

    def test_the_budget_decays_to_nothing(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Headers say that nothing is left, once; afterwards the real budget shows again."""
        world.fault("header_decay", reset=0)
        read(reddit)

        assert reddit.auth.limits == {"remaining": 0.0, "used": 1000}
        read(reddit)
        assert float(reddit.auth.limits["remaining"] or 0) > 0

    def test_headers_that_are_no_integers(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """A decimal `used` is what praw cannot read."""
        world.fault("bad_headers")

        with pytest.raises(ValueError, match=r"2\.0"):
            read(reddit)

    def test_praw_recovers_from_two_failures(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """A token that Reddit forgot is renewed within the call."""
        world.fault("unauthorized", path="/r/movies")

        assert len(read(reddit)) == 5


class TestSelection:
    @pytest.fixture
    def world(self, shared: RunningWorld) -> RunningWorld:
        """The shared world, without faults of other tests."""
        shared.clear_faults()
        return shared

    def test_path_side_skip_and_count(self, world: RunningWorld) -> None:
        """A fault hits only requests whose path and side match, after some, and so many of them."""
        world.fault("not_found", path="/movie/6", side="tmdb", skip=1, count=2)

        statuses = [
            world.tmdb(path).status_code for path in ("/movie/680", "/movie/603", "/configuration", "/movie/603")
        ]

        assert statuses == [200, 404, 200, 404]
        assert world.tmdb("/movie/603").status_code == 200
        (listed,) = world.get("/_world/faults").json()
        assert (listed["hits"], listed["left"], listed["active"]) == (2, 0, False)

    def test_a_duration_ends(self) -> None:
        """With a duration and no count every request is hit until the time is over."""
        clock = ManualClock()
        faults = Faults(clock.monotonic)
        faults.add({"kind": "unavailable", "duration": 5})

        during = [faults.take("/r/movies/new", {"status"}) is not None for _ in range(3)]
        clock.advance(5)

        assert during == [True, True, True]
        assert faults.take("/r/movies/new", {"status"}) is None

    def test_faults_can_be_cleared(self, world: RunningWorld) -> None:
        """DELETE ends them all."""
        world.fault("not_found", count=100)
        world.clear_faults()

        assert world.tmdb("/movie/603").status_code == 200
        assert world.get("/_world/faults").json() == []

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b'{"kind": "no_such"}',
            b'{"kind": "html", "count": "x"}',
            b'{"kind": "html", "path": "("}',
            b'{"kind": "burst", "count": -1}',
        ],
    )
    def test_nonsense_is_refused_with_a_reason(self, world: RunningWorld, body: bytes) -> None:
        """A wrong fault is a 400 that says why, and changes nothing."""
        response = httpx.post(f"{world.url}/_world/faults", content=body)

        assert response.status_code == 400
        assert response.json()["error"]
        assert world.get("/_world/faults").json() == []

    def test_the_admin_api_is_never_hit(self, world: RunningWorld) -> None:
        """Faults do not lock their operator out."""
        world.fault("unavailable", count=100)

        assert world.state()["posts_served"] == 900


class TestListings:
    def test_a_stale_page_hides_the_latest(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Posts of the last seconds are not shown, once."""
        before = read(reddit)
        names = world.fault("burst", count=3, subreddit="movies")["names"]
        world.fault("stale_page", seconds=60)

        stale, fresh = read(reddit), read(reddit)

        assert [post.id for post in stale] == [post.id for post in before]
        assert [post.fullname for post in fresh[:3]] == names[::-1]

    def test_the_cursor_is_removed_under_the_reader(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """The item that a client pages from disappears just then, so the page is empty."""
        names = world.fault("burst", count=250, subreddit="movies")["names"]
        world.fault("removed_cursor")

        page = list(reddit.subreddit("movies").new(limit=100, params={"before": names[0]}))

        assert page == []
        assert world.fault("edit", names=[names[0]], text="x")["names"] == names[:1]
        assert [post["_state"] for post in world.posts() if f"t3_{post['id']}" == names[0]] == ["removed"]

    def test_a_page_comes_twice(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Paging on gives the first page again; praw sees the same cursor and stops there."""
        world.fault("burst", count=250, subreddit="movies")
        world.fault("duplicate_page")

        listed = [post.id for post in reddit.subreddit("movies").new(limit=300)]

        assert len(listed) == 200
        assert listed[:100] == listed[100:]
        assert len(list(reddit.subreddit("movies").new(limit=250))) == 250

    def test_350_after_idle_are_all_listed(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """After an empty poll a burst of 350 is wholly in the listing."""
        names = world.fault("burst", count=350, subreddit="movies")["names"]

        listed = [post.fullname for post in reddit.subreddit("movies").new(limit=350)]

        assert listed == names[::-1]


class TestContent:
    def test_clocks_go_wrong(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """The next posts are stamped off: by seconds, or in 2150."""
        world.fault("clock_skew")
        world.fault("clock_skew", seconds=-3600)
        world.fault("burst", count=3, subreddit="movies")

        now, hour_ago, far = (post.created_utc for post in reddit.subreddit("movies").new(limit=3))

        assert far == pytest.approx(5_680_281_600, abs=60)
        assert now - hour_ago == pytest.approx(3600, abs=60)

    def test_forty_megabytes_of_text(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """A huge text arrives whole."""
        world.fault("huge_text", megabytes=40, subreddit="movies")

        (post,) = reddit.subreddit("movies").new(limit=1)

        assert len(post.selftext) == 40 << 20

    def test_any_fields_at_all(self, world: RunningWorld, reddit: praw.Reddit) -> None:
        """Null titles and fields of wrong types are served as given."""
        world.fault("null_title", subreddit="movies")
        world.fault("post", data={"subreddit": "movies", "title": 5, "score": "many", "num_comments": {}})

        lying, null = reddit.subreddit("movies").new(limit=2)

        assert (null.title, null.selftext) == (None, None)
        assert (lying.title, lying.score, lying.num_comments) == (5, "many", {})

    def test_a_film_of_nulls(self, world: RunningWorld) -> None:
        """Every field of a film is null, appended parts too."""
        world.fault("null_film", tmdb_id=603)

        film = world.tmdb("/movie/603", append_to_response="credits").json()

        assert set(film.values()) == {None}
        assert {"id", "title", "credits", "vote_average"} <= film.keys()

    def test_the_newest_can_be_meant_without_names(self, world: RunningWorld) -> None:
        """Without names the newest live posts are hit, of one kind if asked."""
        names = world.fault("burst", count=5, subreddit="movies")["names"]

        assert world.fault("delete", count=2, post_kind="t3")["names"] == names[:-3:-1]
        assert world.fault("remove", count=1)["names"] == [names[2]]
        assert world.state()["changed"] == {"edited": 0, "deleted": 2, "removed": 1, "gone": 0}
