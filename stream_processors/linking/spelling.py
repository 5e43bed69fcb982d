"""Words one letter away from known words, by the forms they share with a letter left out (SymSpell's idea)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST: Final = 5
"""Letters of a word from which one wrong letter leaves it recognisable."""
LONGEST: Final = 24


def spelling_index(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the words by themselves and by each of their forms with one letter left out."""
    index: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        if SHORTEST <= len(word) <= LONGEST and word.isalpha():
            for form in {word, *_deletions(word)}:
                index.setdefault(form, []).append(word)
    return {form: tuple(found) for form, found in index.items()}


def _deletions(word: str) -> Iterator[str]:
    return (word[:place] + word[place + 1 :] for place in range(len(word)))


def corrections(word: str, index: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the indexed words that are one letter, or two letters in exchanged order, away from `word`."""
    found = {other for form in (word, *_deletions(word)) for other in index.get(form, ())}
    return sorted(other for other in found if other != word and is_one_edit(word, other))


def is_one_edit(left: str, right: str) -> bool:
    """Return whether one insertion, deletion, substitution or exchange of neighbours makes `left` into `right`."""
    start = 0
    least = min(len(left), len(right))
    while start < least and left[start] == right[start]:
        start += 1
    left, right = left[start:], right[start:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    return left[1:] == right if len(left) > len(right) else left == right[1:]
