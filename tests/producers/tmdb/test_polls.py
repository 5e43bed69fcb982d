from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.clock import ManualClock
from producers.tmdb import polls
from producers.tmdb.discover import read_page
from producers.tmdb.polls import LISTS, poll_changes, poll_list, refresh_details
from producers.tmdb.run import jobs_of, read_catalog
from producers.tmdb.schedule import Loop, attempt
from schemas.topics import TMDB_MOVIES, TMDB_POPULARITY, TMDB_RANKINGS
from tests.fixtures.world import running_world
from tests.producers.tmdb.bench import with_parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from producers.tmdb.parts import Parts
    from schemas.publisher import Publisher
    from tests.fixtures.world import RunningWorld
    from tests.producers.tape import Tape

pytestmark = pytest.mark.real

DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def shared_world() -> Iterator[RunningWorld]:
    """Return one world for all tests of the module."""
    with running_world(seed=1) as world:
        yield world


@pytest.fixture
def do(shared_world: RunningWorld, tmp_path: Path, publisher: Publisher, tape: Tape) -> Callable[..., Any]:
    """Return a function that runs a use of the parts after the catalogue is there; the tape holds what it did."""
    shared_world.clear_faults()

    def run(use: Callable[[Parts], Awaitable[Any]], **changes: Any) -> Any:
        settings = shared_world.settings(**{"tmdb_tracked_titles": 40} | changes)

        async def whole(parts: Parts) -> Any:
            await read_catalog(parts)
            tape.rewind()
            return await use(parts)

        return with_parts(settings, tmp_path, publisher, whole)

    return run


def advance(parts: Parts, seconds: float) -> None:
    """Move the parts' clock."""
    assert isinstance(parts.clock, ManualClock)
    parts.clock.advance(seconds)


class TestLists:
    """The top of each list."""

    @pytest.mark.parametrize("name", LISTS)
    def test_ranks_follow_the_list(
        self, do: Callable[..., Any], tape: Tape, shared_world: RunningWorld, name: str
    ) -> None:
        """Each film of the list's first pages has its place, from 1 on, each once, with its numbers."""

        async def use(parts: Parts) -> list[int]:
            page = await parts.client.get(LISTS[name], page=1)
            await poll_list(parts, name)
            return [film["id"] for film in page["results"]]

        first_page = do(use)

        snapshots = sorted(
            (one for _, one in tape.read(TMDB_POPULARITY) if one.source == name), key=lambda one: one.rank
        )
        assert [one.rank for one in snapshots] == list(range(1, len(snapshots) + 1))
        assert len({one.tmdb_id for one in snapshots}) == len(snapshots) <= 200
        assert {one.tmdb_id for one in snapshots[:20]} & set(first_page)
        assert tape.reports(name)[-1].items == len(snapshots)
        assert shared_world.state()["films"] >= len(snapshots)

    def test_films_never_asked_for_get_their_details(self, do: Callable[..., Any], tape: Tape) -> None:
        """A film that shows up in a list is published with details, whether it is tracked or not; a second time not."""

        async def use(parts: Parts) -> int:
            await poll_list(parts, "now_playing")
            before = parts.client.requests
            await poll_list(parts, "now_playing")
            return parts.client.requests - before

        again = do(use, tmdb_tracked_titles=1)

        listed = {one.tmdb_id for _, one in tape.read(TMDB_POPULARITY) if one.source == "now_playing"}
        detailed = {key for key, movie in tape.read(TMDB_MOVIES) if movie.source == "details"}
        assert detailed <= listed
        assert len(listed - detailed) <= 1, "all but the one tracked film, which had its details before"
        assert again <= 10


