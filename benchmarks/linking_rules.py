"""A baseline: judge candidates by hand-written rules on typography, neighbours and how common the words are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from stream_processors.linking.aliases import ARTICLES, Kind
from stream_processors.linking.context import ends_line, starts_line
from stream_processors.linking.lexicon import word_group
from stream_processors.linking.words import STOPWORDS, name_zipf, zipf

if TYPE_CHECKING:
    from stream_processors.linking.candidates import Candidate
    from stream_processors.linking.tokens import Tokens

FRANCHISE: Final = word_group("franchise") | word_group("television")
NUMBERS: Final = word_group("sequel_numbers")
VERBS: Final = word_group("watching_verbs")
NOUNS: Final = word_group("introducing_words")
NEXT: Final = word_group("following_nouns")
DERIVED: Final = frozenset({Kind.HEAD, Kind.PREFIX, Kind.INITIALS})

SURE: Final = 0.93
CUED: Final = 0.8
PLAIN: Final = 0.65
FEW_VOTES: Final = 2.5
KNOWN: Final = 3.0
WELL_KNOWN: Final = 4.0
FAMOUS: Final = 5.0
INFORMATIVE: Final = 7.0


class Facts(NamedTuple):
    """What is known of a candidate besides its words."""

    quoted: bool
    bracketed_year: bool
    kind: Kind
    prior: float
    year_matches: bool
    recent: bool
    headline: bool


def judge(text: str, tokens: Tokens, candidate: Candidate, facts: Facts) -> float:
    """Return the confidence that the candidate names a film, 0 where a rule forbids it."""
    strong = facts.quoted or (facts.year_matches and facts.bracketed_year)
    if facts.bracketed_year and not facts.year_matches:
        return 0.0
    cut = not strong and not facts.year_matches and _continues_elsewhere(text, tokens, candidate, facts.headline)
    if cut or (facts.prior < FEW_VOTES and not facts.recent and not strong):
        return 0.0
    words = candidate.name.split()
    if words[0] in ARTICLES and len(words) > 1:
        words = words[1:]
    if strong:
        return SURE if facts.prior >= KNOWN or len(words) > 1 or facts.recent or facts.year_matches else CUED
    cue = _has_cue(text, tokens, candidate)
    capitals = _has_capitals(text, tokens, candidate)
    if facts.kind in DERIVED and not (cue and capitals):
        return 0.0
    if all(word in STOPWORDS for word in words) and not (cue and capitals and facts.prior >= FAMOUS):
        return 0.0
    return _judge_words(words, facts.prior, cue=cue) if capitals else _judge_lower(words, facts.prior, cue=cue)


def _judge_lower(words: list[str], prior: float, *, cue: bool) -> float:
    information = sum(max(7.5 - zipf(word), 0.0) for word in words)
    content = sum(word not in STOPWORDS for word in words)
    known = (information >= INFORMATIVE and prior >= WELL_KNOWN) or (cue and prior >= KNOWN)
    return PLAIN if content > 1 and known else 0.0


def _judge_words(words: list[str], prior: float, *, cue: bool) -> float:
    mean = sum(max(zipf(word), name_zipf(word)) for word in words) / len(words)
    limit, least = {1: (3.6, KNOWN), 2: (5.0, KNOWN)}.get(len(words), (6.2, 0.0))
    if mean < limit and prior >= least:
        return CUED if cue else PLAIN
    if cue and (len(words) > 1 or (mean < 5.2 and prior >= FAMOUS)):  # noqa: PLR2004 - the Zipf value of common words
        return PLAIN
    return 0.0


def _continues_elsewhere(text: str, tokens: Tokens, candidate: Candidate, headline: bool) -> bool:  # noqa: FBT001 - a fact
    """Return whether the name is part of something longer: a sequel, a franchise, a person, a tag."""
    after = candidate.last + 1
    if text[candidate.start - 1 : candidate.start] in ("@", "#", "/") or text[candidate.end : candidate.end + 1] == "/":
        return True
    if after < len(tokens.words):
        gap = text[tokens.ends[candidate.last] : tokens.starts[after]]
        following = tokens.words[after]
        if gap in (" ", "-", ": ", " - "):
            if following in NUMBERS or following in FRANCHISE:
                return True
            if text[tokens.starts[after]].isupper() and (gap in (": ", "-") or (gap == " " and not headline)):
                return following not in NEXT
    before = candidate.first - 1
    if before >= 0 and not headline:
        gap = text[tokens.ends[before] : tokens.starts[candidate.first]]
        inner = before > 0 and text[tokens.ends[before - 1] : tokens.starts[before]] in (" ", ", ")
        word = tokens.words[before]
        if gap in (" ", "-") and inner and text[tokens.starts[before]].isupper() and word not in STOPWORDS:
            return True
    return False


def _has_cue(text: str, tokens: Tokens, candidate: Candidate) -> bool:
    before = tokens.words[max(candidate.first - 3, 0) : candidate.first]
    if before and before[-1] == "the":
        before.pop()
    if before and (before[-1] in VERBS or before[-1] in NOUNS or (len(before) > 1 and before[-2] in VERBS)):
        return True
    following = tokens.words[candidate.last + 1 : candidate.last + 2]
    if following and following[0] in NEXT:
        return True
    return starts_line(text, candidate.start) and ends_line(text, candidate.end)


def _has_capitals(text: str, tokens: Tokens, candidate: Candidate) -> bool:
    """Return whether every word that carries meaning starts with a capital or is a number."""
    places = range(candidate.first, candidate.last + 1)
    return all(
        not text[tokens.starts[place]].islower() or (place > candidate.first and tokens.words[place] in STOPWORDS)
        for place in places
    )
