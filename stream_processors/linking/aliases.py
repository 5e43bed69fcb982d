"""The names under which a film is spoken of, derived from its titles.

The kinds and their penalties come from measuring which derived names real messages use, and how often a derived name
that two films share belongs to the film whose full title it is.
"""

from __future__ import annotations

import re
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from stream_processors.linking.tokens import fold_name
from stream_processors.linking.words import STOPWORDS, zipf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Kind(IntEnum):
    """How a name comes from a film's titles; the value is part of the index, so it never changes its meaning."""

    TITLE = 0
    ORIGINAL = 1
    ALTERNATIVE = 2
    ARTICLE = 3
    HEAD = 4
    TAIL = 5
    NUMERAL = 6
    AND_DROPPED = 7
    JOINED = 8
    FRANCHISE_TAIL = 9
    PREFIX = 10
    INITIALS = 11
    PART = 12
    SHORTENED = 13


PENALTIES: Final = (0.0, 0.7, 0.3, 0.5, 1.5, 1.0, 0.5, 0.5, 0.5, 1.0, 4.0, 4.0, 0.3, 0.3)
"""How much less likely a film is meant by a name of each kind, in units of the prior (log votes)."""

Words = tuple[str, ...]

ARTICLES: Final = frozenset({"the", "a", "an"})
BREAK: Final = re.compile(r":\s+|\s+[-\u2013\u2014]+\s+|\s*/\s+|[!?]\s+")
ROMAN: Final = {
    "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10, "xi": 11, "xii": 12, "xiii": 13,
}  # fmt: skip
SPELLED: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fifty": 50,
}  # fmt: skip
TO_ROMAN: Final = {str(number): word for word, number in ROMAN.items()}
TO_SPELLED: Final = {str(number): word for word, number in SPELLED.items()}
HUNDRED_AND_ONE: Final = ("one", "hundred", "and", "one")
TALES: Final = frozenset({"adventures", "adventure", "legend", "tale", "story", "case", "ballad", "curse"})
PARTS: Final = frozenset({"part", "chapter", "vol", "volume", "episode"})
SHORT: Final = {
    "doctor": "dr", "dr": "doctor", "versus": "vs", "vs": "versus", "v": "vs", "mister": "mr", "mr": "mister",
    "saint": "st", "st": "saint", "volume": "vol", "vol": "volume", "mrs": "missus",
}  # fmt: skip

MAX_WORDS = 14
"""Names longer than this are not looked up by derived forms: nobody writes them in full with variations."""
KNOWN_PRIOR = 3.0
"""Log votes from which a film is known well enough to be named loosely."""
FAMOUS_PRIOR = 7.0
INITIALS_PRIOR = 8.5
HEAD_PRIOR = 3.5
SPLIT_ZIPF = 3.7
RARE_ZIPF = 3.6
COMMON_ZIPF = 4.2


def names_of(titles: Sequence[tuple[str, Kind]], prior: float, *, recent: bool) -> dict[Words, Kind]:
    """Return a film's names as folded words, each with the kind that is penalised least.

    `titles` are the film's own titles with their kinds, `prior` its log votes, `recent` whether it came out lately
    (its subtitle is then left out in news).
    """
    found: dict[Words, Kind] = {}
    for title, kind in titles:
        words = fold_name(title)
        if not words:
            continue
        _add(found, words, kind)
        if len(words) > MAX_WORDS:
            continue
        for name, derived in _derived(title, words, prior, recent=recent):
            _add(found, name, derived)
    if prior >= INITIALS_PRIOR:
        initials = "".join(word[0] for word in fold_name(titles[0][0]))
        if len(initials) >= 3:  # noqa: PLR2004 - two letters stand for anything
            _add(found, (initials,), Kind.INITIALS)
    return found


def _add(found: dict[Words, Kind], name: Words, kind: Kind) -> None:
    old = found.get(name)
    if old is None or PENALTIES[kind] < PENALTIES[old]:
        found[name] = kind


def _derived(title: str, words: Words, prior: float, *, recent: bool) -> Iterator[tuple[Words, Kind]]:
    yield from _variants(words, prior)
    for name, kind in _parts(title, words, prior, recent=recent):
        yield name, kind
        yield from ((variant, kind) for variant, _ in _variants(name, prior))
    if prior >= FAMOUS_PRIOR:
        yield from _shorter(words)
        yield from _prefixes(words)


def _variants(words: Words, prior: float) -> Iterator[tuple[Words, Kind]]:
    """Vary the article, then numbers and spellings with and without it."""
    yield from _articles(words, prior)
    forms = [words]
    if words[0] in ARTICLES and len(words) > 2:  # noqa: PLR2004 - article and two words
        forms.append(words[1:])
    for form in forms:
        numbered = list(_numbers(form, prior))
        yield from numbered
        yield from _spellings(form, prior)
        if prior >= KNOWN_PRIOR and "and" in form[1:-1]:
            for name, _ in numbered:
                yield from _spellings(name, prior)


def _articles(words: Words, prior: float) -> Iterator[tuple[Words, Kind]]:
    if words[0] in ARTICLES and len(words) > 1:
        yield words[1:], Kind.ARTICLE
    elif prior >= KNOWN_PRIOR and words[0] not in ARTICLES:
        yield ("the", *words), Kind.ARTICLE


