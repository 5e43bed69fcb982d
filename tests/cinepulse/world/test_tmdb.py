"""The loopback TMDB answers with the real API's shapes, codes and gaps."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.clock import MILLISECONDS_PER_DAY, ManualClock
from cinepulse.world.catalog import Film, Films
from cinepulse.world.charts import Charts
from cinepulse.world.exports import Exports
from cinepulse.world.popularity import Popularity
from cinepulse.world.story import ACT_SECONDS, Cast, cast_of
from cinepulse.world.tmdb_records import detail_record, list_record
from tests.cinepulse.world.test_generator import FILMS
from tests.fixtures.world import running_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.world import RunningWorld

APPENDED = "alternative_titles,credits,keywords,external_ids,release_dates,translations"
NOON_MS = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp() * 1000)
UNKNOWN = Film(10, "Unknown", "Unknown", "en", "", (), "", 0.0, 0, 0.0, "", ())


@pytest.fixture(scope="module")
def tmdb() -> Iterator[RunningWorld]:
    """One world for the tests that only read."""
    with running_world(seed=1) as running:
        yield running


def popularity(started_ms: int = NOON_MS) -> Popularity:
    """Return the popularity in a world that started at an instant."""
    films = tuple(FILMS.by_id.values())
    return Popularity(1, lambda number: cast_of(1, number, films), lambda at: at - started_ms / 1000)


def cast() -> Cast:
    """Return the cast of the first act of seed 1."""
    return cast_of(1, 1, tuple(FILMS.by_id.values()))


class TestFilms:
    def test_details_hold_all_that_was_appended(self, tmdb: RunningWorld) -> None:
        """One request gives a film's facts and the appended parts the linker and the tables need."""
        film = tmdb.tmdb("/movie/153", append_to_response=APPENDED).json()

        assert (film["title"], film["release_date"], film["imdb_id"]) == (
            "Lost in Translation",
            "2003-09-18",
            "tt0335266",
        )
        assert all(part in film for part in APPENDED.split(","))
        assert film["credits"]["crew"][0]["name"] == "Sofia Coppola"
        assert all({"id", "name"} == genre.keys() for genre in film["genres"])
        assert "genre_ids" not in film

    def test_aliases_are_alternative_titles(self, tmdb: RunningWorld) -> None:
        """What people call a film is among its alternative titles, also at the part's own address."""
        appended = tmdb.tmdb("/movie/280", append_to_response="alternative_titles").json()["alternative_titles"]
        alone = tmdb.tmdb("/movie/280/alternative_titles").json()

        assert [entry["title"] for entry in appended["titles"]] == ["Terminator 2", "T2"]
        assert alone == {"id": 280, **appended}

    def test_money_beyond_32_bits(self, tmdb: RunningWorld) -> None:
        """The highest gross does not fit an int."""
        assert tmdb.tmdb("/movie/19995").json()["revenue"] > 1 << 31

    @pytest.mark.parametrize(("number", "expected"), [(9, None), (10, "")])
    def test_unknowns_are_null_empty_or_zero(self, number: int, expected: str | None) -> None:
        """A missing date is "" or null in details, a missing number 0 or null, no rating an integer 0."""
        film = Film(number, *[getattr(UNKNOWN, name) for name in UNKNOWN.__slots__[1:]])

        record = detail_record(film, 0.5, 0, "2026-01-01")

        assert record["release_date"] == expected
        assert record["imdb_id"] is None
        assert record["runtime"] in (None, 0)
        assert (record["budget"], record["revenue"], record["vote_average"]) == (0, 0, 0)
        assert json.dumps(record["vote_average"]) == "0"

    def test_lists_may_lack_the_date_and_round_the_average(self) -> None:
        """Some films have no `release_date` key in lists at all; 7.0 is written 7."""
        undated = Film(9, *[getattr(UNKNOWN, name) for name in UNKNOWN.__slots__[1:]])
        rated = FILMS.by_id[680]

        assert "release_date" not in list_record(undated, 0.5, 0)
        assert json.dumps(list_record(rated, 1.0, 5)["vote_average"]) in ("8.5", "8")
        assert isinstance(
            list_record(Film(1, "A", "A", "en", "", (), "", 1.0, 5, 7.0, "", ()), 1.0, 5)["vote_average"], int
        )


