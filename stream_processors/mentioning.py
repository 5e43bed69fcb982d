"""From a post to the mentions of its films, with all that has to be made while the text is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream_processors.linking import LINKER_VERSION, link, message_of
from stream_processors.posts import mentions_of
from stream_processors.sentiment import sentiments_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.events import Mention, RedditPost
    from stream_processors.linking import Catalog


def mention_films(post: RedditPost, catalog: Catalog, threshold: float) -> Mapping[int, Mention]:
    """Return the mentions in a post by TMDB id, of films named with at least `threshold` confidence.

    Pure: the same post, catalogue and threshold give the same mentions.
    """
    message = message_of(post)
    found = link(message, catalog, threshold)
    return mentions_of(post, found, LINKER_VERSION, sentiments_of(message.text, found)) if found else {}
