"""Listings as Reddit keeps them: newest first, about a thousand items, paged from one item to the adjacent ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cinepulse.world.post import Post

LISTING_ITEMS: Final = 1_000
PAGE_ITEMS: Final = 100
DEFAULT_PAGE_ITEMS: Final = 25


@dataclass(frozen=True, slots=True)
class Page:
    """A page, newest first, and the fullnames to page on with: to older (`after`) and to newer (`before`) items."""

    posts: Sequence[Post]
    after: str | None
    before: str | None


EMPTY_PAGE: Final = Page((), None, None)


@dataclass(slots=True)
class Listing:
    """The posts of one kind in some communities; `communities` None takes all of them.

    It notices how far it has been read: `unread` items came since a reader last held everything without a hole.
    """

    kind: str
    communities: frozenset[str] | None
    _posts: list[Post] = field(default_factory=list)
    _read_to: int = -1
    _walk_from: int = -1

    def __len__(self) -> int:
        return min(len(self._posts), LISTING_ITEMS)

    @property
    def unread(self) -> int:
        """How many items no reader has seen, newest ones that would fall off included."""
        return len(self._posts) - bisect_right(self._posts, self._read_to, key=_sequence)

    def mark_read(self) -> None:
        """Take everything for read."""
        self._read_to = self._posts[-1].sequence if self._posts else -1

    def takes(self, post: Post) -> bool:
        """Return whether the post belongs here."""
        return post.kind == self.kind and (self.communities is None or post.community in self.communities)

    def add(self, posts: Iterable[Post]) -> None:
        """Put newer posts on top; the oldest beyond the limit fall off."""
        self._posts.extend(post for post in posts if self.takes(post))
        # Cut now and then, not for each post.
        if len(self._posts) > 2 * LISTING_ITEMS:
            del self._posts[:-LISTING_ITEMS]

    def discard(self, post: Post) -> None:
        """Take a post out, as Reddit does with deleted and removed ones."""
        place = self._place(post)
        if place is not None:
            del self._posts[place]

    def page(
        self, *, limit: int, after: Post | None = None, before: Post | None = None, as_of: int | None = None
    ) -> Page:
        """Return the newest items, or those adjacent to one item; an empty page when that item is not here.

        `as_of`: the sequence from which on items are not shown, as in a page that a cache kept.
        """
        oldest = max(0, len(self._posts) - LISTING_ITEMS)
        top = len(self._posts) if as_of is None else bisect_left(self._posts, as_of, key=_sequence)
        start, end = self._span(limit, after, before, oldest, top)
        if end <= start:
            return EMPTY_PAGE
        posts = self._posts[start:end][::-1]
        self._note_reading(start, end, oldest, cursor=before or after, newer=before is not None)
        older = posts[-1].name if start > oldest else None
        return Page(posts, older, posts[0].name if end < top else None)

    def _span(self, limit: int, after: Post | None, before: Post | None, oldest: int, top: int) -> tuple[int, int]:
        """Return the places from (inclusive) and to (exclusive) of a page; an empty span when the cursor is gone."""
        cursor = after or before
        if cursor is None:
            return max(oldest, top - limit), top
        place = self._place(cursor)
        if place is None or not oldest <= place < top:
            return 0, 0
        if after is not None:
            return max(oldest, place - limit), place
        return place + 1, min(top, place + 1 + limit)

    def _place(self, post: Post) -> int | None:
        place = bisect_left(self._posts, post.sequence, key=_sequence)
        return place if place < len(self._posts) and self._posts[place] is post else None

    def _note_reading(self, start: int, end: int, oldest: int, *, cursor: Post | None, newer: bool) -> None:
        """Move the mark up when a reader's pages reach from the newest item down to what it knew, or up from it."""
        newest = self._posts[end - 1].sequence
        if newer:
            if cursor is not None and cursor.sequence <= self._read_to:
                self._read_to = max(self._read_to, newest)
            return
        if cursor is None:
            self._walk_from = newest
        if start == oldest or self._posts[start - 1].sequence <= self._read_to:
            self._read_to = max(self._read_to, self._walk_from)


def _sequence(post: Post) -> int:
    return post.sequence
