"""Reading a listing back to what is already known: the overlap that proves that nothing lies between.

Reddit's `before` cursor and praw's streams lose items when more than a page arrives between two polls, or when the
cursor's item is removed. Reading newest first until several items in a row are known loses none, up to the 1000 items
that a listing holds at all. What lies beyond is reported as a gap.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from cinepulse.errors import SourceUnavailable
from producers.reddit.records import fullname_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from producers.reddit.client import Page

# One known item may be an old one that a moderator approved late and that thus stands among new ones.
KNOWN_IN_A_ROW: Final = 5

# Reddit ends every listing after about 1000 items; this many pages of 100 are a server that does not.
MAX_PAGES: Final = 25

# A listing that ends far below 1000 items has shown all that it has: then known items left it, and none was cut off.
TRUNCATED_FROM: Final = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One child of a listing, when it was received (epoch milliseconds), and what it is remembered by."""

    identity: str
    thing: object
    received_at: int


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one poll found: new items oldest first, how many it knew, and whether the listing was cut off before."""

    items: tuple[Item, ...]
    known: int
    overflowed: bool


def harvest(page_after: Callable[[str | None], Page], seen: AbstractSet[str], *, polled_before: bool) -> Harvest:
    """Read a listing newest first until KNOWN_IN_A_ROW items in a row are known or it ends.

    Args:
        page_after: returns the page after a cursor, the first for None.
        seen: identities of the items that earlier polls delivered.
        polled_before: whether there was an earlier poll; without one, nothing can be missing.

    Raises:
        SourceUnavailable: the listing goes round in circles.
    """
    fresh: dict[str, Item] = {}
    known: set[str] = set()
    asked: set[str | None] = set()
    cursor, in_a_row = None, 0
    while len(asked) < MAX_PAGES:
        asked.add(cursor)
        page = page_after(cursor)
        before = len(fresh) + len(known)
        overlap = False
        # A page is read to its end at no cost: items approved late stand among the known ones.
        for thing in page.things:
            identity = identity_of(thing)
            in_a_row = in_a_row + 1 if identity in seen else 0
            overlap = overlap or in_a_row >= KNOWN_IN_A_ROW
            if identity in seen:
                known.add(identity)
            else:
                fresh.setdefault(identity, Item(identity, thing, page.received_at))
        if overlap or page.after is None:
            break
        if page.after in asked or (page.things and len(fresh) + len(known) == before):
            raise SourceUnavailable("Reddit repeats a page of the listing")
        cursor = page.after
    overflowed = polled_before and not known and len(fresh) >= TRUNCATED_FROM
    return Harvest(tuple(reversed(fresh.values())), len(known), overflowed)


def identity_of(thing: object) -> str:
    """Return what an item is remembered by: its fullname, or a digest of one that has none."""
    fullname = fullname_of(thing)
    if fullname is not None:
        return fullname
    return blake2b(json.dumps(thing, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
