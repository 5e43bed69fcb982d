"""Every way in which Reddit fails, against real praw and a real HTTP server."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.clock import ManualClock, SystemClock
from cinepulse.errors import ConfigurationInvalid, RateLimited, SourceUnavailable
from cinepulse.metrics import SOURCE_ERRORS
from cinepulse.settings import Settings
from producers.reddit import client as client_module
from producers.reddit.client import RedditClient, page_of
from producers.reddit.errors import RequestRefused
from producers.reddit.waiting import StoppableWaiting
from tests.fixtures.world import running_world
from tests.producers.reddit.bench import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.world import RunningWorld

LISTING = "r/movies+scifi/new"


@pytest.fixture(scope="module")
def shared_world() -> Iterator[RunningWorld]:
    """Return one world for all cases: no case changes its posts."""
    with running_world(seed=1) as world:
        yield world


@pytest.fixture
def quiet_world(shared_world: RunningWorld) -> RunningWorld:
    """Return the shared world without faults."""
    shared_world.clear_faults()
    return shared_world


def connect(world: RunningWorld, **changes: Any) -> RedditClient:
    """Return a client on a clock of its own."""
    return RedditClient(world.settings(**changes), ManualClock(), Waiting(ManualClock()))


def counted(label: str) -> float:
    """Return how many failures were counted under a label."""
    return float(SOURCE_ERRORS.labels("reddit", label)._value.get())


class TestListings:
    """What a healthy Reddit answers."""

    def test_pages_follow_each_other(self, quiet_world: RunningWorld) -> None:
        """A page tells its children, where it goes on, and when it was received."""
        client = connect(quiet_world)

        first = client.listing(LISTING, limit=5)
        second = client.listing(LISTING, limit=5, after=first.after)

        names = [thing["data"]["name"] for page in (first, second) for thing in page.things]  # type: ignore[index] # JSON
        assert len(set(names)) == 10
        assert first.after == names[4]

    def test_info_leaves_out_what_is_gone(self, quiet_world: RunningWorld) -> None:
        """Asked for a post and for one that never was, Reddit tells of the first."""
        client = connect(quiet_world)
        name = client.listing(LISTING, limit=1).things[0]["data"]["name"]  # type: ignore[index] # JSON

        page = client.info([name, "t3_nosuchpost"])

        assert [thing["data"]["name"] for thing in page.things] == [name]  # type: ignore[index] # JSON

    def test_the_budget_is_told(self, quiet_world: RunningWorld) -> None:
        """Requests are counted, the token's included, and the rate limit is known after the first."""
        client = connect(quiet_world)

        client.listing(LISTING)

        assert client.budget.requests == 2
        assert client.budget.remaining is not None
        assert client.budget.reset_seconds is not None

    def test_headers_that_prawcore_cannot_parse(self, quiet_world: RunningWorld) -> None:
        """A fraction where prawcore wants a whole number costs nothing: the answer is read."""
        client = connect(quiet_world)
        quiet_world.fault("bad_headers", path="/new")

        assert client.listing(LISTING).things


# status, fault's options, what is raised, the metric's label
PASSING = [
    ({"status": 500, "count": 3}, "server_error"),
    ({"status": 502, "count": 3}, "server_error"),
    ({"status": 502, "count": 3, "html": True}, "server_error"),
    ({"status": 503, "count": 3}, "server_error"),
    ({"status": 504, "count": 3}, "server_error"),
    ({"status": 520, "count": 3}, "server_error"),
    ({"status": 522, "count": 3}, "server_error"),
    ({"status": 521}, "http_status"),
    ({"status": 523}, "http_status"),
    ({"status": 418}, "http_status"),
    ({"status": 408, "count": 3}, "http_status"),
    ({"status": 401, "count": 3, "challenge": "invalid_token"}, "invalid_token"),
    ({"status": 401, "count": 3, "challenge": "none"}, "unexpected"),
    ({"status": 401, "count": 3, "challenge": "realm"}, "unexpected"),
    ({"kind": "html"}, "not_json"),
    ({"kind": "not_json"}, "not_json"),
    ({"kind": "truncated"}, "not_json"),
    ({"kind": "reset", "count": 3}, "transport"),
]
REFUSED = [
    (403, "forbidden", False),
    (404, "not_found", False),
    (451, "legal_reasons", True),
    (400, "bad_request", True),
    (413, "request_too_large", True),
    (414, "uri_too_long", True),
]


