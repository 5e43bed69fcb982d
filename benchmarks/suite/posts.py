"""Posts to link and the films that they may name: recorded ones from the project's data folder, or generated ones.

Recorded posts and the catalogue of 20,000 films are those that `make train` reads; a world without them is generated
from the films that come with the loopback TMDB.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from functools import lru_cache
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.errors import Poison
from cinepulse.world.catalog import load_films
from cinepulse.world.generator import Generator
from producers.backfill.posts import post_of, thing_of
from producers.reddit.records import read_post
from schemas.events import CoverageKey, Movie, PollReport, RedditPost
from schemas.publisher import Publisher
from schemas.topics import PIPELINE_COVERAGE, TMDB_MOVIES
from stream_processors.linking.train.__main__ import POSTS, read_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cinepulse.settings import Settings
    from cinepulse.world.post import Post

FOLDER: Final = Path(__file__).parents[3] / "shared" / "data"
SEED: Final = 7
COMMUNITIES: Final = ("movies", "boxoffice", "TrueFilm", "horror", "scifi", "MovieSuggestions", "Letterboxd", "flicks")
RATE: Final = 40.0
FIRST_ACT: Final = 1
WRITTEN_AT: Final = 1_760_000_000
"""When the generated world begins, seconds since 1970-01-01 UTC."""
FIRST_ID: Final = 36**6
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def has_recorded() -> bool:
    """Return whether the folder with recorded posts is there."""
    return (FOLDER / POSTS).exists()


@lru_cache(1)
def recorded_posts(_number: int = 0) -> Sequence[RedditPost]:
    """Return the recorded posts that are still there, in their order, however many are wanted."""
    with gzip.open(FOLDER / POSTS, "rt", encoding="utf-8") as lines:
        found = [post_of(thing, WRITTEN_AT * MILLISECONDS_PER_SECOND) for thing in map(_thing, lines)]
    return [post for post in found if isinstance(post, RedditPost) and post.state == "live"]


@lru_cache(1)
def recorded_films() -> Sequence[Movie]:
    """Return the films of the development catalogue."""
    return read_catalog(FOLDER)


def generated_posts(number: int) -> Sequence[RedditPost]:
    """Return so many posts of the generated world, submissions and comments."""
    films = list(load_films().by_id.values())
    world = Generator(SEED, films, COMMUNITIES, rate=RATE, stamp=lambda at: WRITTEN_AT + at)
    told = (post for act in count(FIRST_ACT) for post in world.tell(act))
    return [_seen(post) for post in islice(told, number)]


@lru_cache(1)
def generated_films() -> Sequence[Movie]:
    """Return the films that the generated world talks about."""
    return [
        Movie(
            tmdb_id=film.tmdb_id,
            title=film.title,
            observed_at=WRITTEN_AT * MILLISECONDS_PER_SECOND,
            source="details",
            original_title=film.original_title or None,
            original_language=film.original_language or None,
            alternative_titles=film.aliases,
            release_date=film.release_date or None,
            directors=(film.director,) if film.director else (),
            imdb_id=film.imdb_id or None,
            popularity=film.popularity,
            vote_count=film.vote_count,
            vote_average=film.vote_average,
        )
        for film in load_films().by_id.values()
    ]


def renamed(posts: Sequence[RedditPost], number: int, *, start: int = 0) -> Iterator[RedditPost]:
    """Yield so many posts with names of their own: the same texts again and again where there are fewer.

    `start`: how many names are taken.
    """
    for place in range(number):
        post = posts[place % len(posts)]
        yield replace(post, fullname=post.fullname[:3] + _base36(FIRST_ID + start + place))


def send_films(settings: Settings, films: Sequence[Movie]) -> None:
    """Fill the catalogue's topic, and say that it is whole."""
    with Publisher.connected(settings, "bench-films") as publisher:
        for film in films:
            publisher.publish(TMDB_MOVIES, film.tmdb_id, film)
        publisher.flush()
        report = PollReport(started_at=1, finished_at=2, outcome="ok", requests=1, items=len(films), known=0)
        publisher.publish(PIPELINE_COVERAGE, CoverageKey(source="tmdb", listing="catalog"), report)


def _thing(line: str) -> dict[str, object]:
    thing = thing_of(json.loads(line))
    if isinstance(thing, Poison):
        raise thing
    return thing


def _seen(post: Post) -> RedditPost:
    at = post.at
    seen = read_post({"kind": post.kind, "data": post.visible(at)}, round((WRITTEN_AT + at) * MILLISECONDS_PER_SECOND))
    if isinstance(seen, Poison):
        raise seen
    return seen


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
