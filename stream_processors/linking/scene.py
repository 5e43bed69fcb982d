"""A message as a whole: its words' capitals, its manner of writing, its subject and time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from stream_processors.linking.lexicon import word_group
from stream_processors.linking.tokens import fold_name

if TYPE_CHECKING:
    from stream_processors.linking.message import Message
    from stream_processors.linking.tokens import Tokens

NEWS: Final = word_group("news")
FILM_TALK: Final = word_group("film_talk")
OLDER: Final = word_group("older")
NEWER: Final = word_group("newer")
PRODUCTION: Final = word_group("production")
ADDRESSING: Final = word_group("addressing")
INTERVIEW: Final = word_group("interview")
MILLISECONDS_PER_YEAR: Final = 365.2425 * 86_400_000
YEAR: Final = re.compile(r"19\d\d|20[0-3]\d")
YEAR_DIGITS: Final = 4
HEADLINE_SHARE: Final = 0.7
HEADLINE_WORDS: Final = 4
SAMPLED: Final = 300
"""Words of a long message whose capitals are counted: its manner does not change after that."""

EXACT_BELOW: Final = 200
LETTER_SHARE: Final = 0.8
"""Characters from which the letters of a text are estimated by their usual share and not counted."""

FILM_COMMUNITY: Final = re.compile(
    r"movie|film|cinema|letterboxd|boxoffice|flick|horror|criterion|oscar|a24|hollywood|scifi|marvelstudios"
    r"|dc_?cinematic|netflix|pixar|ghibli|documentar|dvd|blu.?ray|physicalmedia",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a message's names have in common.

    `film_community`: 1 yes, -1 no, 0 unknown. `now`: the message's time as a year with fraction, NaN when unknown.
    `years`: the years written anywhere. `interview`: the thread is one in which somebody answers questions.
    `thread_talk`: how many words of film talk the thread's title has.
    `thread`: the folded title of the thread, with a space on either side; `flair` likewise. The flair's words count
    among `words`: what a community files a post under says what the post is about.
    """

    text: str
    tokens: Tokens
    capitals: list[bool]
    upper_share: float
    capital_share: float
    headline: bool
    lower: bool
    film_community: float
    film_talk: int
    news: bool
    now: float
    thread: str
    flair: str
    words: frozenset[str]
    years: frozenset[int]
    older: bool
    newer: bool
    production: int
    addressing: bool
    interview: bool
    thread_talk: int
    thread_asks: bool


def scene_of(message: Message, text: str, tokens: Tokens) -> Scene:
    """Return the scene of a message whose text was blanked and tokenised."""
    capitals = [text[start].isupper() for start in tokens.starts]
    inner = capitals[1:SAMPLED]
    share = sum(inner) / len(inner) if inner else 0.0
    sample = text[:2000]
    letters = sum(map(str.isalpha, sample)) if len(sample) < EXACT_BELOW else len(sample) * LETTER_SHARE
    thread = fold_name(message.thread_title[:500]) if message.thread_title else ()
    flair = fold_name(message.flair[:100]) if message.flair else ()
    words = frozenset((*tokens.words[:2000], *flair))
    return Scene(
        text=text,
        tokens=tokens,
        capitals=capitals,
        upper_share=sum(map(str.isupper, sample)) / max(letters, 1),
        capital_share=share,
        headline=len(inner) >= HEADLINE_WORDS and share >= HEADLINE_SHARE,
        lower=not any(capitals),
        film_community=about_films(message),
        film_talk=min(len(words & FILM_TALK), 4),
        news=not NEWS.isdisjoint(words),
        now=math.nan if message.created_at is None else 1970 + message.created_at / MILLISECONDS_PER_YEAR,
        thread=f" {' '.join(thread)} " if thread else "",
        flair=f" {' '.join(flair)} " if flair else "",
        words=words,
        years=frozenset(int(word) for word in words if len(word) == YEAR_DIGITS and YEAR.fullmatch(word)),
        older=not OLDER.isdisjoint(words),
        newer=not NEWER.isdisjoint(words),
        production=min(len(words & PRODUCTION), 3),
        addressing=not ADDRESSING.isdisjoint(words),
        interview=not INTERVIEW.isdisjoint((*thread, *flair)),
        thread_talk=min(len(FILM_TALK.intersection(thread)), 3),
        thread_asks="?" in (message.thread_title or "")[:500],
    )


def about_films(message: Message) -> float:
    """Return 1 where community or flair say that a post is about films, -1 where not, 0 when unknown."""
    if message.flair and FILM_COMMUNITY.search(message.flair[:100]):
        return 1.0
    return film_community(message.community)


@lru_cache(maxsize=4096)
def film_community(name: str | None) -> float:
    """Return 1 for a community about films, -1 for another, 0 when unknown."""
    if name is None:
        return 0.0
    return 1.0 if FILM_COMMUNITY.search(name) else -1.0
