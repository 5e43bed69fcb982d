"""Comments that speak of `this movie` without a name: the film of the thread's title is meant, less certainly."""

from __future__ import annotations

import re
from typing import Final

POINTING: Final = re.compile(
    r"\b(?:this|the|that) (?:movie|film|flick|one)\b"
    r"|\b(?:saw|seen|see|watch|watched|watching|rewatched|loved|love|liked|hated|enjoyed|finished) (?:it|this)\b"
    r"|^\W*(?:it|this) (?:was|is|has|had)\b|\bit['\u2019]?s (?:a|an|the|so|one)\b",
    re.IGNORECASE,
)
MOVIE: Final = re.compile(r"(?:movie|film|flick)$", re.IGNORECASE)
NAMED_SHARE: Final = 0.4
"""Of the title's confidence, for a comment that says `this movie`."""
IT_SHARE: Final = 0.3
"""Of the title's confidence, for a comment that only says `it`."""
SURE_TITLE: Final = 0.7
"""Confidence that the title names one film, under which its comments inherit nothing."""
SEARCHED: Final = 5_000


def pointing(text: str) -> tuple[int, int, float] | None:
    """Return where a comment points at its thread's film, and the share of confidence that is left; None if nowhere."""
    match = POINTING.search(text, 0, SEARCHED)
    if match is None:
        return None
    return match.start(), match.end(), NAMED_SHARE if MOVIE.search(match[0]) else IT_SHARE
