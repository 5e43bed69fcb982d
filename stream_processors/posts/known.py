"""The table of linked posts of one partition: what is known, what has changed, and what is to be dropped."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_DAY
from stream_processors.posts.linked import RETRACTED
from stream_processors.posts.table import DENIED, ERASED, FILM, POST, decode_posts
from stream_processors.stage import REWRITE_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

Changed = dict[int, bytes]

# A post that names no film any more stays known for so long, in stream time: an older observation that comes late or
# again must not bring back what was retracted. Then it goes, so that a deleted post leaves the state as well.
GONE_KEPT_MS: Final = MILLISECONDS_PER_DAY


class KnownPosts:
    """Packed posts by packed fullname, and the denials of forgotten ones by their digest.

    Time is the stream's: the highest timestamp of the partition's records.
    """

    def __init__(self) -> None:
        self._posts: dict[int, bytes] = {}
        self._changed: Changed = {}
        self._gone: dict[int, int] = {}
        self._forgetting: set[int] = set()
        self._now = 0
        self._rewritten_at: int | None = None
        self._stale = False
        self._erasing = False

    def __len__(self) -> int:
        return len(self._posts)

    def restore(self, body: bytes) -> None:
        """Apply one body of the changelog."""
        for number, packed in decode_posts(body):
            if packed == ERASED:
                self._posts.pop(number, None)
                self._gone.pop(number, None)
                self._stale = True
            else:
                self._posts[number] = packed
                self._note(number, packed)

    def passed(self, timestamp: int) -> None:
        """Note the time of a record, milliseconds."""
        self._now = max(self._now, timestamp)
        if self._rewritten_at is None:
            self._rewritten_at = timestamp

    def get(self, number: int) -> bytes | None:
        """Return a packed post, None for one that is not known."""
        return self._posts.get(number)

    def is_denied(self, denial: int) -> bool:
        """Return whether the post with this `denial_of` was forgotten."""
        return denial in self._posts

    def put(self, number: int, packed: bytes) -> None:
        """Set a packed post."""
        self._posts[number] = self._changed[number] = packed
        self._note(number, packed)

    def deny(self, denial: int, number: int) -> None:
        """Remember that a post was forgotten; what is known of it goes once `erase` says so."""
        self._posts[denial] = self._changed[denial] = DENIED
        self._forgetting.add(number)

    def erase(self, numbers: Iterable[int]) -> None:
        """Drop posts, and have the log written without them."""
        for number in numbers:
            self._drop(number)
        self._erasing = True

    def take(self) -> tuple[Changed, Changed | None, frozenset[int]]:
        """Return what has changed, the whole table where the log is to be written anew, and posts to `erase` next."""
        for number in self._expired():
            self._drop(number)
        forgetting, self._forgetting = frozenset(self._forgetting), set()
        changed, self._changed = self._changed, {}
        due = self._stale and self._now - (self._rewritten_at or 0) >= REWRITE_MS
        if not changed or not (due or self._erasing):
            return changed, None, forgetting
        self._stale, self._erasing, self._rewritten_at = False, False, self._now
        return changed, self._posts, forgetting

    def _expired(self) -> list[int]:
        """Return the posts that have been gone for long enough, those noted first."""
        return [number for number, _ in takewhile(lambda gone: gone[1] < self._now - GONE_KEPT_MS, self._gone.items())]

    def _note(self, number: int, packed: bytes) -> None:
        """Keep track of the posts that name no film any more."""
        self._gone.pop(number, None)
        if len(packed) >= POST.size:
            _, observed_at = POST.unpack_from(packed)
            if all(digest == RETRACTED for _, digest in FILM.iter_unpack(packed[POST.size :])):
                self._gone[number] = max(observed_at, self._now)

    def _drop(self, number: int) -> None:
        self._posts.pop(number, None)
        self._gone.pop(number, None)
        self._changed[number] = ERASED
        self._stale = True