class TestFailures:
    """Table of prawcore's exceptions, row by row."""

    @pytest.mark.parametrize(("fault", "label"), PASSING, ids=str)
    def test_what_passes_with_time(self, quiet_world: RunningWorld, fault: dict[str, Any], label: str) -> None:
        """Each outage raises SourceUnavailable, is counted by its class, and the next request works."""
        client = connect(quiet_world)
        before = counted(label)
        quiet_world.fault(**{"kind": "status", "path": "/r/"} | fault)

        with pytest.raises(SourceUnavailable):
            client.listing(LISTING)

        assert counted(label) == before + 1
        assert client.listing(LISTING).things

    @pytest.mark.parametrize("status", [500, 503, 401])
    def test_a_short_outage_is_not_even_noticed(self, quiet_world: RunningWorld, status: int) -> None:
        """Two failures in a row are within prawcore's own attempts; a token that ran out is fetched anew."""
        client = connect(quiet_world)
        quiet_world.fault("status", status=status, count=2, path="/r/")

        assert client.listing(LISTING).things

    @pytest.mark.parametrize(("status", "reason", "dead_letter"), REFUSED)
    def test_what_is_refused(self, quiet_world: RunningWorld, status: int, reason: str, dead_letter: bool) -> None:  # noqa: FBT001 - a table's column
        """Each refusal says why, and whether it is to be kept."""
        client = connect(quiet_world)
        quiet_world.fault("status", status=status, path="/r/")

        with pytest.raises(RequestRefused) as caught:
            client.listing(LISTING)

        assert (caught.value.reason, caught.value.dead_letter) == (reason, dead_letter)

    def test_a_misspelt_community(self, quiet_world: RunningWorld) -> None:
        """Reddit redirects to its search: refused."""
        with pytest.raises(RequestRefused) as caught:
            connect(quiet_world).listing("r/nosuchcommunityhere/new")

        assert caught.value.reason == "redirected"

    def test_429_with_seconds(self, quiet_world: RunningWorld) -> None:
        """`retry-after` in seconds is told as it is."""
        quiet_world.fault("status", status=429, retry_after=7, path="/r/")

        with pytest.raises(RateLimited) as caught:
            connect(quiet_world).listing(LISTING)

        assert caught.value.retry_after == 7

    def test_429_with_a_date(self, quiet_world: RunningWorld) -> None:
        """`retry-after` as an HTTP date, over which prawcore stumbles, is told in seconds."""
        client = RedditClient(quiet_world.settings(), SystemClock(), Waiting(ManualClock()))
        quiet_world.fault("status", status=429, retry_after=90, retry_after_form="date", path="/r/")

        with pytest.raises(RateLimited) as caught:
            client.listing(LISTING)

        assert caught.value.retry_after == pytest.approx(90, abs=10)

    def test_429_without_a_word(self, quiet_world: RunningWorld) -> None:
        """No `retry-after`: the caller's own pace decides."""
        quiet_world.fault("status", status=429, path="/r/")

        with pytest.raises(RateLimited) as caught:
            connect(quiet_world).listing(LISTING)

        assert caught.value.retry_after in (None, 0)

    def test_an_answer_that_never_ends(self, quiet_world: RunningWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """A body that keeps dripping is given up at the deadline, and a fresh connection serves the next request."""
        monkeypatch.setattr(client_module, "DEADLINE_SECONDS", 0.3)
        waiting = StoppableWaiting(Event(), lambda: None)
        client = RedditClient(quiet_world.settings(), SystemClock(), waiting)
        quiet_world.fault("slow", seconds=2, where="body", path="/r/")

        with pytest.raises(SourceUnavailable, match=r"0\.3 seconds"):
            client.listing(LISTING)
        monkeypatch.setattr(client_module, "DEADLINE_SECONDS", 30.0)

        assert client.listing(LISTING).things

    @pytest.mark.parametrize("answer", [None, [], "text", 7, {}, {"data": None}, {"data": {"children": {}}}])
    def test_json_that_is_no_listing(self, answer: object) -> None:
        """JSON of another form is an outage, not a crash."""
        with pytest.raises(SourceUnavailable):
            page_of(answer, 0)


class TestTokens:
    """What goes wrong before the first listing."""

    def test_wrong_credentials_stop(self, quiet_world: RunningWorld) -> None:
        """A secret that Reddit refuses is a wrong setting, named, and not in the message itself."""
        client = connect(quiet_world, reddit_client_secret="s3cr3t-and-wrong")

        with pytest.raises(ConfigurationInvalid, match="REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET") as caught:
            client.listing(LISTING)

        assert "s3cr3t" not in str(caught.value) + repr(caught.value.__cause__)

    @pytest.mark.parametrize(
        ("fault", "raised"),
        [
            ({"kind": "status", "status": 401}, ConfigurationInvalid),
            ({"kind": "not_json", "body": '{"error": "unauthorized_client"}'}, ConfigurationInvalid),
            ({"kind": "status", "status": 429, "retry_after": 5}, RateLimited),
            ({"kind": "status", "status": 503}, SourceUnavailable),
            ({"kind": "html"}, SourceUnavailable),
            ({"kind": "not_json", "body": "[]"}, SourceUnavailable),
            ({"kind": "not_json", "body": '{"access_token": "x", "expires_in": 3600}'}, SourceUnavailable),
        ],
        ids=str,
    )
    def test_the_token_endpoint(
        self, quiet_world: RunningWorld, fault: dict[str, Any], raised: type[Exception]
    ) -> None:
        """Credentials refused are fatal; an outage of the endpoint, or a token without a scope, passes."""
        client = connect(quiet_world)
        quiet_world.fault(**fault | {"path": "access_token"})

        with pytest.raises(raised) as caught:
            client.listing(LISTING)

        assert type(caught.value) is raised
        if raised is not ConfigurationInvalid:
            assert client.listing(LISTING).things

    def test_no_credentials_for_reddit_itself(self) -> None:
        """Without a loopback address both credentials are needed, and the message says what else to do."""
        with pytest.raises(ConfigurationInvalid, match="cinepulse up"):
            RedditClient(Settings(), ManualClock(), Waiting(ManualClock()))

    @pytest.mark.parametrize(
        "url",
        [
            "http://reddit.example.org",
            "http://localhost.evil.example",
            "ftp://127.0.0.1",
        ],
    )
    def test_credentials_go_to_no_other_host(self, url: str) -> None:
        """Only an address on this machine may stand in for Reddit."""
        settings = Settings(reddit_url=url, reddit_client_id="a", reddit_client_secret="b")

        with pytest.raises(ConfigurationInvalid, match="CINEPULSE_REDDIT_URL"):
            RedditClient(settings, ManualClock(), Waiting(ManualClock()))
