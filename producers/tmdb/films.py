"""Publishing films: only what differs from what was last published, and never less than that."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from producers.tmdb.state import Published
from schemas.events import Movie
from schemas.topics import TMDB_MOVIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from producers.outbox import Outbox
    from producers.tmdb.state import TmdbState

RANK: Final = {"export": 0, "list": 1, "details": 2}
"""How much each source tells of a film."""

# These change with every look at a film; `tmdb.popularity` has their history.
VOLATILE: Final = frozenset({"observed_at", "popularity", "vote_count", "vote_average"})
CONTENT: Final = tuple(one.name for one in fields(Movie) if one.name not in VOLATILE)


def fingerprint(movie: Movie) -> bytes:
    """Return a digest of what a film's record says apart from the time and the numbers of the moment."""
    content = [getattr(movie, name) for name in CONTENT]
    return blake2b(json.dumps(content).encode(), digest_size=16).digest()


def news(movies: Iterable[Movie], published: Mapping[int, Published]) -> dict[int, tuple[Movie, Published]]:
    """Return the films to publish, each with what to remember of it.

    A film goes out when it is new, told of by a better source, or told of differently by the same source. A list never
    takes back what the details said.
    """
    found: dict[int, tuple[Movie, Published]] = {}
    for movie in movies:
        last = found[movie.tmdb_id][1] if movie.tmdb_id in found else published.get(movie.tmdb_id)
        if last is not None and RANK[movie.source] < RANK[last.source]:
            continue
        now = Published(movie.source, fingerprint(movie))
        if now != last:
            found[movie.tmdb_id] = (movie, now)
    return found


@dataclass(slots=True)
class Films:
    """Films on their way to `tmdb.movies`: sent at once, remembered once Kafka has confirmed them."""

    outbox: Outbox
    state: TmdbState
    _sent: dict[int, Published] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """How many films were sent since the last confirmation."""
        return len(self._sent)

    def send(self, movies: Iterable[Movie], listing: str) -> int:
        """Queue what is news among the films and return how many that were; `listing`: where they come from.

        Raises BrokerUnavailable.
        """
        looked_at = list(movies)
        known = self.state.published(movie.tmdb_id for movie in looked_at) | self._sent
        fresh = news(looked_at, known)
        for tmdb_id, (movie, now) in fresh.items():
            if self.outbox.send(TMDB_MOVIES, tmdb_id, movie, listing=listing, thing={"id": tmdb_id}):
                self._sent[tmdb_id] = now
        return len(fresh)

    def remember(self) -> None:
        """Write down what was sent; to be called once Kafka has confirmed it."""
        self.state.save_published(self._sent.items())
        self._sent = {}
