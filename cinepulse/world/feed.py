"""Where the world's posts come from: one protocol for the generator and for recorded files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cinepulse.world.post import Post


class Feed(Protocol):
    """A source of posts on a time line of seconds: 0 is the moment the world starts, the past is negative."""

    @property
    def subreddits(self) -> Sequence[str]:
        """The communities that posts appear in, busiest first."""
        ...

    @property
    def total(self) -> int | None:
        """How many posts there are in all, None where there is no end."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether no more posts will come."""
        ...

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many records of the source could not be served, by reason."""
        ...

    def backlog(self) -> Iterator[Post]:
        """Yield the posts that were there before the start, oldest first."""
        ...

    def due(self, now: float, room: int) -> Iterator[Post]:
        """Yield at most `room` further posts whose time has come, oldest first; each post once."""
        ...

    def find(self, name: str) -> Post | None:
        """Return a post by fullname whether or not it has been yielded, None where there is none."""
        ...

    def yielded(self) -> Iterator[Post]:
        """Yield again every post of `backlog` and `due` so far, in the same order."""
        ...
