"""Titles of threads for the comments below them: dumps of comments do not repeat them, Reddit's listings do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from schemas.events import RedditPost

# Some 60 MB. The threads of ten film communities in a month are a quarter of it.
KEPT: Final = 200_000


class ThreadTitles:
    """The titles of the latest submissions noted, in bounded memory and never on disk."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._titles: dict[str, str] = {}

    def note(self, post: RedditPost) -> None:
        """Take in a submission's title."""
        if post.kind == "submission" and post.title is not None:
            self._titles[post.fullname] = post.title
            if len(self._titles) > self._kept:
                del self._titles[next(iter(self._titles))]

    def of(self, thread_id: str | None) -> str | None:
        """Return a thread's title, None when it is not known."""
        return None if thread_id is None else self._titles.get(thread_id)
