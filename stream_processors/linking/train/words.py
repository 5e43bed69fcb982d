"""Count words of recorded posts into `data/words.tsv`: only words of letters, seen at least three times."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from stream_processors.linking.tokens import blank, fold, tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MIN_COUNT = 3
HEADLINE_SHARE = 0.5
SENTENCE_ENDS = frozenset(".!?:\n\"'\u201c\u2018*_-\u2013\u2014|/([")


def count_words(texts: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Return the counts of words in lower case, and of words with a capital inside a sentence.

    Headlines write every word with a capital, so texts that look like one tell nothing and are left out of both.
    """
    lower: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in texts:
        inner = _inner_words(blank(text))
        if not inner:
            continue
        capitals = [word for word in inner if word[0].isupper()]
        if len(capitals) / len(inner) > HEADLINE_SHARE:
            continue
        lower.update(fold(word) for word in inner if word[0].islower())
        capital.update(fold(word) for word in capitals)
    return lower, capital


def _inner_words(text: str) -> list[str]:
    tokens = tokenise(text)
    return [
        text[start:end]
        for start, end in zip(tokens.starts, tokens.ends, strict=True)
        if start and text[:start].rstrip(" ")[-1:] not in SENTENCE_ENDS and text[start].isalpha()
    ]


def write_words(path: Path, lower: Counter[str], capital: Counter[str]) -> int:
    """Write the table, words in order, and return how many it has."""
    total = sum(lower.values()) + sum(capital.values())

    def tenths(count: int) -> int:
        return round(10 * math.log10((count + 0.3) / total * 1e9))

    words = sorted(word for word in lower.keys() | capital.keys() if lower[word] + capital[word] >= MIN_COUNT)
    kept = [word for word in words if word.isascii() and word.isalpha()]
    path.write_text("".join(f"{word}\t{tenths(lower[word])}\t{tenths(capital[word])}\n" for word in kept), "utf-8")
    return len(kept)
