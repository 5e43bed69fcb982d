"""Every way in which TMDB fails, over real HTTP and, where a server cannot be made to, over httpx's own double."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cinepulse.clock import ManualClock
from cinepulse.errors import ConfigurationInvalid, RateLimited, SourceRefused, SourceUnavailable
from cinepulse.metrics import SOURCE_ERRORS
from cinepulse.settings import Settings
from producers.tmdb import client as client_module
from producers.tmdb.client import ATTEMPTS, TitleMissing, TmdbClient
from producers.tmdb.pace import Pacer
from tests.fixtures.world import running_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.world import RunningWorld

Handler = Callable[[httpx.Request], httpx.Response]


class Time:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.clock = ManualClock(wall_ms=1_795_255_200_000)
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.clock.advance(seconds)


def client_on(settings: Settings, time: Time, transport: httpx.AsyncBaseTransport | None = None) -> TmdbClient:
    """Return a client on a clock of its own."""
    random = Random(1)  # noqa: S311 - the same jitter in every run
    return TmdbClient(settings, clock=time.clock, sleep=time.sleep, random=random, transport=transport)


def with_client(
    settings: Settings, use: Callable[[TmdbClient], Awaitable[Any]], handler: Handler | None = None
) -> tuple[Any, Time]:
    """Return what a use of a client returns, and its time."""
    time = Time()

    async def run() -> Any:
        transport = None if handler is None else httpx.MockTransport(handler)
        async with client_on(settings, time, transport) as client:
            return await use(client)

    return asyncio.run(run()), time


@pytest.fixture(scope="module")
def shared_world() -> Iterator[RunningWorld]:
    """Return one world for all cases."""
    with running_world(seed=1) as world:
        yield world


@pytest.fixture
def quiet_world(shared_world: RunningWorld) -> RunningWorld:
    """Return the shared world without faults."""
    shared_world.clear_faults()
    return shared_world


def popular(world: RunningWorld, **changes: Any) -> tuple[Any, Time]:
    """Return the answer to one request for the popular films."""
    return with_client(world.settings(**changes), lambda client: client.get("movie/popular", page=1))


class TestAnswers:
    """A healthy TMDB, and one that recovers in time."""

    def test_a_list(self, quiet_world: RunningWorld) -> None:
        """JSON comes as it is; nothing is waited for."""
        answer, time = popular(quiet_world)

        assert len(answer["results"]) == 20
        assert time.slept == []

    def test_a_file_needs_no_token(self, quiet_world: RunningWorld) -> None:
        """The export's bytes come from the files address, and the token does not go there."""
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, content=b"bytes")

        body, _ = with_client(quiet_world.settings(), lambda client: client.file("p/exports/x.json.gz"), answer)

        assert body == b"bytes"
        assert str(seen[0].url) == f"{quiet_world.tmdb_files_url}/p/exports/x.json.gz"
        assert "authorization" not in seen[0].headers

    def test_the_token_is_in_no_address(self, quiet_world: RunningWorld) -> None:
        """The token rides in a header, where no log and no error shows it."""
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json={})

        with_client(quiet_world.settings(), lambda client: client.get("movie/603"), answer)

        assert seen[0].headers["authorization"] == f"Bearer {quiet_world.read_token}"
        assert quiet_world.read_token not in str(seen[0].url)

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 502, "html": True},
            {"kind": "status", "status": 503},
            {"kind": "status", "status": 504},
            {"kind": "html"},
            {"kind": "not_json"},
            {"kind": "not_json", "body": "[1, 2]"},
            {"kind": "truncated"},
            {"kind": "reset"},
        ],
        ids=str,
    )
    def test_a_passing_fault_is_tried_again(self, quiet_world: RunningWorld, fault: dict[str, Any]) -> None:
        """Two failures in a row delay the answer by a growing pause, and that is all."""
        quiet_world.fault(**fault | {"count": 2, "side": "tmdb"})

        answer, time = popular(quiet_world)

        assert answer["results"]
        assert len(time.slept) >= 2
        assert 0.5 <= time.slept[0] <= 1.0
        assert 1.0 <= time.slept[1] <= 2.0

    def test_429_is_waited_out_by_all(self, quiet_world: RunningWorld) -> None:
        """`Retry-After` is honoured to the second, by every task of the client."""
        quiet_world.fault("status", status=429, retry_after=30, side="tmdb")

        async def three(client: TmdbClient) -> list[Any]:
            first = await client.get("movie/popular")
            return [first, *await asyncio.gather(client.get("movie/603"), client.get("movie/popular"))]

        answers, time = with_client(quiet_world.settings(), three)

        assert len(answers) == 3
        assert 30 <= sum(time.slept) <= 40

    def test_429_holds_up_the_others_too(self, quiet_world: RunningWorld) -> None:
        """While one task waits out the limit, another that starts meanwhile waits as long."""
        statuses = [429, 200, 200]
        slept: list[float] = []

        def answer(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(statuses.pop(0), headers={"retry-after": "30"}, json={})

        async def both() -> None:
            waiting, time = asyncio.Event(), Time()

            async def sleep(seconds: float) -> None:
                slept.append(seconds)
                waiting.set()
                await asyncio.sleep(0)

            time.sleep = sleep  # type: ignore[method-assign] # no time passes
            async with client_on(quiet_world.settings(), time, httpx.MockTransport(answer)) as client:
                first = asyncio.create_task(client.get("movie/603"))
                await waiting.wait()
                await client.get("movie/popular")
                await first

        asyncio.run(both())

        assert [seconds >= 30 for seconds in slept] == [True, True, True]

    def test_the_even_pace(self, quiet_world: RunningWorld) -> None:
        """A hundred requests at 20 a second take five seconds, whatever their number at once."""

        async def hundred(client: TmdbClient) -> None:
            await asyncio.gather(*(client.get("movie/603") for _ in range(101)))

        def answer(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={})

        _, time = with_client(quiet_world.settings(tmdb_requests_per_second=20), hundred, answer)

        assert time.clock.monotonic() >= 5.0 - 1e-6


class TestFailures:
    """What does not pass."""

    def test_an_outage_is_told_after_some_attempts(self, quiet_world: RunningWorld) -> None:
        """After the last attempt the caller hears of it, and each failure was counted."""
        before = SOURCE_ERRORS.labels("tmdb", "503")._value.get()
        quiet_world.fault("status", status=503, count=100, side="tmdb")

        with pytest.raises(SourceUnavailable, match="503"):
            popular(quiet_world)

        assert SOURCE_ERRORS.labels("tmdb", "503")._value.get() == before + ATTEMPTS

    def test_429_without_end(self, quiet_world: RunningWorld) -> None:
        """A limit that does not lift is told as such, with the time asked for."""
        quiet_world.fault("status", status=429, retry_after=9, count=100, side="tmdb")

        with pytest.raises(RateLimited) as caught:
            popular(quiet_world)

        assert caught.value.retry_after == 9

    @pytest.mark.parametrize(
        ("status", "raised"),
        [
            (404, TitleMissing),
            (400, SourceRefused),
            (422, SourceRefused),
            (403, SourceRefused),
            (401, ConfigurationInvalid),
        ],
    )
    def test_refusals_are_not_repeated(self, quiet_world: RunningWorld, status: int, raised: type[Exception]) -> None:
        """What TMDB refuses for good is asked once."""
        fault = quiet_world.fault("status", status=status, count=100, side="tmdb")

        with pytest.raises(raised):
            popular(quiet_world)

        hits = [one["hits"] for one in quiet_world.get("/_world/faults").json() if one["id"] == fault["id"]]
        assert hits == [1]

    def test_a_wrong_token(self, quiet_world: RunningWorld) -> None:
        """A token that TMDB refuses is a wrong setting, named, and not in the message itself."""
        with pytest.raises(ConfigurationInvalid, match="TMDB_READ_TOKEN") as caught:
            popular(quiet_world, tmdb_read_token="s3cr3t-and-wrong")

        assert "s3cr3t" not in str(caught.value)

    def test_a_film_that_is_not_there(self, quiet_world: RunningWorld) -> None:
        """An unknown id is told apart from an outage."""
        with pytest.raises(TitleMissing):
            with_client(quiet_world.settings(), lambda client: client.get("movie/999999999"))

    def test_nobody_listens(self) -> None:
        """A refused connection is an outage."""
        settings = Settings(tmdb_url="http://127.0.0.1:9")

        with pytest.raises(SourceUnavailable, match="ConnectError"):
            with_client(settings, lambda client: client.get("movie/popular"))

    def test_an_answer_that_drips(self, quiet_world: RunningWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """An answer that takes too long as a whole is given up, however steadily it drips."""
        monkeypatch.setattr(client_module, "API_ANSWER", client_module._Bounds(0.1, 1_000_000))
        monkeypatch.setattr(client_module, "ATTEMPTS", 1)
        quiet_world.fault("slow", seconds=2, where="body", side="tmdb")

        with pytest.raises(SourceUnavailable, match="seconds"):
            popular(quiet_world)

    def test_an_answer_without_end(self, quiet_world: RunningWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        """More bytes than any answer has are not read into memory."""
        monkeypatch.setattr(client_module, "API_ANSWER", client_module._Bounds(10, 1_000))
        monkeypatch.setattr(client_module, "ATTEMPTS", 1)

        with pytest.raises(SourceUnavailable, match="1000 bytes"):
            popular(quiet_world)

    def test_a_redirect_is_not_followed(self, quiet_world: RunningWorld) -> None:
        """The token goes to no other host."""
        seen: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request.url.host)
            return httpx.Response(302, headers={"location": "http://evil.example/"})

        with pytest.raises(SourceUnavailable):
            with_client(quiet_world.settings(), lambda client: client.get("movie/603"), answer)

        assert set(seen) == {"127.0.0.1"}


class TestSettings:
    """What is wrong before the first request."""

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({}, "TMDB_READ_TOKEN"),
            ({"tmdb_read_token": "two words"}, "TMDB_READ_TOKEN"),
            ({"tmdb_read_token": "t", "tmdb_url": "http://tmdb.example/3"}, "CINEPULSE_TMDB_URL"),
            ({"tmdb_read_token": "t", "tmdb_requests_per_second": 50}, "CINEPULSE_TMDB_REQUESTS_PER_SECOND"),
        ],
    )
    def test_refused(self, fields: dict[str, Any], named: str) -> None:
        """No token, one that is none, one that would travel in the clear, a pace beyond TMDB's: each is named."""
        with pytest.raises(ConfigurationInvalid, match=named):
            client_on(Settings(**fields), Time())


def test_the_pacer_lets_unused_slots_expire() -> None:
    """A pause earns no burst: TMDB counts in a sliding second."""
    time = Time()

    async def run() -> None:
        pacer = Pacer(10, time.clock, time.sleep)
        time.clock.advance(60)
        for _ in range(5):
            await pacer.turn()

    asyncio.run(run())

    assert time.slept == pytest.approx([0.1] * 4)