class TestRankings:
    """The popular list as one record."""

    def test_a_whole_poll_is_a_ranking(self, do: Callable[..., Any], tape: Tape) -> None:
        """Its films in the order of the snapshots' ranks, at the poll's begin; other lists are none."""

        async def use(parts: Parts) -> None:
            await poll_list(parts, "popular")
            await poll_list(parts, "now_playing")

        do(use)

        snapshots = sorted(
            (one for _, one in tape.read(TMDB_POPULARITY) if one.source == "popular"), key=lambda one: one.rank
        )
        ((listing, ranking),) = tape.read(TMDB_RANKINGS)
        assert listing == "popular"
        assert ranking.tmdb_ids == tuple(one.tmdb_id for one in snapshots)
        assert ranking.observed_at == tape.reports("popular")[-1].started_at

    def test_a_list_that_shifted_while_it_was_read_is_none(
        self, do: Callable[..., Any], tape: Tape, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A film seen on two pages stands for one seen on none, which would be told as having left."""

        async def shifted(client: Any, clock: Any, path: str, **parameters: Any) -> Any:
            page = await read_page(client, clock, path, **parameters)
            if parameters["page"] == 1:
                last.extend(page.films[-1:])
            if parameters["page"] == 2:
                page.films[:1] = last
            return page

        last: list[object] = []

        async def use(parts: Parts) -> None:
            monkeypatch.setattr(polls, "read_page", shifted)
            await poll_list(parts, "popular")

        do(use)

        assert tape.read(TMDB_RANKINGS) == []
        assert tape.reports("popular")[-1].outcome == "ok"


class TestFreshness:
    """Details that grow old."""

    def test_details_are_renewed_in_turn(self, do: Callable[..., Any], tape: Tape) -> None:
        """After their age all tracked films are asked again, a share of them each round, the oldest first."""

        async def use(parts: Parts) -> list[int]:
            counts = []
            advance(parts, 6 * 3600 + 1)
            for _ in range(7):
                before = parts.client.requests
                await refresh_details(parts)
                counts.append(parts.client.requests - before)
                advance(parts, 1)
            return counts

        counts = do(use, tmdb_poll_seconds=3600)

        assert counts == [7, 7, 7, 7, 7, 5, 0]
        snapshots = [one.tmdb_id for _, one in tape.read(TMDB_POPULARITY) if one.source == "details"]
        assert len(snapshots) == len(set(snapshots)) == 40
        assert tape.read(TMDB_MOVIES) == []

    def test_edited_films_are_read_anew_once_a_day(self, do: Callable[..., Any], tape: Tape) -> None:
        """The changes feed leads to the details of the films among them that are known by details, once a day."""

        async def use(parts: Parts) -> tuple[int, int, int]:
            counts = []
            for seconds in (0, 60, DAY_SECONDS):
                advance(parts, seconds)
                before = parts.client.requests
                await poll_changes(parts)
                counts.append(parts.client.requests - before)
            return counts[0], counts[1], counts[2]

        first, at_once, next_day = do(use, tmdb_tracked_titles=500)

        assert first > 1
        assert at_once == 0
        assert next_day > 1
        assert [report.outcome for report in tape.reports("changes")] == ["ok", "ok"]


class TestLoop:
    """Everything in turn, for ever."""

    def test_every_job_has_its_turn(self, do: Callable[..., Any], tape: Tape) -> None:
        """In some rounds each list is polled as often as the others: none starves another."""

        async def use(parts: Parts) -> None:
            loop = Loop(parts, jobs_of(parts))
            until = parts.clock.monotonic() + 2 * 3600 - 1
            while parts.clock.monotonic() < until:
                await loop.turn()

        do(use, tmdb_poll_seconds=3600)

        polls = [[report.outcome for report in tape.reports(name)] for name in LISTS]
        assert min(len(outcomes) for outcomes in polls) >= 2
        assert max(len(outcomes) for outcomes in polls) <= 3
        assert {outcome for outcomes in polls for outcome in outcomes} == {"ok"}

    def test_a_failed_poll_is_reported_and_repeated(
        self, do: Callable[..., Any], tape: Tape, shared_world: RunningWorld
    ) -> None:
        """An outage of one list shows in its coverage and costs the others nothing."""

        async def use(parts: Parts) -> float | None:
            shared_world.fault("status", status=503, path="/movie/popular", count=100)
            (job,) = (job for job in jobs_of(parts) if job.name == "popular")
            pause = await attempt(parts, job)
            shared_world.clear_faults()
            await attempt(parts, job)
            return pause

        pause = do(use)

        reports = tape.reports("popular")
        assert [report.outcome for report in reports] == ["failed", "ok"]
        assert "503" in str(reports[0].error)
        assert pause is not None
        assert pause > 0
