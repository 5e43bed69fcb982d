"""Drop at little cost what cannot be a film, so that features are computed for few candidates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stream_processors.linking.context import CLOSING, OPENING, ends_line, starts_line
from stream_processors.linking.lexicon import word_group

if TYPE_CHECKING:
    from stream_processors.linking.candidates import Candidate
    from stream_processors.linking.facts import NameFacts
    from stream_processors.linking.tokens import Tokens

ANNOUNCING: Final = word_group("watching_verbs") | word_group("naming_words")
ABSORBING: Final = word_group("absorbing")
EPISODE: Final = re.compile(r"s\d{1,2}(?:e\d{1,3})?")
QUOTES: Final = " -'\"\u2019\u201d*_"
QUOTED_GAP: Final = 3
BEHIND_SENTENCE: Final = frozenset(".!?:\n")


def is_plausible(text: str, tokens: Tokens, candidate: Candidate, facts: NameFacts) -> bool:
    """Return whether typography, capitals, a cue or the name itself leave a film possible."""
    if _is_absorbed(text, tokens, candidate):
        return False
    start, end = candidate.start, candidate.end
    before = text[start - 1] if start else "\n"
    after = text[end : end + 2]
    if before in OPENING or after[:1] in CLOSING or "(" in after:
        return True
    if text[start].isupper():
        if not facts.stop:
            return True
        inner = start > 1 and before == " " and text[start - 2] not in BEHIND_SENTENCE
        return facts.words > 1 or (inner and text[start:end] != "I") or _alone(text, start, end)
    if facts.loose or _alone(text, start, end):
        return True
    return not facts.stop and candidate.first > 0 and tokens.words[candidate.first - 1] in ANNOUNCING


def _is_absorbed(text: str, tokens: Tokens, candidate: Candidate) -> bool:
    """Return whether the next word makes it a series, a season of it, or a franchise as a whole."""
    place = candidate.last + 1
    if place >= len(tokens.words) or tokens.words[place] not in ABSORBING:
        return bool(place < len(tokens.words) and EPISODE.fullmatch(tokens.words[place]))
    gap = text[tokens.ends[place - 1] : tokens.starts[place]]
    return len(gap) <= QUOTED_GAP and gap.strip(QUOTES) == ""


def _alone(text: str, start: int, end: int) -> bool:
    return ends_line(text, end) and starts_line(text, start)
