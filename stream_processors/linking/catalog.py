"""The catalogue as an index of names: immutable, built whole from the films of `tmdb.movies`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stream_processors.linking.aliases import PENALTIES, Kind, names_of
from stream_processors.linking.facts import NameFacts, facts_of
from stream_processors.linking.films import RECENT_FROM, Film, film_of, titles_of
from stream_processors.linking.meanings import KINDS, PREFIX, Meanings, codes_of
from stream_processors.linking.spelling import spelling_index
from stream_processors.linking.tokens import fold_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from schemas.events import Movie

FAMOUS_PRIOR: Final = 6.0
"""Log votes from which a film's words are recognised though misspelt."""
STRETCH: Final = 16
"""Films, or names, that are worked on without a rest: about half a millisecond."""


def _without_rest() -> None:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Films by name.

    `films` are in the order of their ids. `names` maps folded words joined by a space to what they may mean, the
    likeliest first, or to PREFIX. `by_imdb` and `by_tmdb` map ids to places among `films`. `spellings` holds the
    words of famous films, to recognise them misspelt. `version` is a hash of all that
    linking reads of the films. `facts` fills as names are met; what it holds follows from the rest.
    """

    films: tuple[Film, ...]
    names: dict[str, Meanings]
    by_imdb: dict[str, int]
    by_tmdb: dict[int, int]
    spellings: dict[str, tuple[str, ...]]
    version: str
    facts: dict[str, NameFacts] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.films)

    @classmethod
    def build(cls, movies: Iterable[Movie], rest: Callable[[], None] = _without_rest) -> Catalog:
        """Index the films; of records with the same id the last counts.

        `rest` is called about every half millisecond of work, so that a thread can leave the interpreter to others.
        """
        latest = {movie.tmdb_id: movie for movie in movies}
        films: list[Film] = []
        meanings: dict[str, list[int]] = {}
        by_imdb: dict[str, int] = {}
        famous: set[str] = set()
        digest = hashlib.blake2b(digest_size=8)
        for place, tmdb_id in enumerate(sorted(latest)):
            if place % STRETCH == 0:
                rest()
            movie = latest[tmdb_id]
            film = film_of(movie)
            titles = titles_of(movie)
            films.append(film)
            if movie.imdb_id:
                by_imdb[movie.imdb_id] = place
            if film.prior >= FAMOUS_PRIOR:
                famous.update(word for title, _ in titles for word in fold_name(title))
            for words, kind in names_of(titles, film.prior, recent=film.released > RECENT_FROM).items():
                meanings.setdefault(" ".join(words), []).append(place * KINDS + kind)
            digest.update(f"{film}{titles}{movie.imdb_id}".encode("utf-8", "surrogatepass"))
        places = {film.tmdb_id: place for place, film in enumerate(films)}
        names = _index(meanings, films, rest)
        return cls(tuple(films), names, by_imdb, places, spelling_index(famous), digest.hexdigest())

    def facts_of(self, name: str, meanings: Meanings) -> NameFacts:
        """Return the facts of a name of the index."""
        known = self.facts.get(name)
        if known is None:
            known = self.facts[name] = facts_of(name, codes_of(meanings), self.films)
        return known

    def meanings(self, name: str) -> tuple[tuple[Film, Kind], ...]:
        """Return the films that a folded name may mean, the likeliest first."""
        codes = codes_of(self.names.get(name, PREFIX))
        return tuple((self.films[code // KINDS], Kind(code % KINDS)) for code in codes)


def _index(meanings: dict[str, list[int]], films: list[Film], rest: Callable[[], None]) -> dict[str, Meanings]:
    """Return the index: every name, and every beginning of a name in whole words."""

    def rank(code: int) -> tuple[float, int]:
        return PENALTIES[code % KINDS] - films[code // KINDS].prior, code

    names: dict[str, Meanings] = {}
    for place, (name, codes) in enumerate(meanings.items()):
        if place % (STRETCH * STRETCH) == 0:
            rest()
        names[name] = codes[0] if len(codes) == 1 else tuple(sorted(codes, key=rank))
        end = name.rfind(" ")
        while end > 0 and (prefix := name[:end]) not in names:
            if prefix not in meanings:
                names[prefix] = PREFIX
            end = name.rfind(" ", 0, end)
    return names
