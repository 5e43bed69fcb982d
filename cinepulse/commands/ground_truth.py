"""What the loopback world served, told by the world itself, and how much of it has reached Kafka."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from cinepulse.commands.reckoning import MentionId
from cinepulse.errors import Poison, StackUnavailable
from producers.reddit.records import fullname_of, read_post
from schemas.codec import Codec
from schemas.reader import TopicReader
from schemas.registry import schema_ids
from schemas.topics import REDDIT_POSTS, TMDB_MOVIES
from stream_processors.linking import Catalog, link, message_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cinepulse.settings import Settings
    from schemas.events import Movie, RedditPost

TRUTH_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class ServedPost:
    """A post as the world knows it: its last visible text, and whether it can still be seen."""

    fullname: str
    live: bool
    post: RedditPost | None


def served_posts(world: str, now_ms: int) -> Iterator[ServedPost]:
    """Yield every post the world has ever served.

    `post` is None where the served JSON breaks the contract, so that it belongs in dead letters.

    Raises StackUnavailable when the world does not answer.
    """
    try:
        with httpx.stream("GET", f"{world}/_world/posts", timeout=TRUTH_SECONDS) as answer:
            answer.raise_for_status()
            for line in _lines(answer.iter_bytes()):
                yield _served(json.loads(line), now_ms)
    except httpx.HTTPError as error:
        raise StackUnavailable(f"the world does not tell what it served: {type(error).__name__}") from error


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines that end in a line feed and nothing else: posts hold every other separator that Unicode knows."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _served(thing: Mapping[str, Any], now_ms: int) -> ServedPost:
    child = {"kind": thing["kind"], "data": thing}
    post = read_post(child, now_ms)
    return ServedPost(
        fullname=fullname_of(child) or "",
        live=thing["_state"] == "live",
        post=None if isinstance(post, Poison) else post,
    )


def expected_mentions(served: Iterable[ServedPost], catalog: Catalog, threshold: float) -> set[MentionId]:
    """Return the mentions that linking the live posts directly finds."""
    return {
        MentionId(mention.tmdb_id, served_post.fullname, served_post.post.created_at)
        for served_post in served
        if served_post.live and served_post.post is not None
        for mention in link(message_of(served_post.post), catalog, threshold)
    }


def read_catalog(settings: Settings) -> Catalog:
    """Return the catalogue as `tmdb.movies` holds it now."""
    codec = Codec(schema_ids(settings))
    movies: dict[bytes | None, Movie | None] = {}
    with TopicReader(settings, TMDB_MOVIES.name, "catalog") as reader:
        for record in reader.to_end():
            movies[record.key] = None if record.value is None else codec.decode(TMDB_MOVIES.value_subject, record.value)
    return Catalog.build(movie for movie in movies.values() if movie is not None)


@dataclass(slots=True)
class PostsInKafka:
    """Follows `reddit.posts` and keeps the latest state of each post."""

    settings: Settings
    latest: dict[str, RedditPost] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._codec = Codec(schema_ids(self.settings))
        self._reader = TopicReader(self.settings, REDDIT_POSTS.name, "reckoning")

    _codec: Codec = field(init=False, repr=False)
    _reader: TopicReader = field(init=False, repr=False)

    def refresh(self) -> None:
        """Take in what has come since the last call; records that do not decode are the dead letters' business."""
        for record in self._reader.to_end():
            if record.value is None:
                continue
            try:
                post: RedditPost = self._codec.decode(REDDIT_POSTS.value_subject, record.value)
            except Poison:
                continue
            known = self.latest.get(post.fullname)
            if known is None or known.observed_at <= post.observed_at:
                self.latest[post.fullname] = post

    def close(self) -> None:
        """Leave the broker."""
        self._reader.close()

    def behind(self, served: Iterable[ServedPost]) -> list[str]:
        """Return the posts whose last state in Kafka is not yet what the world says."""
        return [truth.fullname for truth in served if not self._agrees(truth)]

    def _agrees(self, truth: ServedPost) -> bool:
        if truth.post is None:
            return True
        seen = self.latest.get(truth.fullname)
        if seen is None or (seen.state == "live") != truth.live:
            return False
        return not truth.live or (seen.title, seen.body) == (truth.post.title, truth.post.body)
