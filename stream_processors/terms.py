"""The words near a film in a message: what is counted to tell why a film is talked about. Pure.

Terms are as good as text, so they live as long. What stays of them is a count: how many posts of a film's day have one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

from stream_processors.linking.lexicon import word_group
from stream_processors.linking.tokens import blank, fold_name, tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stream_processors.linking.tokens import Tokens

NEAR: Final = 200
"""Characters on either side of a title whose words count as near it."""
FIRST: Final = 400
"""Characters of a message whose words count, where its film is named by a link or the thread."""
MOST_TERMS: Final = 32
LONGEST: Final = 30
SHORTEST: Final = 3

COMMON: Final = """
movie movies film films watch watched watching seen saw see think thought really good great bad best like liked love
loved know say said make made thing things something anything nothing someone anyone people lot lots time times day
days year years first last new old want wanted need going gonna come came take look looking feel feels felt actually
probably maybe pretty quite bit kind sort since around though although because without within across another every
everything yes yeah okay sure thanks edit deleted removed https http www com reddit subreddit post comment comments
"""
STOP_WORDS: Final = word_group("stopwords") | frozenset(COMMON.split())
"""What people write about any film, and says nothing about one."""


class Place(Protocol):
    """Where the linker found a film: `text[start:end]`, or outside the text."""

    @property
    def tmdb_id(self) -> int:
        """TMDB id."""
        ...

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """Place behind the last character."""
        ...

    @property
    def location(self) -> str:
        """What part of the message it is in: title, body, link or thread."""
        ...

    @property
    def alias(self) -> str:
        """The folded name that was found."""
        ...


def terms_of(text: str, places: Iterable[Place]) -> dict[int, tuple[str, ...]]:
    """Return up to `MOST_TERMS` distinct terms near each film, by TMDB id, in the order of the text.

    A term is a folded word of 3 to 30 characters, or two such words with one space between them. Left out are stop
    words, numbers, the words of the film's own name, links, code, and the names of accounts and communities.
    """
    by_film: dict[int, list[Place]] = {}
    for place in places:
        by_film.setdefault(place.tmdb_id, []).append(place)
    if not by_film:
        return {}
    tokens = tokenise(blank(text))
    return {film: _terms(tokens, some) for film, some in by_film.items()}


def _terms(tokens: Tokens, places: Sequence[Place]) -> tuple[str, ...]:
    own = frozenset(word for place in places for word in fold_name(place.alias))
    found: dict[str, None] = {}
    for first, last in _stretches(tokens, places):
        kept = [number for number in range(first, last) if _tells(tokens.words[number], own)]
        for number, following in pairwise((*kept, -1)):
            found[tokens.words[number]] = None
            if following == number + 1 and tokens.starts[following] == tokens.ends[number] + 1:
                found[f"{tokens.words[number]} {tokens.words[following]}"] = None
            if len(found) >= MOST_TERMS:
                return tuple(found)[:MOST_TERMS]
    return tuple(found)


def _stretches(tokens: Tokens, places: Sequence[Place]) -> Iterator[tuple[int, int]]:
    """Yield the words near each place, as the number of the first and of the one behind the last."""
    for place in places:
        named = place.location in {"title", "body"}
        low, high = (place.start - NEAR, place.end + NEAR) if named else (0, FIRST)
        yield bisect_left(tokens.starts, low), bisect_right(tokens.ends, high)


def _tells(word: str, own: frozenset[str]) -> bool:
    return SHORTEST <= len(word) <= LONGEST and not word.isdigit() and word not in STOP_WORDS and word not in own
