"""TMDB's JSON as records of the contract: pure and tolerant.

TMDB's traps: "" for an unknown date, 0 for an unknown runtime, budget or revenue, 0.0 for no rating, genre ids in lists
and genre names in details, revenues beyond 32 bits, whole averages as integers.
https://developer.themoviedb.org/reference/movie-details
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from cinepulse.errors import InvalidRecord, Poison
from producers.fields import INT_MAX, Fields, ignore
from schemas.events import Movie, TitleSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Genres = dict[int, str]

MAX_TITLE_CHARS: Final = 1_000
MAX_NAME_CHARS: Final = 300
MAX_CODE_CHARS: Final = 40

# Enough for the linker's context cues and to tell films of one title apart.
CAST_KEPT: Final = 10
DIRECTORS_KEPT: Final = 5
COMPANIES_KEPT: Final = 10
GENRES_KEPT: Final = 20
ALIASES_KEPT: Final = 60

# A date, or a time that begins with one.
DAY_CHARS: Final = 10
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
YEAR: Final = re.compile(r"\d{4}")
IMDB_ID: Final = re.compile(r"tt\d{5,12}")


def read_movie(
    raw: object, source: str, observed_at: int, genres: Mapping[int, str], wrong: Callable[[str], None] = ignore
) -> Movie | Poison:
    """Return a film from a list's or the details' JSON, or why it can be none.

    Args:
        raw: decoded JSON of any shape.
        source: list or details.
        observed_at: when the answer was received, milliseconds since 1970-01-01 UTC.
        genres: names by id, for lists.
        wrong: told the name of each field whose value is unusable.
    """
    data = Fields(raw, wrong)
    tmdb_id = data.integer("id", 1, INT_MAX)
    if tmdb_id is None:
        return InvalidRecord("a film without an id", reason="missing_id")
    original_title = _title(data, "original_title")
    title = _title(data, "title") or original_title
    if title is None:
        return InvalidRecord(f"film {tmdb_id} has no title", reason="missing_title")
    credits_ = data.object("credits")
    vote_count = data.integer("vote_count", 0)
    return Movie(
        tmdb_id=tmdb_id,
        title=title,
        observed_at=observed_at,
        source=source,
        original_title=original_title,
        original_language=data.text("original_language", MAX_CODE_CHARS),
        alternative_titles=_aliases(data, {title, original_title}),
        release_date=_date(data, "release_date") or _earliest_release(data),
        genres=_genres(data, genres),
        companies=_names(data.objects("production_companies"), COMPANIES_KEPT),
        directors=_names((one for one in credits_.objects("crew") if one.raw.get("job") == "Director"), DIRECTORS_KEPT),
        cast=_names(credits_.objects("cast"), CAST_KEPT),
        collection=data.object("belongs_to_collection").text("name", MAX_NAME_CHARS),
        runtime_minutes=data.integer("runtime", 0, INT_MAX) or None,
        budget_usd=data.integer("budget", 0) or None,
        revenue_usd=data.integer("revenue", 0) or None,
        imdb_id=_matching(data, "imdb_id", IMDB_ID),
        status=data.text("status", MAX_CODE_CHARS),
        popularity=data.number("popularity", 0),
        vote_count=vote_count,
        vote_average=_vote_average(data, vote_count),
        poster_path=data.text("poster_path", MAX_NAME_CHARS),
    )


def read_snapshot(
    raw: object, source: str, observed_at: int, rank: int | None = None, wrong: Callable[[str], None] = ignore
) -> TitleSnapshot | Poison:
    """Return a film's popularity and votes, or why there are none.

    Args:
        raw: decoded JSON of any shape.
        source: list or call that it came from, as the contract names them.
        observed_at: when the answer was received, milliseconds since 1970-01-01 UTC.
        rank: position in the list, 1 is the top; None for sources without an order.
        wrong: told the name of each field whose value is unusable.
    """
    data = Fields(raw, wrong)
    tmdb_id = data.integer("id", 1, INT_MAX)
    if tmdb_id is None:
        return InvalidRecord("a film without an id", reason="missing_id")
    vote_count = data.integer("vote_count", 0)
    snapshot = TitleSnapshot(
        tmdb_id=tmdb_id,
        observed_at=observed_at,
        source=source,
        rank=rank,
        popularity=data.number("popularity", 0),
        vote_count=vote_count,
        vote_average=_vote_average(data, vote_count),
    )
    if snapshot.rank is None and snapshot.popularity is None and snapshot.vote_count is None:
        return InvalidRecord(f"film {tmdb_id} has neither popularity nor votes", reason="missing_numbers")
    return snapshot


def read_genres(raw: object) -> Genres:
    """Return genre names by id from `genre/movie/list`."""
    found: Genres = {}
    for genre in Fields(raw).objects("genres"):
        number, name = genre.integer("id"), genre.text("name", MAX_NAME_CHARS)
        if number is not None and name is not None:
            found[number] = name
    return found


def _title(data: Fields, name: str) -> str | None:
    text = data.text(name, MAX_TITLE_CHARS)
    return (text.strip() or None) if text is not None else None


def _vote_average(data: Fields, vote_count: int | None) -> float | None:
    average = data.number("vote_average", 0, 10)
    return average if vote_count else None


def _date(data: Fields, name: str) -> str | None:
    text = data.text(name, MAX_CODE_CHARS)
    if text is None:
        return None
    # A year alone is read as its first day: the year is what tells films of one title apart.
    day = f"{text}-01-01" if YEAR.fullmatch(text) else text[:DAY_CHARS]
    try:
        if DATE.fullmatch(day):
            return date.fromisoformat(day).isoformat()
    except ValueError:
        pass
    data.wrong(name)
    return None


def _earliest_release(data: Fields) -> str | None:
    """Return the first date of `release_dates`, which is there when `release_date` may not be."""
    countries = data.object("release_dates").objects("results")
    days = (_date(one, "release_date") for country in countries for one in country.objects("release_dates"))
    return min((day for day in days if day is not None), default=None)


def _genres(data: Fields, genres: Mapping[int, str]) -> tuple[str, ...]:
    if "genres" in data.raw:
        return _names(data.objects("genres"), GENRES_KEPT)
    ids = data.raw.get("genre_ids")
    if ids is None:
        return ()
    if not isinstance(ids, list):
        data.wrong("genre_ids")
        return ()
    return _distinct(genres[number] for number in ids if isinstance(number, int) and number in genres)


def _aliases(data: Fields, known: set[str | None]) -> tuple[str, ...]:
    titles = (_title(one, "title") for one in data.object("alternative_titles").objects("titles"))
    return _distinct(title for title in titles if title is not None and title not in known)[:ALIASES_KEPT]


def _names(people: Iterable[Fields], most: int) -> tuple[str, ...]:
    return _distinct(name for one in people if (name := one.text("name", MAX_NAME_CHARS)) is not None)[:most]


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _matching(data: Fields, name: str, pattern: re.Pattern[str]) -> str | None:
    text = data.text(name, MAX_CODE_CHARS)
    if text is None or pattern.fullmatch(text):
        return text
    data.wrong(name)
    return None
