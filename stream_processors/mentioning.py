"""From a post to the mentions of its films, with all that has to be made while the text is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stream_processors.linking import LINKER_VERSION, link, message_of
from stream_processors.posts import mentions_of
from stream_processors.sentiment import sentiments_of
from stream_processors.terms import terms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schemas.events import Mention, RedditPost
    from stream_processors.linking import Catalog, LinkedMention


def mention_films(post: RedditPost, catalog: Catalog, threshold: float) -> Mapping[int, Mention]:
    """Return the mentions in a post by TMDB id, of films named with at least `threshold` confidence.

    Pure: the same post, catalogue and threshold give the same mentions.
    """
    return Mentioner(lambda: catalog, threshold).mentions(post)


class Reading(NamedTuple):
    """A post, its text as the linker reads it, and where its films are."""

    post: RedditPost
    text: str
    found: Sequence[LinkedMention]


class Mentioner:
    """Tells the mentions of posts and, of the same reading, the terms near their films.

    Both follow from post, catalogue and threshold alone; the last reading is kept so that a post is linked once.
    `catalog` returns the catalogue of the moment.
    """

    def __init__(self, catalog: Callable[[], Catalog], threshold: float) -> None:
        self._catalog = catalog
        self._threshold = threshold
        self._last: Reading | None = None

    def mentions(self, post: RedditPost) -> Mapping[int, Mention]:
        """Return the mentions in a post by TMDB id."""
        _, text, found = self._read(post)
        return mentions_of(post, found, LINKER_VERSION, sentiments_of(text, found)) if found else {}

    def terms(self, post: RedditPost) -> Mapping[int, tuple[str, ...]]:
        """Return the terms near each film of a post by TMDB id."""
        reading = self._last if self._last is not None and self._last.post is post else self._read(post)
        return terms_of(reading.text, reading.found)

    def _read(self, post: RedditPost) -> Reading:
        message = message_of(post)
        self._last = Reading(post, message.text, link(message, self._catalog(), self._threshold))
        return self._last
