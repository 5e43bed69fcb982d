"""The state of the world: what has been posted so far, what is listed, and the time line it happens on."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import replace
from itertools import chain, islice
from math import inf
from typing import TYPE_CHECKING, Any, Final

from cinepulse.world.listings import Listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cinepulse.clock import Clock
    from cinepulse.world.feed import Feed
    from cinepulse.world.listings import Page
    from cinepulse.world.post import Change, Post
    from cinepulse.world.timeline import Timeline

# The newest posts stay in memory, so many that quick re-checks of a fast replay find them; older ones are told again by
# the feed when asked.
KEPT_POSTS: Final = 12_000
# Of each kind, what a listing that is asked for the first time starts from.
RECENT_POSTS: Final = 5_000
KEPT_LISTINGS: Final = 64
UNLIMITED: Final = 1 << 62
RELEASED_AT_ONCE: Final = 2_000
# With room for a burst between two polls below the thousand items of a listing.
UNREAD_ITEMS: Final = 700
# A reader that has not polled for this long is not waited for, nor one that polls but never closes its hole.
READER_SECONDS: Final = 120.0
PATIENCE_SECONDS: Final = 20.0


class World:
    """Everything that Reddit's side knows at a moment; each method first lets happen what is due.

    Args:
        feed: where posts come from.
        timeline: when the world began and started, and whether it is frozen.
        clock: the wall time.
        wait_for_reader: hold further posts back while a listing that somebody polls holds too many unread ones,
            so that a fast replay does not outrun its reader.
    """

    def __init__(self, feed: Feed, timeline: Timeline, clock: Clock, *, wait_for_reader: bool = False) -> None:
        self.feed = feed
        self.timeline = timeline
        self._clock = clock
        self._wait_for_reader = wait_for_reader
        self._posts: dict[str, Post] = {}
        self._order: deque[str] = deque()
        self._pinned: dict[str, Post] = {}
        self._injected: list[Post] = []
        self._recent: dict[str, deque[Post]] = {kind: deque(maxlen=RECENT_POSTS) for kind in ("t1", "t3")}
        self._listings: dict[tuple[str, frozenset[str] | None], Listing] = {}
        self._asked: dict[tuple[str, frozenset[str] | None], float] = {}
        self._pending: list[tuple[float, int, Post]] = []
        self._sequence = 0
        self._skew: deque[float] = deque()
        self._changed = {"edited": 0, "deleted": 0, "removed": 0, "gone": 0}
        self._served = 0
        self._waiting_since: float | None = None
        self._release(feed.backlog())

    # --- time

    def now(self) -> float:
        """Return the seconds on the time line, after letting happen what is due by then."""
        now = self.timeline.position(self._clock.now_ms())
        if self.timeline.started:
            room = self._room()
            while room > 0 and (released := self._release(self.feed.due(now, min(room, RELEASED_AT_ONCE)))):
                room -= released
            self._let_change(now)
        return now

    def catch_up(self, served: int) -> None:
        """Let the first posts of the feed appear at once: those that an earlier process has served."""
        while served > 0 and (released := self._release(self.feed.due(inf, min(served, RELEASED_AT_ONCE)))):
            served -= released

    def start(self) -> None:
        """Let posts come from now on, also after a freeze."""
        self.timeline.start(self._clock.now_ms())

    def freeze(self) -> None:
        """Let nothing more be posted, edited or deleted."""
        self.now()
        self.timeline.freeze(self._clock.now_ms())

    # --- reading

    def page(self, kind: str, communities: frozenset[str] | None, **paging: Any) -> tuple[Page, float]:
        """Return a page of the listing of some communities, and the moment it shows.

        `paging`: `limit`, and a fullname as `after` or `before`; `as_of` hides the posts from that sequence on.
        """
        now = self.now()
        listing = self._listing(kind, communities)
        cursors = {name: self._posts.get(paging[name]) for name in ("after", "before") if paging.get(name)}
        if None in cursors.values():
            return listing.page(limit=0), now
        return listing.page(limit=paging["limit"], as_of=paging.get("as_of"), **cursors), now

    def find(self, name: str) -> Post | None:
        """Return a post in memory by fullname, None where it is not."""
        return self._posts.get(name) or self._pinned.get(name)

    def recall(self, names: Iterable[str]) -> dict[str, Post]:
        """Return older posts that the feed tells again, by fullname; needs time, but no lock."""
        told = ((name, self.feed.find(name)) for name in names if name not in self._posts)
        return {name: post for name, post in told if post is not None}

    def held(self, name: str) -> bool:
        """Return whether the post is in memory."""
        return self.find(name) is not None

    def everything(self) -> Iterator[tuple[Post, float]]:
        """Yield every post that ever appeared, with the moment to read it at."""
        now = self.now()
        for post in chain(self.feed.yielded(), self._injected):
            name = post.name
            yield self._pinned.get(name) or self._posts.get(name) or post, now

    def newest(self, count: int, kind: str | None = None) -> list[Post]:
        """Return the newest live posts, newest first."""
        now = self.now()
        pools = [kind] if kind else ["t1", "t3"]
        live = (
            islice((post for post in reversed(self._recent[pool]) if post.ending(now) is None), count) for pool in pools
        )
        return sorted(chain.from_iterable(live), key=lambda post: -post.sequence)[:count]

    def sequence_before(self, seconds: float) -> int:
        """Return the sequence of the first post younger than some seconds."""
        then = self.now() - seconds
        young = [post.sequence for pool in self._recent.values() for post in pool if post.at > then]
        return min(young, default=self._sequence)

    @property
    def served(self) -> int:
        """How many posts have appeared."""
        return self._served

    def state(self) -> dict[str, Any]:
        """Return what the admin API tells about the world."""
        self.now()
        return {
            "posts_served": self._served,
            "posts_total": self.feed.total,
            "subreddits": list(self.feed.subreddits),
            "paused": not self.timeline.started,
            "frozen": self.timeline.frozen,
            "exhausted": self.feed.exhausted,
            "skipped": dict(self.feed.skipped),
            "changed": dict(self._changed),
        }

    # --- meddling

    def inject(self, posts: Iterable[Post]) -> list[str]:
        """Let extra posts appear at once; they stay in memory. Returns their fullnames."""
        fresh = list(posts)
        self.now()
        self._injected.extend(fresh)
        self._pinned.update((post.name, post) for post in fresh)
        self._release(iter(fresh))
        return [post.name for post in fresh]

    def change(self, name: str, change: Change) -> bool:
        """Let something happen to a post now; False when there is no such post."""
        post = self.find(name) or self.recall([name]).get(name)
        if post is None:
            return False
        now = self.timeline.position(self._clock.now_ms())
        post.changes = (*post.happened(now), replace(change, at=now))
        self._pinned[name] = post
        self._apply(post, change)
        return True

    def skew(self, seconds: Iterable[float]) -> None:
        """Stamp the next posts so many seconds off."""
        self._skew.extend(seconds)

    # --- inside

    def _listing(self, kind: str, communities: frozenset[str] | None) -> Listing:
        key = (kind, communities)
        self._asked[key] = self._clock.monotonic()
        listing = self._listings.get(key)
        if listing is None:
            if len(self._listings) >= KEPT_LISTINGS:
                oldest = min(self._asked.keys() & self._listings.keys(), key=self._asked.__getitem__)
                del self._listings[oldest], self._asked[oldest]
            listing = self._listings[key] = Listing(kind, communities)
            now = self.timeline.position(self._clock.now_ms())
            listing.add(post for post in self._recent[kind] if post.ending(now) is None)
        return listing

    def _room(self) -> int:
        """Return how many posts may appear now."""
        if not self._wait_for_reader:
            return UNLIMITED
        now = self._clock.monotonic()
        polled = [listing for key, listing in self._listings.items() if self._asked[key] >= now - READER_SECONDS]
        if not polled:
            return UNLIMITED
        room = max(0, UNREAD_ITEMS - max(listing.unread for listing in polled))
        if room > 0:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since >= PATIENCE_SECONDS:
            for listing in polled:
                listing.mark_read()
        return room

    def _release(self, posts: Iterator[Post]) -> int:
        fresh = list(posts)
        for post in fresh:
            self._place(post)
        for listing in self._listings.values():
            listing.add(fresh)
        while len(self._order) > KEPT_POSTS:
            self._posts.pop(self._order.popleft())
        self._served += len(fresh)
        return len(fresh)

    def _place(self, post: Post) -> None:
        post.sequence = self._sequence
        self._sequence += 1
        if self._skew:
            stamped = post.data["created_utc"] + self._skew.popleft()
            post.data["created_utc"] = post.data["created"] = stamped
            self._pinned[post.name] = post
        self._posts[post.name] = post
        self._order.append(post.name)
        self._recent[post.kind].append(post)
        for change in post.changes:
            heapq.heappush(self._pending, (change.at, post.sequence, post))

    def _let_change(self, now: float) -> None:
        while self._pending and self._pending[0][0] <= now:
            at, _, post = heapq.heappop(self._pending)
            for change in post.changes:
                if change.at == at:
                    self._apply(post, change)

    def _apply(self, post: Post, change: Change) -> None:
        self._changed[change.kind] += 1
        if change.kind != "edited":
            for listing in self._listings.values():
                listing.discard(post)
