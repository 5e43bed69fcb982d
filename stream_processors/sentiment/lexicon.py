"""VADER's lexicon as film talk needs it: words changed, phrases turned into words, boosters that it does not know."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLAIN: Final = str.maketrans("\u2019\u2018\u02bc\u00b4`", "'''''", "\ufe0f")
"""Apostrophes to the straight one, and away with what says that a sign is to be drawn as an emoji."""

# `like` is praise after a person or an auxiliary, and a comparison after everything else.
FOND: Final = re.compile(
    r"\b(i|we|you|they|people|everyone|really|actually|did|do|does|didn't|don't|doesn't|to|not|never|kids) like\b"
    r"(?! an? )",
    re.IGNORECASE,
)
WORD_START: Final = re.compile(r"\b[a-z0-9]", re.IGNORECASE)
GROUP: Final = "(?:"


class Lexicon(NamedTuple):
    """Valences by word; expressions of phrases by their first letter; the word that stands for what they match.

    One expression of all phrases would be tried in full at every word, which takes ten times as long.
    """

    valences: Mapping[str, float]
    phrases: Mapping[str, re.Pattern[str]]
    words: Mapping[str, str]
    emoji: Mapping[int, str]

    def rewrite(self, text: str) -> str:
        """Return the text with one word for each phrase, booster and emoji of film talk."""
        plain = text.translate(PLAIN)
        if not plain.isascii():
            plain = plain.translate(self.emoji)
        parts: list[str] = []
        place = 0
        for start in WORD_START.finditer(plain):
            expression = self.phrases.get(start[0].lower())
            if expression is not None and start.start() >= place:
                found = expression.match(plain, start.start())
                if found is not None:
                    parts += (plain[place : found.start()], self.words[found.lastgroup or ""])
                    place = found.end()
        return FOND.sub(r"\1 enjoy", "".join((*parts, plain[place:])))


@cache
def lexicon() -> Lexicon:
    """Return VADER's lexicon with the changes of `data/film.toml`."""
    ours = tomllib.loads(files("stream_processors.sentiment").joinpath("data", "film.toml").read_text("utf-8"))
    theirs = files("vaderSentiment").joinpath("vader_lexicon.txt").read_text("utf-8")
    valences = {
        word: float(valence) for word, valence in (line.split("\t")[:2] for line in theirs.splitlines() if line)
    }
    for word in ours["neutral"].split():
        valences.pop(word, None)
    for valence, words in ours["words"].items():
        valences |= dict.fromkeys(words.split(), float(valence))
    words_by_group: dict[str, str] = {}
    by_initial: defaultdict[str, list[str]] = defaultdict(list)
    for group, valence, word, patterns in _phrases(ours):
        words_by_group[group] = word
        if valence:
            valences[word.strip()] = valence
        for initial in sorted({initial for pattern in patterns for initial in _initials(pattern)}):
            some = "|".join(pattern for pattern in patterns if initial in _initials(pattern))
            by_initial[initial].append(rf"(?P<{group}>(?:{some})\b)")
    emoji: dict[int, str] = {}
    for place, (valence, signs) in enumerate(ours["emoji"].items()):
        valences[f"filmsign{place}"] = float(valence)
        emoji |= dict.fromkeys(map(ord, "".join(signs.split())), f" filmsign{place} ")
    phrases = {initial: re.compile("|".join(some), re.IGNORECASE) for initial, some in by_initial.items()}
    return Lexicon(valences, phrases, words_by_group, emoji)


def _phrases(ours: Mapping[str, Any]) -> Iterator[tuple[str, float, str, list[str]]]:
    """Yield name, valence, the word that stands for them, and the expressions of each group of phrases."""
    for place, (valence, patterns) in enumerate(ours["patterns"].items()):
        yield f"filmphrase{place}", float(valence), f" filmphrase{place} ", patterns
    for booster, words in ours["rewrites"].items():
        yield booster, 0.0, booster, [rf"{word}(?= [a-z])" for word in words.split()]


def _initials(pattern: str) -> set[str]:
    """Return the letters with which a match may begin; a pattern begins with a letter or a group of alternatives."""
    if not pattern.startswith(GROUP):
        return {pattern[0]}
    depths = list(accumulate({"(": 1, ")": -1}.get(letter, 0) for letter in pattern))
    end = depths.index(0)
    found: set[str] = set()
    start = len(GROUP)
    for place in range(start, end + 1):
        if place == end or (pattern[place] == "|" and depths[place] == 1):
            found |= _initials(pattern[start:place])
            start = place + 1
    return found | _initials(pattern[end + 2 :]) if pattern[end + 1 : end + 2] == "?" else found
