"""Where a text has words that are a film's name: every match on word boundaries, long and short."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stream_processors.linking.meanings import PREFIX, Meanings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_processors.linking.tokens import Tokens

MAX_GAP = 5
"""Characters between two words of one name, as in `Dune ("Part Two")`."""
ABBREVIATION = 3
"""A word this short may end in a full stop inside a name: Dr. Strangelove, Vol. 2."""


class Candidate(NamedTuple):
    """Words `first` to `last` (both included) are a name; `start:end` are its characters, without a final 's.

    `name` is the folded name in the index; it differs from the text where that is `misspelt`.
    """

    first: int
    last: int
    start: int
    end: int
    name: str
    meanings: Meanings
    possessive: bool
    misspelt: bool = False


def find_candidates(text: str, tokens: Tokens, names: Mapping[str, Meanings]) -> list[Candidate]:
    """Return all names in the text, in order of their first word, shorter first."""
    words, starts, ends, possessives = tokens.words, tokens.starts, tokens.ends, tokens.possessives
    found: list[Candidate] = []
    count = len(words)
    for first in range(count):
        name = words[first]
        last = first
        while True:
            meanings = names.get(name)
            if meanings is not None and meanings != PREFIX:
                found.append(Candidate(first, last, starts[first], ends[last], name, meanings, False))
            if last in possessives:
                stem = name[:-1]
                owner = names.get(stem)
                if owner is not None and owner != PREFIX:
                    found.append(Candidate(first, last, starts[first], ends[last] - 2, stem, owner, True))
            if meanings is None:
                break
            last += 1
            if last >= count or not continues(text, ends[last - 1], starts[last], len(words[last - 1])):
                break
            name = f"{name} {words[last]}"
    return found


def continues(text: str, end: int, start: int, length: int) -> bool:
    """Return whether a name may run on over the characters between two words: not over the end of a sentence."""
    if start - end == 1:
        return text[end] != "\n"
    gap = text[end:start]
    if len(gap) > MAX_GAP or "\n" in gap:
        return False
    return length <= ABBREVIATION or not any(mark in gap for mark in (". ", "! ", "? ", "; "))
