"""A post's identity in eight bytes.

Sets of mentions and the tables of the link stage hold millions of posts, so a post is a 64-bit integer there. Reddit's
ids are numbers written in base 36 and pack without loss; an id of any other form is hashed to 62 bits, where ten
million posts collide with a probability of about one in 90,000.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

REDDIT: Final = "reddit"

SUBMISSION: Final = 1
COMMENT: Final = 2
HASHED: Final = 3
KIND_BITS: Final = 2
KIND_MASK: Final = 3
"""The low bits of a packed post say what it is: a Reddit submission, a Reddit comment, or a hash."""

DENIAL_KEY: Final = b"cinepulse forgotten posts"

KINDS: Final = {b"t3_": SUBMISSION, b"t1_": COMMENT}
BASE: Final = 36
# 36 to the power of 11 is the last that leaves room for the kind in 64 bits. Reddit's ids have 6 or 7 digits.
MAX_DIGITS: Final = 11
ZERO: Final = ord("0")


def pack_fullname(fullname: bytes) -> int:
    """Return a Reddit fullname, as UTF-8, as a number below 2^64: one number for each fullname.

    Only the form that Reddit itself writes is read as a number. Another spelling of the same number is another text,
    so it is hashed.
    """
    kind = KINDS.get(fullname[:3])
    digits = fullname[3:]
    if (
        kind is not None
        and digits.isalnum()
        and digits[0] != ZERO
        and len(digits) <= MAX_DIGITS
        and digits == digits.lower()
    ):
        return int(digits, BASE) << KIND_BITS | kind
    return _hashed(REDDIT.encode(), fullname)


def pack_post(platform: str, post_id: str) -> int:
    """Return a post of any platform as a number below 2^64."""
    encoded = post_id.encode("utf-8", "surrogatepass")
    return pack_fullname(encoded) if platform == REDDIT else _hashed(platform.encode("utf-8", "surrogatepass"), encoded)


def denial_of(fullname: bytes) -> int:
    """Return the number under which a forgotten post is remembered: a digest, which no packed post equals.

    It lets the post be recognised if it comes again and does not say which post it is; who guesses the id can check it.
    """
    digest = blake2b(fullname, digest_size=8, key=DENIAL_KEY).digest()
    return int.from_bytes(digest) & ~KIND_MASK


def _hashed(platform: bytes, post_id: bytes) -> int:
    digest = blake2b(post_id, digest_size=8, key=blake2b(platform, digest_size=16).digest()).digest()
    return int.from_bytes(digest) & ~KIND_MASK | HASHED
