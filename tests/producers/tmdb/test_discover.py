from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from cinepulse.clock import ManualClock
from producers.tmdb import discover as discover_module
from producers.tmdb.discover import discover, read_page

TODAY = date(2026, 11, 21)


@dataclass
class Tmdb:
    """A client of a TMDB whose films lie on given days; shows no page beyond the last one allowed."""

    films: list[tuple[int, date, float]]
    page_size: int = 20
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """Return a page of discover."""
        assert path == "discover/movie"
        self.asked.append(parameters)
        assert parameters["page"] <= discover_module.LAST_PAGE
        first = parameters.get("primary_release_date.gte", "0000")
        last = parameters.get("primary_release_date.lte", "9999")
        chosen = sorted((one for one in self.films if first <= one[1].isoformat() <= last), key=lambda one: -one[2])
        start = (parameters["page"] - 1) * self.page_size
        results = [{"id": tmdb_id, "popularity": popularity} for tmdb_id, _, popularity in chosen]
        pages = -(-len(chosen) // self.page_size)
        return {"results": results[start : start + self.page_size], "total_pages": pages}


def read(tmdb: Tmdb, least: float = 0.0, *, windows: bool = True) -> list[int]:
    """Return the ids of all films that discover yields."""

    async def run() -> list[int]:
        pages = discover(tmdb, ManualClock(), TODAY, least, windows=windows)  # type: ignore[arg-type] # a double
        return [film["id"] async for page in pages for film in page.films]  # type: ignore[index] # JSON

    return asyncio.run(run())


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Tmdb:
    """Return 3,000 films of 300 days, ever less popular, at a TMDB that shows ten pages of a question."""
    monkeypatch.setattr(discover_module, "LAST_PAGE", 10)
    monkeypatch.setattr(discover_module, "PAGES_AT_ONCE", 2)
    days = [TODAY - timedelta(days=30 * number) for number in range(300)]
    return Tmdb([(number, days[number % 300], 3000.0 - number) for number in range(3000)])


class TestWindows:
    """More films than one question shows."""

    def test_every_film_is_read_once(self, crowd: Tmdb) -> None:
        """Windows of release dates are halved until each fits, and no film is missed or doubled."""
        found = read(crowd)

        assert sorted(found) == list(range(3000))

    def test_few_films_are_one_question(self) -> None:
        """A catalogue that fits is not divided."""
        tmdb = Tmdb([(number, TODAY, 1.0) for number in range(90)])

        assert sorted(read(tmdb)) == list(range(90))
        assert len(tmdb.asked) == 5
        assert all("primary_release_date.gte" not in asked for asked in tmdb.asked)

    def test_reading_stops_below_the_threshold(self, crowd: Tmdb) -> None:
        """Films less popular than asked for are not paged through; those more popular are all there."""
        found = read(crowd, least=2_500.0)

        assert set(range(500)) <= set(found)
        assert len(found) < 2000

    def test_a_day_beyond_measure_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A single day with more films than a question shows gives what it shows and does not divide for ever."""
        monkeypatch.setattr(discover_module, "LAST_PAGE", 3)
        tmdb = Tmdb([(number, TODAY, 1.0) for number in range(500)])

        assert len(set(read(tmdb))) == 60

    def test_without_windows(self, crowd: Tmdb) -> None:
        """Asked once, it gives the most popular that one question shows."""
        assert sorted(read(crowd, windows=False)) == list(range(200))


@pytest.mark.parametrize("answer", [{}, {"results": None}, {"results": {}}, {"results": [], "total_pages": "many"}])
def test_an_answer_of_another_form_is_an_empty_page(answer: dict[str, Any]) -> None:
    """A page without results has no films and nothing after it."""

    class Odd:
        async def get(self, _path: str, **_parameters: Any) -> dict[str, Any]:
            return answer

    page = asyncio.run(read_page(Odd(), ManualClock(7), "movie/popular"))  # type: ignore[arg-type] # a double

    assert (page.films, page.pages, page.received_at) == ([], 0, 7)
