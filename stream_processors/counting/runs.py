"""What changed in one partition's sets since the last flush, as bytes for the changelog.

A body starts with the watermark and the closing that was last published; then one group a changed film-day: which film
and day, the revision reached, the posts that came and the posts that went. Bodies applied in the order in which they
were written give the sets; applying one twice changes nothing.
"""

from __future__ import annotations

import struct
import sys
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEAD: Final = struct.Struct("<qqq")
GROUP: Final = struct.Struct("<qqqII")
POST_BYTES: Final = 8

# Kafka takes records of a megabyte; a body stays well below.
BODY_BYTES: Final = 400_000
POSTS_A_GROUP: Final = BODY_BYTES // POST_BYTES // 2


class Head(NamedTuple):
    """A partition's clock: the watermark, and the days before `open_day` published as final by revision `closing`."""

    watermark: int
    open_day: int
    closing: int


class Group(NamedTuple):
    """One film-day's changes: packed posts that came and went, and the revision of the last change."""

    tmdb_id: int
    day: int
    revision: int
    added: Sequence[int]
    removed: Sequence[int]


def encode_runs(head: Head, groups: Sequence[Group]) -> list[bytes]:
    """Return bodies of at most about `BODY_BYTES` that hold the groups in order; none when there are no groups."""
    bodies: list[bytes] = []
    parts = [HEAD.pack(*head)]
    size = HEAD.size
    for group in groups:
        for piece in _pieces(group):
            if size + len(piece) > BODY_BYTES and len(parts) > 1:
                bodies.append(b"".join(parts))
                parts, size = [HEAD.pack(*head)], HEAD.size
            parts.append(piece)
            size += len(piece)
    if len(parts) > 1:
        bodies.append(b"".join(parts))
    return bodies


def decode_run(body: bytes) -> tuple[Head, Iterator[Group]]:
    """Return a body's clock and its groups."""
    return Head(*HEAD.unpack_from(body)), _groups(body)


def merge_runs(bodies: Sequence[bytes]) -> bytes:
    """Return one body with the same effect as `bodies` applied in order."""
    clocks = [Head(*HEAD.unpack_from(body)) for body in bodies]
    head = Head(*(max(column) for column in zip(*clocks, strict=True)))
    return HEAD.pack(*head) + b"".join(body[HEAD.size :] for body in bodies)


def _pieces(group: Group) -> Iterator[bytes]:
    """Return a group's bytes, in several groups when it alone is long.

    Only the last one carries the revision: a film-day has reached it when all of them are in the log.
    """
    added, removed = group.added, group.removed
    longest = max(len(added), len(removed))
    for start in range(0, longest or 1, POSTS_A_GROUP):
        some, gone = added[start : start + POSTS_A_GROUP], removed[start : start + POSTS_A_GROUP]
        revision = group.revision if start + POSTS_A_GROUP >= longest else 0
        yield GROUP.pack(group.tmdb_id, group.day, revision, len(some), len(gone)) + _posts((*gone, *some))


def _posts(posts: Sequence[int]) -> bytes:
    packed = array("Q", posts)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _groups(body: bytes) -> Iterator[Group]:
    place = HEAD.size
    while place < len(body):
        tmdb_id, day, revision, come, gone = GROUP.unpack_from(body, place)
        place += GROUP.size
        posts = array("Q")
        posts.frombytes(body[place : place + (come + gone) * POST_BYTES])
        if sys.byteorder == "big":
            posts.byteswap()
        place += (come + gone) * POST_BYTES
        yield Group(tmdb_id, day, revision, posts[gone:], posts[:gone])
