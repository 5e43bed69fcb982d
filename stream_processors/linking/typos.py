"""Names with one letter wrong: only long names of well-known films, and only where the word is not a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stream_processors.linking.candidates import Candidate, continues
from stream_processors.linking.meanings import KINDS, PREFIX, codes_of
from stream_processors.linking.spelling import LONGEST, SHORTEST, corrections
from stream_processors.linking.words import words_above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.meanings import Meanings
    from stream_processors.linking.tokens import Tokens

NAME_LETTERS: Final = 9
"""Characters of a whole name from which a misspelling is accepted."""
WORD_LETTERS: Final = 8
WORD_PRIOR: Final = 8.0
"""The same for a name of one word: its letters, and the log votes of its film."""
BEFORE: Final = 4
"""Words of a name that may stand before the misspelt one."""
RARE_ZIPF: Final = 3.4
"""A more common word is taken as meant."""
MAX_RARE: Final = 60
"""Rare words looked at in one message; a text with more is not in a language these films are named in."""


def find_misspelt(text: str, tokens: Tokens, catalog: Catalog) -> list[Candidate]:
    """Return the names that a text has but for one letter."""
    found: list[Candidate] = []
    common = words_above(RARE_ZIPF)
    rare = [
        (place, word)
        for place, word in enumerate(tokens.words)
        if SHORTEST <= len(word) <= LONGEST and word not in common and word.isalpha()
    ]
    for place, word in rare[:MAX_RARE]:
        for other in corrections(word, catalog.spellings):
            found += _names_around(text, tokens, place, other, catalog)
    return found


def _is_long(name: str, single: bool, catalog: Catalog, meanings: Meanings) -> bool:  # noqa: FBT001 - a fact
    """Return whether a name is recognised though misspelt; a single word must be the title of a very famous film."""
    if not single:
        return len(name) >= NAME_LETTERS
    return len(name) >= WORD_LETTERS and catalog.films[codes_of(meanings)[0] // KINDS].prior >= WORD_PRIOR


def _names_around(text: str, tokens: Tokens, place: int, word: str, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the names that hold `word` in place of the word at `place`."""
    for first in range(max(place - BEFORE, 0), place + 1):
        name = word if first == place else tokens.words[first]
        last = first
        while catalog.names.get(name) is not None:
            meanings = catalog.names[name]
            if last >= place and meanings != PREFIX and _is_long(name, first == last, catalog, meanings):
                yield Candidate(first, last, tokens.starts[first], tokens.ends[last], name, meanings, False, True)
            last += 1
            if last >= len(tokens.words):
                break
            if not continues(text, tokens.ends[last - 1], tokens.starts[last], len(tokens.words[last - 1])):
                break
            name = f"{name} {word if last == place else tokens.words[last]}"
