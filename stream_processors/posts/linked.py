"""What is known of a post that names films, and what its next observation changes."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from cinepulse.authors import author_sketch
from schemas.events import Mention

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schemas.events import RedditPost

GONE: Final = frozenset({"deleted", "removed"})
RETRACTED: Final = 0
"""The digest of a film that the post no longer names."""

NONE: Final[Mapping[int, float]] = MappingProxyType({})

# Of several places in one post that name a film equally surely, the first of these counts.
PLACES: Final = ("title", "body", "link", "thread", "unknown")


@dataclass(frozen=True, slots=True)
class LinkedPost:
    """A post that names films, or did.

    `films` maps a TMDB id to a digest of what was last sent of the mention; RETRACTED where it was taken back. Films
    that were taken back stay, so that after a crash they can be taken back again.
    """

    created_at: int
    observed_at: int
    films: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """What an observation leads to: the post as now known, and films to mention (a Mention) or retract (None)."""

    post: LinkedPost
    sends: Sequence[tuple[int, Mention | None]]


def mentions_of(
    post: RedditPost,
    found: Sequence[Any],
    linker_version: str,
    sentiments: Mapping[int, float] = NONE,
) -> dict[int, Mention]:
    """Return one mention a film from what the linker found in a post; naming a film three times is one mention.

    `found` has `tmdb_id`, `location`, `method` and `confidence`; of several the surest counts. `sentiments`: by film,
    of those that a sentence holds.
    """
    best: dict[int, Any] = {}
    for one in sorted(found, key=lambda each: (-each.confidence, PLACES.index(each.location))):
        best.setdefault(one.tmdb_id, one)
    return {
        tmdb_id: Mention(
            community=post.subreddit,
            kind=post.kind,
            location=one.location,
            method=one.method,
            confidence=one.confidence,
            thread_id=post.thread_id,
            score=post.score,
            num_comments=post.num_comments,
            observed_at=post.observed_at,
            linker_version=linker_version,
            origin=post.origin,
            sentiment=sentiments.get(tmdb_id),
            author_sketch=author_sketch(tmdb_id, post.author),
        )
        for tmdb_id, one in best.items()
    }


def next_step(
    known: LinkedPost | None, post: RedditPost, link: Callable[[RedditPost], Mapping[int, Mention]]
) -> Step | None:
    """Return what an observation changes, None when nothing.

    An observation older than the known one says nothing new. The same one again comes after a crash that may have kept
    what it led to from being sent, so all of it is sent again. `link` is asked only where it matters.
    """
    if known is not None and post.observed_at < known.observed_at:
        return None
    mentions = {} if post.state in GONE else link(post)
    before = {} if known is None else known.films
    if not mentions and known is None:
        return None
    again = known is not None and post.observed_at == known.observed_at
    films = {tmdb_id: digest(mention) for tmdb_id, mention in mentions.items()}
    sends: list[tuple[int, Mention | None]] = []
    for tmdb_id, sent in before.items():
        if tmdb_id not in films:
            films[tmdb_id] = RETRACTED
            if again or sent != RETRACTED:
                sends.append((tmdb_id, None))
    sends += [(film, mention) for film, mention in mentions.items() if again or films[film] != before.get(film)]
    created_at = post.created_at if known is None else known.created_at
    return Step(LinkedPost(created_at, post.observed_at, films), sends)


def digest(mention: Mention) -> int:
    """Return a number that changes when anything about a mention does, except the time of its observation."""
    said = (
        mention.community,
        mention.kind,
        mention.location,
        mention.method,
        mention.confidence,
        mention.thread_id,
        mention.score,
        mention.num_comments,
        mention.linker_version,
        mention.origin,
        mention.sentiment,
        mention.author_sketch,
    )
    return crc32(repr(said).encode("utf-8", "surrogatepass")) or 1
