"""What stands around a name: typography, years, neighbouring words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stream_processors.linking.tokens import Tokens

OPENING: Final = frozenset("\"'\u201c\u2018\u00ab\u201e\u201a*_\u300a\u300c\u300e\u3008`\u00b4")
CLOSING: Final = frozenset("\"'\u201d\u2019\u00bb\u201c\u2018*_\u300b\u300d\u300f\u3009`\u00b4")
EMPHASIS: Final = frozenset("*_")
YEAR_AFTER: Final = re.compile(
    r"[\"'\u201d\u2019*_!?.,]{0,4}\s?(?:(?P<open>[(\[])\s?|[-,|]\s?)?(?P<year>18[89]\d|19\d\d|20[0-3]\d)(?!\d|s\b)"
)
HEADLINE_SHARE: Final = 0.7
HEADLINE_WORDS: Final = 4
LINE_ENDS: Final = "\n\r\u2028\u2029"


@dataclass(frozen=True, slots=True)
class Around:
    """A name's surroundings: quoted on both sides, the year behind it (0: none), and whether it is in brackets."""

    quoted: bool
    half_quoted: bool
    year: int
    bracketed_year: bool


def around(text: str, start: int, end: int) -> Around:
    """Return the typography around `text[start:end]`."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if after in ",.!?" and end + 1 < len(text) and text[end + 1] in CLOSING:
        after = text[end + 1]
    opened, closed = before in OPENING, after in CLOSING
    match = YEAR_AFTER.match(text, end)
    return Around(
        quoted=opened and closed,
        half_quoted=opened != closed,
        year=int(match["year"]) if match else 0,
        bracketed_year=bool(match and match["open"]),
    )


def is_headline(text: str, tokens: Tokens) -> bool:
    """Return whether nearly every word has a capital, which then says nothing about names."""
    capitals = letters = 0
    for start in tokens.starts[1:200]:
        letter = text[start]
        if letter.isalpha():
            letters += 1
            capitals += letter.isupper()
    return letters >= HEADLINE_WORDS and capitals >= HEADLINE_SHARE * letters


def starts_line(text: str, start: int) -> bool:
    """Return whether only list marks and emphasis stand between the line's start and `start`."""
    while start and text[start - 1] in " \t*_-#>\u2022\"'\u201c\u2018([.)0123456789":
        start -= 1
    return not start or text[start - 1] in LINE_ENDS


def ends_line(text: str, end: int) -> bool:
    """Return whether only marks stand between `end` and the line's end."""
    while end < len(text) and text[end] in " \t*_\"'\u201d\u2019)].!?,":
        end += 1
    return end >= len(text) or text[end] in LINE_ENDS
