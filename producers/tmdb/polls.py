"""Polls on a cadence: the lists that show what moves, the changes feed, and details that have grown old."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_SECOND
from producers.fields import INT_MAX, Fields
from producers.tmdb.coerce import read_movie, read_snapshot
from producers.tmdb.details import LISTING, read_details
from producers.tmdb.discover import read_page
from producers.tmdb.together import together
from schemas.events import Ranking, TitleSnapshot
from schemas.topics import TMDB_RANKINGS

if TYPE_CHECKING:
    from producers.tmdb.parts import Parts
    from schemas.events import Movie

# Twenty films a page: the top 200 of each list, whose votes move within the hour.
LIST_PAGES: Final = 10
LIST_FILMS: Final = 20 * LIST_PAGES

LISTS: Final = {
    "trending_day": "trending/movie/day",
    "trending_week": "trending/movie/week",
    "popular": "movie/popular",
    "now_playing": "movie/now_playing",
    "top_rated": "movie/top_rated",
}
"""Path by the name that snapshots bear as their source."""

RANKED: Final = frozenset({"popular"})
"""The lists whose joiners and leavers are told: each whole poll of them is a ranking."""

CHANGES: Final = "changes"
CHANGES_DAY: Final = "changes_day"
# What TMDB answers for at once; a longer absence is made up for by the details' own age.
MOST_CHANGE_DAYS: Final = 14
MOST_CHANGE_PAGES: Final = 100

# The votes of a tracked film that is in no list are this old at most.
DETAILS_AGE_SECONDS: Final = 6 * 3600


@dataclass(frozen=True, slots=True)
class Listed:
    """A list's films in its order, each once, and the snapshots that hold their ranks.

    `whole`: every entry of every page was a film and came once. A page that shifted while the list was read shows as a
    film that comes twice, and then another one was seen on no page.
    """

    movies: tuple[Movie, ...]
    snapshots: tuple[TitleSnapshot, ...]
    whole: bool


async def poll_list(parts: Parts, name: str) -> None:
    """Publish a list's films and their ranks, and the details of films never seen before.

    A ranked list that was read whole is published as one record too.

    Raises SourceUnavailable, SourceRefused.
    """
    begun = parts.begin()
    listed = await _read(parts, name)
    for snapshot in listed.snapshots:
        parts.send_snapshot(snapshot)
    parts.films.send(listed.movies, name)
    if name in RANKED and listed.whole:
        ranking = Ranking(observed_at=begun.at, tmdb_ids=tuple(movie.tmdb_id for movie in listed.movies))
        parts.outbox.send(TMDB_RANKINGS, name, ranking, listing=name, thing={"films": len(listed.movies)})
    await parts.report(name, begun, items=len(listed.snapshots))
    known = ((movie.tmdb_id, movie.popularity) for movie in listed.movies if movie.popularity is not None)
    parts.state.save_popularity(known, replace=False)
    await read_details(parts, parts.state.never_asked(movie.tmdb_id for movie in listed.movies))


async def poll_changes(parts: Parts) -> None:
    """Read anew the details of films that were edited since the last time, once a day. Raises as `poll_list`."""
    begun, today = parts.begin(), parts.today()
    last = date.fromisoformat(parts.state.get(CHANGES_DAY) or (today - timedelta(days=1)).isoformat())
    if last >= today:
        return
    start = max(last, today - timedelta(days=MOST_CHANGE_DAYS))
    changed: set[int] = set()
    number, pages = 0, 1
    while number < min(pages, MOST_CHANGE_PAGES):
        number += 1
        dates = {"start_date": start.isoformat(), "end_date": today.isoformat()}
        page = await read_page(parts.client, parts.clock, "movie/changes", page=number, **dates)
        pages = page.pages
        changed.update(
            tmdb_id for film in page.films if (tmdb_id := Fields(film).integer("id", 1, INT_MAX)) is not None
        )
    answered = await read_details(parts, parts.state.asked(sorted(changed)))
    await parts.report(CHANGES, begun, items=answered)
    parts.state.remember(CHANGES_DAY, today.isoformat())


async def refresh_details(parts: Parts) -> None:
    """Read some tracked films' details anew, those asked for longest ago first. Raises as `poll_list`.

    As many a round as renew all within DETAILS_AGE_SECONDS.
    """
    begun = parts.begin()
    tracked = parts.settings.tmdb_tracked_titles
    some = math.ceil(tracked * min(1.0, parts.settings.tmdb_poll_seconds / DETAILS_AGE_SECONDS))
    old = begun.at - DETAILS_AGE_SECONDS * MILLISECONDS_PER_SECOND
    due = parts.state.without_details(tracked, some, old)
    if due:
        await parts.report(LISTING, begun, items=await read_details(parts, due))


async def _read(parts: Parts, name: str) -> Listed:
    first = await read_page(parts.client, parts.clock, LISTS[name], page=1)
    numbers = range(2, min(first.pages, LIST_PAGES) + 1)
    others = await together(read_page(parts.client, parts.clock, LISTS[name], page=number) for number in numbers)
    movies: dict[int, Movie] = {}
    entries = 0
    snapshots: dict[int, TitleSnapshot] = {}
    for page in (first, *others):
        entries += len(page.films)
        for raw in page.films:
            movie = parts.usable(read_movie(raw, "list", page.received_at, parts.genres, parts.wrong), name, raw)
            snapshot = read_snapshot(raw, name, page.received_at, rank=len(snapshots) + 1)
            # Pages shift while they are read: a film that comes twice keeps its first place.
            if movie is not None and movie.tmdb_id not in movies and isinstance(snapshot, TitleSnapshot):
                movies[movie.tmdb_id], snapshots[movie.tmdb_id] = movie, snapshot
    # A page without films is an answer of another form, not the end of the list: that one has no such page.
    whole = bool(movies) and entries == len(movies) and all(page.films for page in (first, *others))
    return Listed(tuple(movies.values()), tuple(snapshots.values()), whole)