def _numbers(words: Words, prior: float) -> Iterator[tuple[Words, Kind]]:
    """Write numbers in the other ways: II, 2, two, and a sequel's without the word part."""
    if words[:4] == HUNDRED_AND_ONE:
        yield ("101", *words[4:]), Kind.NUMERAL
    for place, word in enumerate(words):
        last = place == len(words) - 1
        after_part = place > 0 and words[place - 1] in PARTS
        roman = ROMAN.get(word) if place else None
        spelled = SPELLED.get(word) if after_part or (len(words) > 1 and prior >= KNOWN_PRIOR) else None
        number = str(roman or spelled or word)
        if not number.isdigit() or len(number) > 2 or len(words) == 1:  # noqa: PLR2004 - years are not numerals
            continue
        before, after = words[:place], words[place + 1 :]
        forms = {number, TO_SPELLED.get(number, number)} | ({TO_ROMAN.get(number, number)} if place else set())
        for form in sorted(forms - {word}):
            yield (*before, form, *after), Kind.NUMERAL
        if after_part and place > 1 and number != "1":
            for form in (number, TO_ROMAN.get(number, number)):
                yield (*before[:-1], form, *after), Kind.PART
        elif last and number != "1" and not after_part and (word in ROMAN or word == number):
            yield (*before, "part", number), Kind.PART
            if prior >= KNOWN_PRIOR and place > 2 and before[1] in STOPWORDS and before[0] not in STOPWORDS:  # noqa: PLR2004 - places of words
                yield (before[0], number), Kind.PART


def _spellings(words: Words, prior: float) -> Iterator[tuple[Words, Kind]]:
    if "and" in words[1:-1]:
        yield tuple(word for word in words if word != "and"), Kind.AND_DROPPED
    for place, word in enumerate(words):
        if word in SHORT and (word != "v" or 0 < place < len(words) - 1):
            yield (*words[:place], SHORT[word], *words[place + 1 :]), Kind.SHORTENED
    if prior >= KNOWN_PRIOR:
        yield from _joined(words)
        for place, word in enumerate(words):
            for left, right in _halves(word):
                yield (*words[:place], left, right, *words[place + 1 :]), Kind.JOINED


def _joined(words: Words) -> Iterator[tuple[Words, Kind]]:
    """Close up two neighbours, and spaced initials such as E.T. altogether."""
    for place, (left, right) in enumerate(pairwise(words)):
        if left not in STOPWORDS and right not in STOPWORDS and len(left) + len(right) >= 5:  # noqa: PLR2004 - places of words
            yield (*words[:place], left + right, *words[place + 2 :]), Kind.JOINED
    letters = 0
    while letters < len(words) and len(words[letters]) == 1:
        letters += 1
    if letters > 1:
        yield ("".join(words[:letters]), *words[letters:]), Kind.JOINED
        yield words[:letters], Kind.HEAD
        yield ("".join(words[:letters]),), Kind.HEAD


def _halves(word: str) -> Iterator[tuple[str, str]]:
    """Split a compound whose halves are both common words: bird cage."""
    if len(word) < 7 or not word.isalpha():  # noqa: PLR2004 - shorter words split into anything
        return
    for place in range(3, len(word) - 2):
        left, right = word[:place], word[place:]
        if zipf(left) >= SPLIT_ZIPF and zipf(right) >= SPLIT_ZIPF:
            yield left, right


def _parts(title: str, words: Words, prior: float, *, recent: bool) -> Iterator[tuple[Words, Kind]]:
    """Take what stands before a title's colon or dash, and what stands after it."""
    pieces = BREAK.split(title, maxsplit=1)
    if len(pieces) < 2:  # noqa: PLR2004 - one piece is the whole title
        return
    head, tail = fold_name(pieces[0]), fold_name(pieces[1])
    if head and head != words and (prior >= HEAD_PRIOR or recent):
        yield head, Kind.HEAD
    if tail and (len(tail) > 1 or zipf(tail[0]) < COMMON_ZIPF):
        yield tail, Kind.TAIL


def _shorter(words: Words) -> Iterator[tuple[Words, Kind]]:
    """Leave out the hero, as fans of a series do: after `and the`, after a possessive, after `the adventures of`."""
    for place, (left, right) in enumerate(pairwise(words)):
        rest = words[place + 2 :]
        if (left, right) == ("and", "the") and place > 0 and len(rest) > 1:
            yield rest, Kind.FRANCHISE_TAIL
        if right == "of" and left in TALES and rest and place < 3 and rest[-1] not in STOPWORDS:  # noqa: PLR2004 - places of words
            yield rest, Kind.FRANCHISE_TAIL
    if "and" in words[:2] and len(words) > 4 and words[2].endswith("s"):  # noqa: PLR2004 - Bill & Ted's ...
        yield words[3:], Kind.FRANCHISE_TAIL


def _prefixes(words: Words) -> Iterator[tuple[Words, Kind]]:
    """Take the first words as far as a rare one: nobody writes out The Assassination of Jesse James by ..."""
    for length in range(1, len(words) - 1):
        name = words[:length]
        if min(zipf(word) for word in name) < RARE_ZIPF and name[-1] not in STOPWORDS:
            yield name, Kind.PREFIX
