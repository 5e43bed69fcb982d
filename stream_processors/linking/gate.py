"""Drop at little cost what cannot be a film, so that features are computed for few candidates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stream_processors.linking.context import CLOSING, OPENING, ends_line, starts_line
from stream_processors.linking.facts import GATE
from stream_processors.linking.lexicon import word_group

if TYPE_CHECKING:
    from stream_processors.linking.candidates import Candidate
    from stream_processors.linking.facts import NameFacts
    from stream_processors.linking.tokens import Tokens

ANNOUNCING: Final = word_group("watching_verbs") | word_group("naming_words")
NAMING: Final = word_group("naming_words")
FILM_PEOPLE: Final = word_group("film_people")
SERIES_NAMES: Final = frozenset(name.replace("_", " ") for name in word_group("series_names"))
CALLED_FILM: Final = (["movie"], ["film"])
ABSORBING: Final = word_group("absorbing")
BEFORE_DATES: Final = word_group("before_dates")
COUNTED: Final = word_group("counted")
EPISODE: Final = re.compile(r"s\d{1,2}(?:e\d{1,3})?")
QUOTES: Final = " -'\"\u2019\u201d*_"
QUOTED_GAP: Final = 3
SIGNS: Final = ("lower", "inner_capital", "announced", "alone", "community")
SIGN_WEIGHTS: Final = tuple(float(GATE["signs"][name]) for name in SIGNS)
LEAST: Final = float(GATE["least"])
BEHIND_SENTENCE: Final = frozenset(".!?:\n")


def passes(text: str, tokens: Tokens, candidate: Candidate, facts: NameFacts, community: float) -> bool:
    """Return whether a film is possible, and likely enough to be judged.

    `community`: 1 about films, -1 about something else, 0 unknown.
    """
    if _is_absorbed(text, tokens, candidate) or _is_quantity(tokens, candidate):
        return False
    if candidate.name in SERIES_NAMES:
        return "(" in text[candidate.end : candidate.end + 2] or _is_called_film(tokens, candidate)
    if is_marked(text, candidate):
        return True
    if not _is_plausible(text, tokens, candidate, facts):
        return False
    if facts.loose and facts.words == 1 and candidate.name.isdigit():
        # A famous film's number: too few are labelled for the gate's score to know them.
        return True
    score = facts.gate
    for weight, sign in zip(SIGN_WEIGHTS, signs_of(text, tokens, candidate, community), strict=True):
        score += weight * sign
    return score >= LEAST


def is_marked(text: str, candidate: Candidate) -> bool:
    """Return whether quotes, emphasis or a bracket stand right beside the name."""
    after = text[candidate.end : candidate.end + 2]
    before = text[candidate.start - 1] if candidate.start else "\n"
    return before in OPENING or after[:1] in CLOSING or "(" in after


def signs_of(text: str, tokens: Tokens, candidate: Candidate, community: float) -> tuple[float, ...]:
    """Return what the gate sees of the place where a name stands, in the order of `SIGNS`."""
    start = candidate.start
    lower = text[start].islower()
    inner = start > 1 and text[start - 1] == " " and text[start - 2] not in BEHIND_SENTENCE
    announced = candidate.first > 0 and tokens.words[candidate.first - 1] in ANNOUNCING
    alone = (not start or text[start - 1] == "\n") and candidate.end >= len(text) - 1
    return float(lower), float(inner and not lower), float(announced), float(alone), community


def _is_plausible(text: str, tokens: Tokens, candidate: Candidate, facts: NameFacts) -> bool:
    """Return whether capitals, a cue or the name itself leave a film possible."""
    start, end = candidate.start, candidate.end
    before = text[start - 1] if start else "\n"
    if candidate.name in FILM_PEOPLE:
        return _is_called_film(tokens, candidate)
    if text[start].isupper():
        if not facts.stop:
            return True
        inner = start > 1 and before == " " and text[start - 2] not in BEHIND_SENTENCE
        return facts.words > 1 or (inner and text[start:end] != "I") or _alone(text, start, end)
    if _alone(text, start, end) or (facts.loose and not facts.noun):
        return True
    return not facts.stop and candidate.first > 0 and tokens.words[candidate.first - 1] in ANNOUNCING


def _is_absorbed(text: str, tokens: Tokens, candidate: Candidate) -> bool:
    """Return whether the next word makes it a series, a season of it, or a franchise as a whole."""
    place = candidate.last + 1
    if place >= len(tokens.words) or tokens.words[place] not in ABSORBING:
        return bool(place < len(tokens.words) and EPISODE.fullmatch(tokens.words[place]))
    gap = text[tokens.ends[place - 1] : tokens.starts[place]]
    return len(gap) <= QUOTED_GAP and gap.strip(QUOTES) == ""


def _is_quantity(tokens: Tokens, candidate: Candidate) -> bool:
    """Return whether a number stands where dates do (in 1917) or counts what follows (300 people)."""
    if candidate.first != candidate.last or not candidate.name.isdigit():
        return False
    if candidate.first > 0 and tokens.words[candidate.first - 1] in BEFORE_DATES:
        return True
    return candidate.last + 1 < len(tokens.words) and tokens.words[candidate.last + 1] in COUNTED


def _is_called_film(tokens: Tokens, candidate: Candidate) -> bool:
    before = tokens.words[candidate.first - 1] if candidate.first else ""
    return before in NAMING or tokens.words[candidate.last + 1 : candidate.last + 2] in CALLED_FILM


def _alone(text: str, start: int, end: int) -> bool:
    return ends_line(text, end) and starts_line(text, start)
