"""What the linker reads and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.events import MentionLocation, RedditPost

TITLE_SEPARATOR = "\n\n"
"""Between a submission's title and its body, so that no name runs across."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text and what is known about where it was written; every field but `text` may be unknown.

    `text[:title_end]` is the submission's title. `created_at` is milliseconds since 1970-01-01 UTC.
    `thread_title` is the title of the submission that a comment replies under. `url` is where a submission points.
    """

    text: str
    title_end: int = 0
    community: str | None = None
    flair: str | None = None
    url: str | None = None
    thread_title: str | None = None
    created_at: int | None = None


@dataclass(frozen=True, slots=True)
class LinkedMention:
    """A film named at `text[start:end]`.

    The span is empty where the film was named outside the text, by the submission's link. `alias` is the folded name
    that was found, `method` how it was decided, `confidence` the estimated probability (0 to 1) that it is this film.
    """

    tmdb_id: int
    start: int
    end: int
    location: MentionLocation
    alias: str
    method: str
    confidence: float


def message_of(post: RedditPost) -> Message:
    """Return a post as the linker reads it: the title, if it has one, above the body."""
    title = post.title or ""
    text = f"{title}{TITLE_SEPARATOR}{post.body}" if title and post.body else title or post.body
    return Message(
        text=text,
        title_end=len(title),
        community=post.subreddit,
        flair=post.flair,
        url=post.url,
        thread_title=post.thread_title if post.kind == "comment" else None,
        created_at=post.created_at,
    )