class TestLists:
    @pytest.mark.parametrize(
        "path", ["/movie/popular", "/movie/top_rated", "/trending/movie/day", "/trending/movie/week", "/discover/movie"]
    )
    def test_all_pages_together_hold_each_film_once(self, tmdb: RunningWorld, path: str) -> None:
        """Twenty a page, no film twice, and the totals are what the pages give."""
        first = tmdb.tmdb(path).json()
        ids = [
            film["id"]
            for page in range(1, first["total_pages"] + 1)
            for film in tmdb.tmdb(path, page=page).json()["results"]
        ]

        assert len(first["results"]) == 20
        assert len(ids) == len(set(ids)) == first["total_results"]
        assert tmdb.tmdb(path, page=first["total_pages"] + 1).json()["results"] == []

    def test_popular_is_discover_by_popularity(self, tmdb: RunningWorld) -> None:
        """Both are the same order, and popularity falls along it."""
        popular = tmdb.tmdb("/movie/popular").json()["results"]
        discovered = tmdb.tmdb("/discover/movie", sort_by="popularity.desc").json()["results"]

        assert [film["id"] for film in popular] == [film["id"] for film in discovered]
        assert [film["popularity"] for film in popular] == sorted(
            (film["popularity"] for film in popular), reverse=True
        )

    def test_discover_filters(self, tmdb: RunningWorld) -> None:
        """Dates bound on both sides, a genre, a language and votes narrow the list."""
        query: dict[str, Any] = {
            "primary_release_date.gte": "1979-01-01",
            "primary_release_date.lte": "1989-12-31",
            "with_genres": "27",
            "vote_count.gte": "5000",
            "sort_by": "primary_release_date.asc",
        }

        found = tmdb.tmdb("/discover/movie", **query).json()["results"]

        assert found[0]["title"] == "Alien"
        assert all("1979" <= film["release_date"][:4] <= "1989" and 27 in film["genre_ids"] for film in found)
        assert [film["release_date"] for film in found] == sorted(film["release_date"] for film in found)

    @pytest.mark.parametrize("page", ["0", "501", "x", "-1", ""])
    def test_pages_run_from_1_to_500(self, tmdb: RunningWorld, page: str) -> None:
        """Any other page is status code 22."""
        response = tmdb.tmdb("/discover/movie", page=page)

        assert (response.status_code, response.json()["status_code"]) == (400, 22)

    def test_cinema_lists_say_their_dates(self, tmdb: RunningWorld) -> None:
        """Now playing and upcoming carry the span that they cover, and are never empty."""
        for path in ("/movie/now_playing", "/movie/upcoming"):
            answer = tmdb.tmdb(path).json()

            assert answer["dates"]["minimum"] < answer["dates"]["maximum"]
            assert answer["results"]

    def test_changes_list_ids_of_a_span(self, tmdb: RunningWorld) -> None:
        """More days hold more edited films; more than fourteen are refused with code 20."""
        day = tmdb.tmdb("/movie/changes").json()
        week = tmdb.tmdb("/movie/changes", start_date="2026-01-01", end_date="2026-01-08").json()
        refused = tmdb.tmdb("/movie/changes", start_date="2026-01-01", end_date="2026-02-01")

        assert 0 < day["total_results"] < week["total_results"]
        assert all(entry.keys() == {"id", "adult"} for entry in day["results"])
        assert refused.json()["status_code"] == 20

    def test_the_rest_is_there(self, tmdb: RunningWorld) -> None:
        """Configuration, genres and finding by IMDb id."""
        assert tmdb.tmdb("/configuration").json()["images"]["secure_base_url"].startswith("https://")
        assert {"id": 878, "name": "Science Fiction"} in tmdb.tmdb("/genre/movie/list").json()["genres"]
        found = tmdb.tmdb("/find/tt0133093", external_source="imdb_id").json()
        assert [film["id"] for film in found["movie_results"]] == [603]
        assert tmdb.tmdb("/find/tt0133093").json()["status_code"] == 5


class TestGate:
    def test_a_wrong_token_is_code_7(self, tmdb: RunningWorld) -> None:
        """No token and a wrong one are refused; the right one also works as `api_key`."""
        wrong = tmdb.get("/tmdb/3/movie/603", headers={"authorization": "Bearer no"})

        assert (wrong.status_code, wrong.json()["status_code"], wrong.json()["success"]) == (401, 7, False)
        assert tmdb.get("/tmdb/3/movie/603").status_code == 401
        assert tmdb.get(f"/tmdb/3/movie/603?api_key={tmdb.read_token}").status_code == 200

    @pytest.mark.parametrize(
        "path", ["/movie/999999999", "/movie/x", "/movie/603/nothing", "/nothing", "/trending/movie/year"]
    )
    def test_what_is_not_there_is_code_34(self, tmdb: RunningWorld, path: str) -> None:
        """Unknown films and unknown resources are 404 with TMDB's body."""
        response = tmdb.tmdb(path)

        assert (response.status_code, response.json()["status_code"]) == (404, 34)

    def test_too_many_requests_are_code_25(self, make_world: Callable[..., RunningWorld]) -> None:
        """Beyond the rate the answer is 429 and says when to come back."""
        world = make_world(tmdb_rate=3)

        answers = [world.tmdb("/configuration") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].json()["status_code"] == 25
        assert answers[-1].headers["retry-after"] == "1"

    def test_too_many_appended_are_code_27(self, tmdb: RunningWorld) -> None:
        """Twenty parts may be appended, not more."""
        assert tmdb.tmdb("/movie/603", append_to_response=",".join(["credits"] * 21)).json()["status_code"] == 27


