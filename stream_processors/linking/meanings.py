"""How the index says what a name may mean: integers, because there are hundreds of thousands of them."""

from __future__ import annotations

from typing import Final

PREFIX: Final = -1
"""No film has this name, but a longer name starts with it."""
KINDS: Final = 16
"""A meaning is the place of the film among the catalogue's films times this, plus the kind of the name."""

Meanings = int | tuple[int, ...]


def codes_of(meanings: Meanings) -> tuple[int, ...]:
    """Return the meanings as a tuple, empty for PREFIX."""
    if isinstance(meanings, tuple):
        return meanings
    return () if meanings == PREFIX else (meanings,)
