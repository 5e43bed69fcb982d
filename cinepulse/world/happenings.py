"""The truth about the story: what happened so far, to which film and when, for whoever checks what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.world.story import ACT_SECONDS, LAST_HIT, act_at, sleeper_talk, trailer_burst, weights_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cinepulse.world.catalog import Film
    from cinepulse.world.charts import Charts
    from cinepulse.world.story import Cast
    from cinepulse.world.timeline import Timeline

What = Literal["burst", "sleeper", "fade", "join", "leave"]

# A trailer is talked about twenty times as much as before it, which makes it the film most talked about; a sleeper four
# times as much as at the start of its act; and a fading film a quarter as much.
BURST_TIMES: Final = 20.0
SLEEPER_TIMES: Final = 4.0
FADE_SHARE: Final = 1 / 4
LOOKS: Final = 6_000
"""Shares of an act at which its talk is looked at: a tenth of a second apart."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a film, `at` seconds since 1970. `top`: the places that it joined or left."""

    what: What
    film: Film
    at: float
    top: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "what": self.what,
            "tmdb_id": self.film.tmdb_id,
            "title": self.film.title,
            "at_ms": round(self.at * MILLISECONDS_PER_SECOND),
            "top": self.top,
        }


@dataclass(frozen=True, slots=True)
class Story:
    """What has happened, as far as it is over. `cast` is None where no story is told: then only charts change."""

    cast: Callable[[int], Cast] | None
    charts: Charts
    timeline: Timeline

    def happenings(self, now_ms: int, top: int) -> list[Happening]:
        """Return what has happened since the start, to the talk and to the first `top` places of the popular list."""
        if self.timeline.started_ms is None:
            return []
        talk = [] if self.cast is None else list(turns(self.cast, self.timeline.position(now_ms)))
        wall = [replace(one, at=self.timeline.wall_seconds(one.at)) for one in talk]
        start = self.timeline.started_ms / MILLISECONDS_PER_SECOND
        return [*wall, *moves(self.charts.history(start, now_ms / MILLISECONDS_PER_SECOND, top), top)]


def turns(cast: Callable[[int], Cast], now: float) -> Iterator[Happening]:
    """Yield the turns of the talk up to `now`, act by act, with seconds on the time line as their instants."""
    if now < 0:
        return
    for number in range(1, act_at(now)[0] + 1):
        actors = cast(number)
        films: Mapping[What, Film] = {"burst": actors.burst, "sleeper": actors.sleeper, "fade": actors.fading}
        for what, share in _turns(number):
            at = (number - 1 + share) * ACT_SECONDS
            if at <= now:
                yield Happening(what, films[what], at)


def moves(orders: Iterable[tuple[float, Sequence[Film]]], top: int) -> Iterator[Happening]:
    """Yield which films joined and left the first `top` places, from one order to the next.

    `orders`: instants, seconds since 1970, and the films in the list's order then.
    """
    for (_, before), (at, now) in pairwise(orders):
        yield from (Happening("join", film, at, top) for film in _without(now[:top], before[:top]))
        yield from (Happening("leave", film, at, top) for film in _without(before[:top], now[:top]))


def _without(films: Sequence[Film], others: Sequence[Film]) -> list[Film]:
    known = {film.tmdb_id for film in others}
    return [film for film in films if film.tmdb_id not in known]


def _turns(number: int) -> Iterator[tuple[What, float]]:
    """Yield the shares of an act at which its talk turns; what fades in a later act has turned in the one before."""
    yield "burst", _first(lambda share: trailer_burst(share) >= BURST_TIMES * trailer_burst(0))
    if number == 1:
        yield "fade", _first(lambda share: weights_at(share, 1)["fading"] <= FADE_SHARE * LAST_HIT)
    yield "sleeper", _first(lambda share: sleeper_talk(share) >= SLEEPER_TIMES * sleeper_talk(0))


def _first(turned: Callable[[float], bool]) -> float:
    return next(look / LOOKS for look in range(LOOKS) if turned(look / LOOKS))
