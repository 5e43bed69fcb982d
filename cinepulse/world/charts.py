"""The films in the order that a TMDB list shows them, at a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cinepulse.clock import Clock
    from cinepulse.world.catalog import Film
    from cinepulse.world.popularity import Popularity

# Popularity moves slowly: a big catalogue is not sorted again for each page.
STEP_SECONDS: Final = 5.0
MANY_FILMS: Final = 5_000
STEP_SECONDS_OF_MANY: Final = 60.0
KEPT_ORDERS: Final = 24
NOW_PLAYING_DAYS: Final = (42, 7)
UPCOMING_DAYS: Final = 28
TOP_RATED_VOTES: Final = 300
MAX_SORTS: Final[Mapping[str, Callable[[Film], Any]]] = {
    "vote_count": lambda film: film.vote_count,
    "vote_average": lambda film: film.vote_average,
    "primary_release_date": lambda film: film.release_date,
    "release_date": lambda film: film.release_date,
    "original_title": lambda film: film.original_title,
    "title": lambda film: film.title,
}


class Charts:
    """Orders of films, cached for a few seconds.

    Args:
        films: the catalogue.
        popularity: how popularity moves.
        clock: the wall time.
    """

    def __init__(self, films: Mapping[int, Film], popularity: Popularity, clock: Clock) -> None:
        self.films = films
        self._popularity = popularity
        self._clock = clock
        self._step_seconds = STEP_SECONDS if len(films) < MANY_FILMS else STEP_SECONDS_OF_MANY
        self._step = -1
        self._factors: dict[int, float] = {}
        self._orders: dict[object, list[Film]] = {}

    def refresh(self) -> None:
        """Forget the orders of an earlier step."""
        step = int(self._seconds() / self._step_seconds)
        if step != self._step:
            self._step = step
            self._factors = self._popularity.factors(step * self._step_seconds)
            self._orders.clear()

    def numbers(self, film: Film) -> tuple[float, int]:
        """Return a film's popularity and votes at this step."""
        at = self._step * self._step_seconds
        return self._popularity.at(film, at, self._factors), self._popularity.votes(film, at, self._factors)

    def order(self, name: object, make: Callable[[], list[Film]]) -> list[Film]:
        """Return the order kept under a name, made when it is not there."""
        self.refresh()
        found = self._orders.get(name)
        if found is None:
            if len(self._orders) >= KEPT_ORDERS:
                self._orders.pop(next(iter(self._orders)))
            found = self._orders[name] = make()
        return found

    def popular(self) -> list[Film]:
        """Return all films, most popular first."""
        return self.order("popular", lambda: sorted(self.films.values(), key=self._by_popularity))

    def history(self, since: float, until: float, count: int) -> Iterator[tuple[float, list[Film]]]:
        """Yield the first `count` films of the popular list at each step of a time, with the step's instant.

        `since`, `until`: seconds since 1970. The first order is the one that `since` falls into.
        """
        size = self._step_seconds
        for step in range(int(since / size), int(until / size) + 1):
            at = step * size
            factors = self._popularity.factors(at)
            ranked = ((-self._popularity.at(film, at, factors), key) for key, film in self.films.items())
            yield at, [self.films[key] for _, key in nsmallest(count, ranked)]

    def trending(self, window: str) -> list[Film]:
        """Return all films by how far popularity is above the usual ("day"), or by both ("week")."""
        power = 1.0 if window == "day" else 0.5

        def lift(film: Film) -> tuple[float, int]:
            popularity = self.numbers(film)[0]
            return -popularity * self._factors.get(film.tmdb_id, 1.0) ** power, film.tmdb_id

        return self.order(("trending", window), lambda: sorted(self.films.values(), key=lift))

    def top_rated(self) -> list[Film]:
        """Return the films with enough votes, best average first."""
        return self.order(
            "top_rated",
            lambda: sorted(
                (film for film in self.films.values() if film.vote_count >= TOP_RATED_VOTES),
                key=lambda film: (-film.vote_average, -film.vote_count, film.tmdb_id),
            ),
        )

    def released_between(self, first: date, last: date) -> list[Film]:
        """Return the films of a span of days, most popular first; the newest twenty where that span has none."""

        def make() -> list[Film]:
            span = [film for film in self.popular() if first.isoformat() <= film.release_date <= last.isoformat()]
            newest = sorted(self.films.values(), key=lambda film: film.release_date, reverse=True)[:20]
            return span or sorted(newest, key=self._by_popularity)

        return self.order(("released", first, last), make)

    def now_playing_dates(self) -> tuple[date, date]:
        """Return the first and last release day of what plays in cinemas now."""
        today = self.today()
        return today - timedelta(days=NOW_PLAYING_DAYS[0]), today + timedelta(days=NOW_PLAYING_DAYS[1])

    def upcoming_dates(self) -> tuple[date, date]:
        """Return the first and last release day of what comes to cinemas next."""
        today = self.today()
        return today + timedelta(days=1), today + timedelta(days=UPCOMING_DAYS)

    def sorted_by(self, sort_by: str, films: Sequence[Film]) -> list[Film]:
        """Return films in the order of discover's `sort_by`, such as "vote_count.desc"; unknown sorts by popularity."""
        field, _, direction = sort_by.partition(".")
        key = MAX_SORTS.get(field)
        if key is None:
            by_popularity = sorted(films, key=self._by_popularity)
            return by_popularity[::-1] if direction == "asc" else by_popularity
        return sorted(films, key=key, reverse=direction != "asc")

    def today(self) -> date:
        """Return the UTC day."""
        return datetime.fromtimestamp(self._seconds(), UTC).date()

    def _seconds(self) -> float:
        return self._clock.now_ms() / MILLISECONDS_PER_SECOND

    def _by_popularity(self, film: Film) -> tuple[float, int]:
        return -self.numbers(film)[0], film.tmdb_id
