"""From a message and the places of its films to the sentences that hold each, and their sentiment."""

from __future__ import annotations

import re
from bisect import bisect_left
from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from stream_processors.sentiment.scoring import score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MASK: Final = "it"
"""Stands for a film's title, whose own words must not count."""

NAMED: Final = frozenset({"title", "body"})
REACH: Final = 400
"""Characters looked at on either side of a title; a sentence that is longer is cut there."""
MOST_SENTENCES: Final = 8
"""Sentences scored of one film in one message."""

ENDS: Final = re.compile(r"[.!?\u2026]+[\"')\]*_]*(?=\s|$)|\n")
MARKUP: Final = re.compile(r">!|!<|\*\*|__|~~|^[#\s]+")
QUOTED: Final = re.compile(r"\s*(?:>|&gt;)(?!!)")
CONTRASTS: Final = re.compile(r"\b(?:but|while|whereas|although|though)\b|;| [-\u2013\u2014] |, and\b", re.IGNORECASE)
# A comma parts two statements where either says what its film is: not in a list of films.
COMMA: Final = re.compile(r", ")
STATES: Final = re.compile(r"\b(?:is|was|are|were|isn't|wasn't|has|had)\b", re.IGNORECASE)
COMPARED: Final = re.compile(
    r"\b(?:better|worse|superior|inferior|more|less|rather|prefer(?:red)?|(?:funn|scar|creep|happ|prett)ier|\w{3,}er)\b.*?\b(?:than|to)\b",
    re.IGNORECASE | re.DOTALL,
)
LESS_SAID: Final = -0.5
"""Who praises one film above another says half as much against the other."""


class Place(Protocol):
    """Where the linker found a film: `text[start:end]`."""

    @property
    def tmdb_id(self) -> int:
        """TMDB id."""
        ...

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """Place behind the last character."""
        ...

    @property
    def location(self) -> str:
        """What part of the message it is in: title, body, link or thread."""
        ...


class Span(NamedTuple):
    """A title's place in a text, or in one of its sentences."""

    start: int
    end: int
    tmdb_id: int


def sentiments_of(text: str, places: Iterable[Place]) -> dict[int, float]:
    """Return the mean compound of the sentences that hold each film, by TMDB id, -1 to 1, to 4 digits.

    A film that no sentence holds has none: found through a link or the thread, or in lines quoted from somebody else.
    """
    spans = sorted({Span(one.start, one.end, one.tmdb_id) for one in places if one.location in NAMED})
    ends = _sentence_ends(text, spans) if spans else []
    scored: dict[int, dict[tuple[int, int], float]] = {}
    for span in spans:
        films = scored.setdefault(span.tmdb_id, {})
        if len(films) < MOST_SENTENCES:
            begin, end = _sentence(len(text), span, ends)
            if (begin, end) not in films and not QUOTED.match(text, text.rfind("\n", 0, begin + 1) + 1):
                inside = spans[bisect_left(spans, (begin,)) : bisect_left(spans, (end,))]
                films[begin, end] = _score(text, begin, end, span, inside)
    return {tmdb_id: round(fmean(found.values()), 4) for tmdb_id, found in scored.items() if found}


def _sentence_ends(text: str, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Return where what ends a sentence begins and ends; a full stop within a title ends nothing."""
    ends: list[tuple[int, int]] = []
    for found in ENDS.finditer(text):
        before = bisect_left(spans, (found.end(),)) - 1
        if before < 0 or spans[before].end <= found.start():
            ends.append(found.span())
    return ends


def _sentence(length: int, span: Span, ends: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return where the sentence around a title begins and ends in a text of that length."""
    after = bisect_left(ends, (span.end,))
    begin = ends[after - 1][1] if after else 0
    end = ends[after][1] if after < len(ends) else length
    return max(min(begin, span.start), span.start - REACH), min(end, span.end + REACH)


def _score(text: str, begin: int, end: int, span: Span, inside: Sequence[Span]) -> float:
    """Return what a sentence says of one of the films in it."""
    if len({one.tmdb_id for one in inside}) > 1:
        begin, end = _clause(text, begin, end, inside, span)
        compared = COMPARED.search(text, begin, span.start)
        if compared is not None:
            return LESS_SAID * score(_masked(text, begin, compared.end(), inside))
    return score(_masked(text, begin, end, inside))


def _clause(text: str, begin: int, end: int, inside: Sequence[Span], span: Span) -> tuple[int, int]:
    """Return the part of a sentence about several films that holds one, the whole where a part would hold none."""
    for separator in (CONTRASTS, COMMA):
        cuts = [
            found.span()
            for found in separator.finditer(text, begin, end)
            if not any(one.start < found.end() and found.start() < one.end for one in inside)
        ]
        parts = list(zip([begin, *(cut[1] for cut in cuts)], [*(cut[0] for cut in cuts), end], strict=True))
        named = all(any(low <= one.start < high for one in inside) for low, high in parts)
        if cuts and named and (separator is CONTRASTS or all(STATES.search(text, *part) for part in parts)):
            return next((low, high) for low, high in parts if low <= span.start < high)
    return begin, end


def _masked(text: str, begin: int, end: int, inside: Sequence[Span]) -> str:
    parts: list[str] = []
    place = begin
    for one in inside:
        if place <= one.start < end:
            parts += (text[place : one.start], MASK)
            place = one.end
    return MARKUP.sub("", "".join((*parts, text[place:end]))).strip()
