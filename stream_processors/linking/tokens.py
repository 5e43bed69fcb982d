"""Text to folded words with their places in the text; time and memory are linear in the text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

APOSTROPHES = "'\u2019\u2018`\u00b4\u02bc\uff07"
JOINERS = "\u00ad\u200c\u200d\u2060\ufeff"
"""Characters without width that may stand inside a word: soft hyphen, joiners, byte-order mark."""
MARKS = "\u0300-\u036f"
"""Combining accents, which text in decomposed form carries after their letter."""

WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}{JOINERS}{MARKS}]+[^\W_]+)*[{MARKS}]*|&")
DROPPED = str.maketrans("", "", APOSTROPHES + JOINERS)

BLANKED = re.compile(
    r"```.*?(?:```|\Z)"  # fenced code
    r"|`[^`\n]{1,200}`"  # inline code
    r"|(?:https?://|www\.)[^\s<>\])\"]+"
    r"|\]\([^)\n]{0,300}\)"  # the target of a markdown link
    r"|(?<![\w/])/?[ru]/[\w-]+"  # communities and users
    r"|(?<![\w@.])@\w+"  # user names on other platforms
    r"|(?m:^(?: {4}|\t)[^\n]*$)"  # indented code
    r"|&(?:amp|lt|gt|nbsp|quot|\#x?\w{1,6});",
    re.DOTALL | re.IGNORECASE,
)
BLANK_SIGNS = ("://", "www.", "](", "`", "r/", "R/", "u/", "U/", "@", "    ", "\t", "&")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a text, in order: folded, and where each starts and ends.

    `possessives` holds the places of words that end in 's, whose folded form ends in s.
    """

    words: list[str]
    starts: list[int]
    ends: list[int]
    possessives: set[int]


def blank(text: str) -> str:
    """Return the text, of the same length, with links, code, user and community names replaced by spaces.

    The text between the brackets of a markdown link stays.
    """
    if not any(sign in text for sign in BLANK_SIGNS):
        return text
    return BLANKED.sub(_spaces, text)


def _spaces(match: re.Match[str]) -> str:
    if match[0].lower() == "&amp;":
        return "&    "
    return " " * len(match[0])


def tokenise(text: str) -> Tokens:
    """Return the words of a text, which `blank` may have gone over before."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    possessives: set[int] = set()
    lowered = text.lower() if text.isascii() else None
    for match in WORD.finditer(text if lowered is None else lowered):
        start, end = match.span()
        raw = match[0]
        word = raw if lowered is not None and raw.isalnum() else fold(raw)
        if raw[-1:] in "sS" and end - start > 2 and raw[-2] in APOSTROPHES:  # noqa: PLR2004 - the length of 's
            possessives.add(len(words))
        starts.append(start)
        ends.append(end)
        words.append(word)
    return Tokens(words, starts, ends, possessives)


@lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """Return a word lower-cased, without accents, apostrophes and joiners; & becomes `and`."""
    if word == "&":
        return "and"
    if word.isascii():
        return word.lower().translate(DROPPED)
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower().translate(DROPPED)


def fold_name(name: str) -> tuple[str, ...]:
    """Return the folded words of a title or of a person's name."""
    return tuple(fold(match[0]) for match in WORD.finditer(name))
