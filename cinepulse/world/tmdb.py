"""The loopback TMDB: the part of its v3 API that follows films, and the daily export files.

Shapes and status codes follow https://developer.themoviedb.org/reference/ and /docs/errors.
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from cinepulse.world import tmdb_records as records
from cinepulse.world.discover import chosen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from cinepulse.clock import Clock
    from cinepulse.world.catalog import Film
    from cinepulse.world.charts import Charts
    from cinepulse.world.exports import Exports

PAGE_ITEMS: Final = 20
CHANGES_ITEMS: Final = 100
LAST_PAGE: Final = 500
MOST_APPENDED: Final = 20
MOST_CHANGE_DAYS: Final = 14
# One film in so many is edited on a day.
EDITED_SHARE: Final = 25
ERRORS: Final[Mapping[int, tuple[int, str]]] = {
    5: (422, "Invalid parameters: Your request parameters are incorrect."),
    7: (401, "Invalid API key: You must be granted a valid key."),
    20: (422, "Invalid date range: Should be a range no longer than 14 days."),
    22: (400, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer."),
    25: (429, "Your request count is over the allowed limit."),
    27: (400, "Too many append to response objects: The maximum number of remote calls is 20."),
    34: (404, "The resource you requested could not be found."),
}


class Refused(Exception):
    """The request is answered with one of TMDB's status codes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Tmdb:
    """TMDB's routes over a catalogue.

    `read_token`: the bearer token that is right, "" to accept any. `requests_per_second`: beyond it, 429.
    """

    charts: Charts
    exports: Exports
    clock: Clock
    read_token: str
    requests_per_second: float
    null_films: set[int] = field(default_factory=set)
    _recent: deque[float] = field(default_factory=deque)

    def routes(self) -> list[Route]:
        """Return the API's routes below /3 and the files' below /files."""
        signed = self._signed
        return [
            Route("/3/configuration", signed(self._configuration)),
            Route("/3/genre/movie/list", signed(self._genres)),
            Route("/3/genre/tv/list", signed(self._genres)),
            Route("/3/trending/movie/{window}", signed(self._trending)),
            Route("/3/movie/{name:str}", signed(self._movie)),
            Route("/3/movie/{name:str}/{part:str}", signed(self._movie_part)),
            Route("/3/discover/movie", signed(self._discover)),
            Route("/3/find/{external_id}", signed(self._find)),
            Route("/3/{rest:path}", signed(self._unknown)),
            Route("/files/p/exports/{name}", self.exports.serve),
        ]

    # --- the gate

    def _signed(self, handler: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def run(request: Request) -> Response:
            try:
                self._admit(request)
                return answer(await handler(request))
            except Refused as refused:
                return refusal(refused.code)

        return run

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token if scheme.lower() == "bearer" else request.query_params.get("api_key", "")
        if not given or (self.read_token and not hmac.compare_digest(given.encode(), self.read_token.encode())):
            raise Refused(7)
        now = self.clock.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.requests_per_second:
            raise Refused(25)
        self._recent.append(now)

    # --- films

    async def _movie(self, request: Request) -> dict[str, Any]:
        name = request.path_params["name"]
        lists: Mapping[str, Callable[[], dict[str, Any]]] = {
            "popular": lambda: self._page(request, self.charts.popular()),
            "top_rated": lambda: self._page(request, self.charts.top_rated()),
            "now_playing": lambda: self._dated(request, self.charts.now_playing_dates()),
            "upcoming": lambda: self._dated(request, self.charts.upcoming_dates()),
            "changes": lambda: self._changes(request),
        }
        return lists[name]() if name in lists else self._details(request, self._film(name))

    def _details(self, request: Request, film: Film) -> dict[str, Any]:
        self.charts.refresh()
        if film.tmdb_id in self.null_films:
            return records.null_record(film.tmdb_id)
        record = records.detail_record(film, *self.charts.numbers(film), self.charts.today().isoformat())
        parts = [part for part in request.query_params.get("append_to_response", "").split(",") if part]
        if len(parts) > MOST_APPENDED:
            raise Refused(27)
        return record | {part: records.APPENDABLE[part](film) for part in parts if part in records.APPENDABLE}

    async def _movie_part(self, request: Request) -> dict[str, Any]:
        film, part = self._film(request.path_params["name"]), request.path_params["part"]
        if part not in records.APPENDABLE:
            raise Refused(34)
        return {"id": film.tmdb_id} | records.APPENDABLE[part](film)

    def _film(self, name: str) -> Film:
        film = self.charts.films.get(int(name.partition("-")[0])) if name.partition("-")[0].isdecimal() else None
        if film is None:
            raise Refused(34)
        return film

    # --- lists

    async def _trending(self, request: Request) -> dict[str, Any]:
        window = request.path_params["window"]
        if window not in ("day", "week"):
            raise Refused(34)
        return self._page(request, self.charts.trending(window), media_type="movie")

    async def _discover(self, request: Request) -> dict[str, Any]:
        query = tuple(sorted((name, text) for name, text in request.query_params.items() if name != "page"))
        sort_by = request.query_params.get("sort_by", "popularity.desc")
        films = self.charts.order(
            ("discover", query), lambda: self.charts.sorted_by(sort_by, chosen(self.charts.films.values(), dict(query)))
        )
        return self._page(request, films)

    def _dated(self, request: Request, dates: tuple[date, date]) -> dict[str, Any]:
        bounds = {"maximum": dates[1].isoformat(), "minimum": dates[0].isoformat()}
        return {"dates": bounds} | self._page(request, self.charts.released_between(*dates))

    def _page(self, request: Request, films: Sequence[Film], **extra: str) -> dict[str, Any]:
        page = page_number(request)
        shown = films[(page - 1) * PAGE_ITEMS : page * PAGE_ITEMS]
        results = [records.list_record(film, *self.charts.numbers(film)) | extra for film in shown]
        return paged(page, results, len(films), PAGE_ITEMS)

    def _changes(self, request: Request) -> dict[str, Any]:
        page, query = page_number(request), request.query_params
        last = _day(query.get("end_date")) or self.charts.today()
        first = _day(query.get("start_date")) or last - timedelta(days=1)
        if not timedelta(0) <= last - first <= timedelta(days=MOST_CHANGE_DAYS):
            raise Refused(20)
        days = [first.toordinal() + step for step in range((last - first).days + 1)]
        edited = self.charts.order(
            ("edited", first, last),
            lambda: [
                film
                for film in self.charts.films.values()
                if any((film.tmdb_id + day) % EDITED_SHARE == 0 for day in days)
            ],
        )
        shown = edited[(page - 1) * CHANGES_ITEMS : page * CHANGES_ITEMS]
        results = [{"id": film.tmdb_id, "adult": None if film.tmdb_id % 11 == 0 else False} for film in shown]
        return paged(page, results, len(edited), CHANGES_ITEMS)

    # --- the rest

    async def _configuration(self, _request: Request) -> dict[str, Any]:
        images = {
            "base_url": "http://image.tmdb.org/t/p/",
            "secure_base_url": "https://image.tmdb.org/t/p/",
            "backdrop_sizes": ["w300", "w780", "w1280", "original"],
            "logo_sizes": ["w45", "w92", "w154", "w185", "w300", "w500", "original"],
            "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
            "profile_sizes": ["w45", "w185", "h632", "original"],
            "still_sizes": ["w92", "w185", "w300", "original"],
        }
        return {"images": images, "change_keys": ["alternative_titles", "release_dates", "title", "translations"]}

    async def _genres(self, _request: Request) -> dict[str, Any]:
        return {"genres": [{"id": number, "name": name} for number, name in records.GENRES.items()]}

    async def _find(self, request: Request) -> dict[str, Any]:
        if request.query_params.get("external_source") != "imdb_id":
            raise Refused(5)
        wanted = request.path_params["external_id"]
        self.charts.refresh()
        found = [film for film in self.charts.films.values() if film.imdb_id == wanted]
        movies = [records.list_record(film, *self.charts.numbers(film)) | {"media_type": "movie"} for film in found]
        others = ("person_results", "tv_results", "tv_episode_results", "tv_season_results")
        return {"movie_results": movies, **{name: [] for name in others}}

    async def _unknown(self, _request: Request) -> dict[str, Any]:
        raise Refused(34)


def answer(body: Any) -> Response:
    """Return a JSON response."""
    return Response(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), media_type="application/json")


def refusal(code: int, retry_after: int = 1) -> Response:
    """Return TMDB's error body of a status code."""
    status, message = ERRORS[code]
    body = {"success": False, "status_code": code, "status_message": message}
    headers = {"retry-after": str(retry_after)} if code == 25 else None  # noqa: PLR2004 - TMDB's own number
    return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/json")


def page_number(request: Request) -> int:
    """Return the page asked for; raises Refused(22) when it is not a number from 1 to 500."""
    text = request.query_params.get("page", "1")
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PAGE:
        raise Refused(22)
    return int(text)


def paged(page: int, results: Sequence[Any], total: int, page_items: int) -> dict[str, Any]:
    """Return a page of results; the number of pages is not cut at the last that can be asked for."""
    return {"page": page, "results": results, "total_pages": -(-total // page_items), "total_results": total}


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
