"""The table of linked posts as bytes: compact in memory, and in the changelog."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from stream_processors.posts.linked import LinkedPost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

POST: Final = struct.Struct("<qq")
FILM: Final = struct.Struct("<qI")
ENTRY: Final = struct.Struct("<QI")

ERASED: Final = b""
"""Stands in a body for a post that the table has dropped."""
DENIED: Final = b"\x01"
"""Stands in the table for a post that must not come back, under its `denial_of`."""

# Kafka takes records of a megabyte; a body stays well below.
BODY_BYTES: Final = 400_000


def pack_post(post: LinkedPost) -> bytes:
    """Return a post in 16 bytes and 12 a film."""
    films = b"".join(FILM.pack(tmdb_id, digest) for tmdb_id, digest in post.films.items())
    return POST.pack(post.created_at, post.observed_at) + films


def unpack_post(packed: bytes) -> LinkedPost:
    """Return the post in `packed`."""
    created_at, observed_at = POST.unpack_from(packed)
    return LinkedPost(created_at, observed_at, dict(FILM.iter_unpack(packed[POST.size :])))


def encode_posts(posts: Mapping[int, bytes]) -> list[bytes]:
    """Return changelog bodies of at most about `BODY_BYTES` with these packed posts by packed fullname."""
    bodies: list[bytes] = []
    parts: list[bytes] = []
    size = 0
    for fullname, packed in posts.items():
        if size > BODY_BYTES:
            bodies.append(b"".join(parts))
            parts, size = [], 0
        parts += (ENTRY.pack(fullname, len(packed)), packed)
        size += ENTRY.size + len(packed)
    return [*bodies, b"".join(parts)] if parts else bodies


def decode_posts(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Return the packed fullnames and packed posts of a body, in order."""
    place = 0
    while place < len(body):
        fullname, length = ENTRY.unpack_from(body, place)
        place += ENTRY.size
        yield fullname, body[place : place + length]
        place += length


def merge_posts(bodies: Sequence[bytes]) -> bytes:
    """Return one body with the latest of each post in `bodies`."""
    latest: dict[int, bytes] = {}
    for body in bodies:
        latest.update(decode_posts(body))
    return b"".join(ENTRY.pack(fullname, len(packed)) + packed for fullname, packed in latest.items())
