"""The key of a dead letter: each has its own, so that one can be removed from the topic alone."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.events import DeadLetter


def letter_key(letter: DeadLetter) -> str:
    """Return the key of a letter: who gave up on which record; what no topic held goes by a digest of the letter."""
    if letter.partition is not None and letter.offset is not None:
        return f"{letter.stage}/{letter.source}/{letter.partition}/{letter.offset}"
    said = repr((letter.reason, letter.failed_at, letter.key, letter.value)).encode("utf-8", "surrogatepass")
    return f"{letter.stage}/{letter.source}/{blake2b(said, digest_size=12).hexdigest()}"
