"""What changed in one partition's sets since the last flush, as bytes for the changelog.

A body starts with the partition's clock and the days that were closed; then one group a changed film-day: which film
and day, the revision reached, the posts that came and the posts that went. Bodies applied in the order in which they
were written give the sets; applying one twice changes nothing.

There are two forms. The first began with three numbers: the furthest event time, the day before which all counts had
been told as final, and the revision by which they were. The second begins with a negative number in the first one's
place. A reader of the second reads both; a reader of the first fails at the second with a ValueError, since behind
what it takes for a head stands a group of an impossible length: it must not go on with half a state.
"""

from __future__ import annotations

import struct
import sys
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from stream_processors.counting.event_clock import Closing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stream_processors.counting.avro_rows import Numbers

FIRST_HEAD: Final = struct.Struct("<qqq")
# Form, furthest event time, told before; then where the first form's group would be: how many clocks and closings, and
# two lengths that are none. The odd byte at the end keeps what follows from being a whole number of posts.
HEAD: Final = struct.Struct("<qqqqqqIIB")
SECOND_FORM: Final = -2
NO_LENGTH: Final = 0xFFFF_FFFF
GROUP: Final = struct.Struct("<qqqII")
GROUP_WORDS: Final = 4
POST_BYTES: Final = 8
NUMBER_BYTES: Final = 8
CLOSING_NUMBERS: Final = 3

# Kafka takes records of a megabyte; a body stays well below.
BODY_BYTES: Final = 400_000
POSTS_A_GROUP: Final = BODY_BYTES // POST_BYTES // 2


class Head(NamedTuple):
    """A partition's clock.

    `furthest` event time of all; `told_day`: the days before it have been told as final; `clocks` of the source's
    partitions, empty in the first form; `closings` since the last flush; `legacy`: the furthest event time, where the
    body is of the first form, which knew neither disorder nor idle partitions.
    """

    furthest: int
    told_day: int
    clocks: tuple[int, ...] = ()
    closings: tuple[Closing, ...] = ()
    legacy: int = 0


class Group(NamedTuple):
    """One film-day's changes: packed posts that came and went, and the revision of the last change."""

    tmdb_id: int
    day: int
    revision: int
    added: Sequence[int]
    removed: Sequence[int]


class GroupColumns(NamedTuple):
    """Many film-days' changes, one row each; `posts` has of each in turn those that went and those that came.

    `went` and `came` say how many.
    """

    tmdb_ids: Numbers
    days: Numbers
    revisions: Numbers
    went: Numbers
    came: Numbers
    posts: Numbers


def encode_runs(head: Head, groups: Sequence[Group]) -> list[bytes]:
    """Return bodies of at most about `BODY_BYTES` that hold the groups in order: one at least, for the clock."""
    bodies: list[bytes] = []
    start = _encode_head(head)
    parts, size = [start], len(start)
    for group in groups:
        for piece in _pieces(group):
            if size + len(piece) > BODY_BYTES and len(parts) > 1:
                bodies.append(b"".join(parts))
                parts, size = [start], len(start)
            parts.append(piece)
            size += len(piece)
    bodies.append(b"".join(parts))
    return bodies


def encode_columns(head: Head, groups: GroupColumns) -> list[bytes]:
    """Return the bodies that `encode_runs` gives for the groups: all of their numbers are eight bytes wide."""
    longest = max(groups.went.max(initial=0), groups.came.max(initial=0))
    if longest > POSTS_A_GROUP:
        return encode_runs(head, list(_as_groups(groups)))
    start = _encode_head(head)
    sizes = GROUP_WORDS + groups.went + groups.came
    ends = np.cumsum(sizes)
    words = np.empty(int(sizes.sum()), "<u8")
    begins = ends - sizes
    header = np.ones(len(words), np.bool_)
    for place, column in enumerate((groups.tmdb_ids, groups.days, groups.revisions, groups.came | groups.went << 32)):
        words[begins + place] = column.astype(np.uint64)
        header[begins + place] = False
    words[header] = groups.posts
    data = words.tobytes()
    bodies: list[bytes] = []
    place, begin = 0, 0
    room = (BODY_BYTES - len(start)) // NUMBER_BYTES
    while place < len(sizes) or not bodies:
        # As many whole groups as fit, and one at least.
        upto = max(place + 1, int(np.searchsorted(ends, begin + room, side="right")))
        end = int(ends[upto - 1]) if len(sizes) else 0
        bodies.append(start + data[begin * NUMBER_BYTES : end * NUMBER_BYTES])
        place, begin = upto, end
    return bodies