class TestExports:
    def test_the_file_is_every_films_line(self, tmdb: RunningWorld) -> None:
        """Yesterday's export is gzip JSON lines of all films, without votes, and needs no token."""
        yesterday = datetime.now(UTC) - timedelta(days=1, hours=8)

        response = tmdb.get(f"/tmdb/files/p/exports/movie_ids_{yesterday:%m_%d_%Y}.json.gz")

        lines = [json.loads(line) for line in gzip.decompress(response.content).decode().splitlines()]
        assert {line["id"] for line in lines} == FILMS.by_id.keys()
        assert lines[0].keys() == {"adult", "id", "original_title", "popularity", "video"}

    def test_files_come_at_8_and_stay_three_months(self) -> None:
        """Today's file is there from 08:00 UTC on, yesterday's always, one of half a year ago no more."""
        clock = ManualClock(NOON_MS)
        exports = Exports(FILMS.by_id, popularity(), clock)
        names = [f"movie_ids_{day}_2026.json.gz" for day in ("03_10", "03_09", "03_11", "02_30")]

        at_noon = [exports.day_of(name) is not None for name in names]
        clock.wall_ms = NOON_MS - 5 * 3_600_000
        at_seven = [exports.day_of(name) is not None for name in names]
        clock.wall_ms = NOON_MS + 91 * MILLISECONDS_PER_DAY

        assert (at_noon, at_seven) == ([True, True, False, False], [False, True, False, False])
        assert exports.day_of(names[0]) is None

    def test_a_file_never_changes(self) -> None:
        """Made twice, a day's file has the same bytes; another day's popularity differs."""
        day = datetime(2026, 3, 9, tzinfo=UTC).date()
        first = Exports(FILMS.by_id, popularity(), ManualClock(NOON_MS)).content(day)
        second = Exports(FILMS.by_id, popularity(), ManualClock(NOON_MS + 1)).content(day)
        other = Exports(FILMS.by_id, popularity(), ManualClock(NOON_MS)).content(day - timedelta(days=1))

        assert first == second != other


class TestMovement:
    def test_popularity_follows_the_talk(self) -> None:
        """A trailer's film is as popular as ever while its burst of talk peaks, and rises afterwards."""
        burst, start = cast().burst, NOON_MS / 1000
        moving = popularity()

        before, peak, later = (
            moving.at(burst, start + share * ACT_SECONDS, moving.factors(start + share * ACT_SECONDS))
            for share in (0.0, 0.08, 0.25)
        )

        assert peak == pytest.approx(before, rel=0.05)
        assert later > 1.5 * before

    def test_a_day_moves_all_films_a_little(self) -> None:
        """From one day to the next nearly every popularity differs, by a few percent."""
        moving, films = popularity(), list(FILMS.by_id.values())[:200]
        today, tomorrow = NOON_MS / 1000 - 86_400 * 3, NOON_MS / 1000 - 86_400 * 2

        ratios = [moving.at(film, tomorrow, {}) / moving.at(film, today, {}) for film in films]

        assert sum(ratio != 1 for ratio in ratios) > 190
        assert all(0.8 < ratio < 1.25 for ratio in ratios)

    def test_votes_can_fall(self) -> None:
        """Votes mostly grow over a day, but some are taken back."""
        moving, films = popularity(), list(FILMS.by_id.values())
        hours = [NOON_MS / 1000 - 86_400 * 5 + hour * 3600 for hour in range(48)]
        grown = [moving.votes(film, hours[-1], {}) - moving.votes(film, hours[0], {}) for film in films]

        assert any(change > 0 for change in grown)
        assert any(change < 0 for change in grown)
        assert all(moving.votes(film, hours[0], {}) == 0 for film in films if film.vote_count == 0)

    def test_a_chart_changes_with_its_step(self) -> None:
        """Orders are kept for a few seconds and made anew when popularity has moved."""
        clock = ManualClock(NOON_MS)
        films = Films({cast().burst.tmdb_id: cast().burst, 603: FILMS.by_id[603]})
        charts = Charts(films.by_id, popularity(), clock)
        charts.refresh()
        before = charts.numbers(cast().burst)
        clock.advance(1)
        charts.refresh()
        same = charts.numbers(cast().burst)
        clock.advance(150)
        charts.refresh()

        assert before == same
        assert charts.numbers(cast().burst)[0] > before[0]


def test_a_large_catalogue_is_served() -> None:
    """With the shared catalogue, lists end at page 500 while totals tell the truth."""
    path = Path(__file__).parents[4] / "shared" / "data" / "catalog.csv.gz"
    if not path.exists():
        pytest.skip("the shared catalogue is not at hand")

    with running_world(seed=1, catalog=path) as world:
        last = world.tmdb("/discover/movie", page=500).json()

    assert last["total_results"] == 88_703
    assert last["total_pages"] == 4_436
    assert len(last["results"]) == 20
