"""Posts about real film titles, written from a seed: the same seed gives the same posts in the same order."""

from __future__ import annotations

import random
from functools import lru_cache
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final
from zlib import crc32

from cinepulse.world import phrases
from cinepulse.world.fields import base36
from cinepulse.world.story import ACT_SECONDS, BACKLOG, BACKLOG_SECONDS, cast_of, weights_at
from cinepulse.world.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cinepulse.world.catalog import Film
    from cinepulse.world.post import Post

BACKLOG_POSTS: Final = 900
ADDED_COMMUNITIES: Final = tuple(dict.fromkeys(name for name, _ in phrases.OFF_TOPIC))
"""Where people talk about other things than films."""
# The youngest backlog post is this old, so that the backlog ends before the live posts begin.
BACKLOG_END_SECONDS: Final = 30.0
# An id holds 16 bits of the run, 16 of the act and 16 of the post's place in it; runs of other seeds never collide
# by more than chance.
PLACE_BITS: Final = 16
ACT_BITS: Final = 16
LATEST_ACTS: Final = 4


class Generator:
    """A feed of generated posts, without end.

    Args:
        seed: what decides everything but the wall time.
        films: whose titles are talked about; at least 40.
        communities: where film talk happens, busiest first; a few others are added for talk about other things.
        rate: mean posts a second while the world runs, before the story speeds it up.
        stamp: turns seconds on the time line into seconds since 1970.
        run: distinguishes the ids of several runs of one seed.
    """

    total = None
    exhausted = False

    def __init__(  # noqa: PLR0913 - each is a fact of the story
        self,
        seed: int,
        films: Sequence[Film],
        communities: Sequence[str],
        *,
        rate: float,
        stamp: Callable[[float], float],
        run: int = 0,
    ) -> None:
        self._seed = seed
        self._films = tuple(films)
        # The list that a world tells is what its readers poll and may come back as the setting: it means the same.
        self._communities = tuple(name for name in communities if name not in ADDED_COMMUNITIES) or tuple(communities)
        self._rate = rate
        self._stamp = stamp
        self._run_bits = crc32(f"{seed}/{run}".encode()) & 0xFFFF
        self._number = BACKLOG
        self._posts: Iterator[Post] = iter(())
        self._next: Post | None = None
        self._yielded_in_act = 0
        self._told = lru_cache(LATEST_ACTS)(self._tell_by_name)

    @property
    def subreddits(self) -> Sequence[str]:
        """The film communities, then the others."""
        return tuple(dict.fromkeys((*self._communities, *ADDED_COMMUNITIES)))

    @property
    def skipped(self) -> Mapping[str, int]:
        """Nothing: every generated post is served."""
        return {}

    def backlog(self) -> Iterator[Post]:
        """Yield some 900 posts over the last two days."""
        return self.tell(BACKLOG)

    def due(self, now: float, room: int) -> Iterator[Post]:
        """Yield the posts up to `now`, going on from act to act."""
        for _ in range(room):
            if self._next is None:
                self._turn()
            upcoming = self._next
            if upcoming is None or upcoming.at > now:
                return
            self._next = next(self._posts, None)
            self._yielded_in_act += 1
            # It was written before its turn: a pause of the world since then has put it off.
            upcoming.data["created"] = upcoming.data["created_utc"] = float(int(self._stamp(upcoming.at)))
            yield upcoming

    def find(self, name: str) -> Post | None:
        """Return a post by telling its act again."""
        number = self._act_of(name)
        if number is None or number > self._number:
            return None
        return self._told(number).get(name)

    def yielded(self) -> Iterator[Post]:
        """Tell all acts again, up to the last yielded post."""
        # New posts may come while the old ones are told.
        current, so_far = self._number, self._yielded_in_act
        for number in range(current):
            yield from self.tell(number)
        yield from islice(self.tell(current), None if current == BACKLOG else so_far)

    def tell(self, number: int) -> Iterator[Post]:
        """Write one act's posts, in order; act 0 is the backlog."""
        writer = Writer(cast_of(self._seed, number, self._films), self._communities, self._stamp, self._post_id(number))
        draw = random.Random(f"posts/{self._seed}/{number}")  # noqa: S311 - a story, no secret
        for at in self._moments(number, draw):
            share = 1 + at / BACKLOG_SECONDS if number == BACKLOG else at / ACT_SECONDS - (number - 1)
            yield writer.write(draw, at, weights_at(share, number), changes=number != BACKLOG)

    def _moments(self, number: int, draw: random.Random) -> Iterator[float]:
        """Yield the instants of an act's posts, ascending, seconds on the time line."""
        if number == BACKLOG:
            span = BACKLOG_SECONDS - BACKLOG_END_SECONDS
            return iter(sorted(-BACKLOG_END_SECONDS - draw.random() * span for _ in range(BACKLOG_POSTS)))
        start = (number - 1) * ACT_SECONDS
        return takewhile(lambda at: at < start + ACT_SECONDS, self._arrivals(start, number, draw))

    def _arrivals(self, at: float, number: int, draw: random.Random) -> Iterator[float]:
        usual = sum(weights_at(0.0, number).values())
        for _ in range(1 << PLACE_BITS):
            pace = sum(weights_at(at / ACT_SECONDS - (number - 1), number).values()) / usual
            at += draw.expovariate(self._rate * pace)
            yield at

    def _turn(self) -> None:
        self._number += 1
        self._yielded_in_act = 0
        self._posts = self.tell(self._number)
        self._next = next(self._posts, None)

    def _post_id(self, number: int) -> Callable[[int], str]:
        base = (1 << PLACE_BITS + ACT_BITS + 16) | (self._run_bits << PLACE_BITS + ACT_BITS) | (number << PLACE_BITS)
        return lambda place: base36(base + place)

    def _act_of(self, name: str) -> int | None:
        try:
            number = int(name[3:], 36)
        except ValueError:
            return None
        head, act = divmod(number >> PLACE_BITS, 1 << ACT_BITS)
        return act if head == (1 << 16) | self._run_bits else None

    def _tell_by_name(self, number: int) -> dict[str, Post]:
        return {post.name: post for post in self.tell(number)}