def _as_groups(groups: GroupColumns) -> Iterator[Group]:
    place = 0
    columns = (groups.tmdb_ids, groups.days, groups.revisions, groups.went, groups.came)
    for tmdb_id, day, revision, went, came in zip(*(column.tolist() for column in columns), strict=True):
        gone, end = place + went, place + went + came
        yield Group(tmdb_id, day, revision, groups.posts[gone:end].tolist(), groups.posts[place:gone].tolist())
        place = end


def decode_run(body: bytes) -> tuple[Head, Iterator[Group]]:
    """Return a body's clock and its groups."""
    head, place = _decode_head(body)
    return head, _groups(body, place)


def merge_runs(bodies: Sequence[bytes]) -> bytes:
    """Return one body with the same effect as `bodies` applied in order."""
    heads, places = zip(*(_decode_head(body) for body in bodies), strict=True)
    length = max(len(head.clocks) for head in heads)
    clocks = [max(column) for column in zip(*(_padded(head.clocks, length) for head in heads), strict=True)]
    merged = Head(
        max(head.furthest for head in heads),
        max(head.told_day for head in heads),
        tuple(clocks),
        tuple(sorted({closing for head in heads for closing in head.closings})),
        max(head.legacy for head in heads),
    )
    groups = (body[place:] for body, place in zip(bodies, places, strict=True))
    return _encode_head(merged) + b"".join(groups)


def _padded(clocks: tuple[int, ...], length: int) -> tuple[int, ...]:
    return clocks + (0,) * (length - len(clocks))


def _encode_head(head: Head) -> bytes:
    closings = [number for closing in head.closings for number in closing]
    fixed = HEAD.pack(
        SECOND_FORM,
        head.furthest,
        head.told_day,
        len(head.clocks),
        len(head.closings),
        head.legacy,
        NO_LENGTH,
        NO_LENGTH,
        0,
    )
    return fixed + _packed("q", (*head.clocks, *closings))


def _decode_head(body: bytes) -> tuple[Head, int]:
    """Return a body's clock and where its groups begin."""
    first, told_day, closing = FIRST_HEAD.unpack_from(body)
    if first >= 0:
        closings = (Closing(told_day, closing, first),) if told_day else ()
        return Head(first, told_day, (), closings, first), FIRST_HEAD.size
    form, furthest, told_day, clocks, closed, legacy, *_ = HEAD.unpack_from(body)
    if form != SECOND_FORM:
        raise ValueError(f"the changelog holds a body of form {-form}, which a later version of cinepulse wrote")
    end = HEAD.size + (clocks + closed * CLOSING_NUMBERS) * NUMBER_BYTES
    numbers = _unpacked("q", body[HEAD.size : end])
    triples = zip(*[iter(numbers[clocks:])] * CLOSING_NUMBERS, strict=True)
    return Head(furthest, told_day, tuple(numbers[:clocks]), tuple(Closing(*three) for three in triples), legacy), end


def _pieces(group: Group) -> Iterator[bytes]:
    """Return a group's bytes, in several groups when it alone is long.

    Only the last one carries the revision: a film-day has reached it when all of them are in the log.
    """
    added, removed = group.added, group.removed
    longest = max(len(added), len(removed))
    for start in range(0, longest or 1, POSTS_A_GROUP):
        some, gone = added[start : start + POSTS_A_GROUP], removed[start : start + POSTS_A_GROUP]
        revision = group.revision if start + POSTS_A_GROUP >= longest else 0
        yield GROUP.pack(group.tmdb_id, group.day, revision, len(some), len(gone)) + _packed("Q", (*gone, *some))


def _groups(body: bytes, place: int) -> Iterator[Group]:
    while place < len(body):
        tmdb_id, day, revision, come, gone = GROUP.unpack_from(body, place)
        place += GROUP.size
        posts = _unpacked("Q", body[place : place + (come + gone) * POST_BYTES])
        place += (come + gone) * POST_BYTES
        yield Group(tmdb_id, day, revision, posts[gone:], posts[:gone])


def _packed(kind: str, numbers: Sequence[int]) -> bytes:
    packed = array(kind, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _unpacked(kind: str, data: bytes) -> array[int]:
    numbers = array(kind)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
