"""What stands around a name: the marks that quote or emphasise it, and the ends of lines."""

from __future__ import annotations

from typing import Final

OPENING: Final = frozenset("\"'\u201c\u2018\u00ab\u201e\u201a*_\u300a\u300c\u300e\u3008`\u00b4")
CLOSING: Final = frozenset("\"'\u201d\u2019\u00bb\u201c\u2018*_\u300b\u300d\u300f\u3009`\u00b4")
EMPHASIS: Final = frozenset("*_")
LINE_ENDS: Final = "\n\r\u2028\u2029"


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
