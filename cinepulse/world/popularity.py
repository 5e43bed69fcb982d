"""How the films' TMDB numbers move: day by day for all, and after the talk for those that the story is about.

TMDB builds popularity from the day's page views and votes, so it follows what people talk about with a delay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.world.story import BACKLOG, Cast, act_at, trailer_burst

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.world.catalog import Film

DAY_SECONDS: Final = 86_400
# Shares of an act by which views follow the talk.
DELAY: Final = 0.15
BURST_GAIN: Final = 6.0
SLEEPER_GAIN: Final = 1.5
FADING_GAIN: Final = 1.0
DAILY_SWING: Final = 0.08
MASK: Final = 0xFFFFFFFF


class Popularity:
    """Popularity and votes of any film at any instant, from a seed.

    Args:
        seed: what decides the daily ups and downs.
        cast: returns the cast of an act; None where no story is told.
        position: turns seconds since 1970 into seconds on the time line.
    """

    def __init__(self, seed: int, cast: Callable[[int], Cast] | None, position: Callable[[float], float]) -> None:
        self._seed = seed
        self._cast = cast
        self._position = position

    def factors(self, seconds: float) -> dict[int, float]:
        """Return what the story multiplies the popularity of its films by, by id, at an instant."""
        if self._cast is None:
            return {}
        position = self._position(seconds)
        number, share = act_at(position)
        factors: dict[int, float] = {}
        if number > 1:
            factors |= _act_factors(self._cast(number - 1), 1 + share)
        for tmdb_id, factor in _act_factors(self._cast(number), share).items():
            factors[tmdb_id] = factors.get(tmdb_id, 1.0) * factor
        return factors

    def at(self, film: Film, seconds: float, factors: dict[int, float]) -> float:
        """Return a film's popularity at an instant, rounded as TMDB gives it."""
        day, into = divmod(seconds, DAY_SECONDS)
        today = self._chance(film.tmdb_id, int(day))
        tomorrow = self._chance(film.tmdb_id, int(day) + 1)
        swing = 1 + DAILY_SWING * (today + (tomorrow - today) * into / DAY_SECONDS)
        return round(film.popularity * swing * factors.get(film.tmdb_id, 1.0), 4)

    def votes(self, film: Film, seconds: float, factors: dict[int, float]) -> int:
        """Return a film's number of votes at an instant: it grows, and some days a few are taken back."""
        if film.vote_count == 0:
            return 0
        day, into = divmod(seconds, DAY_SECONDS)
        daily = film.vote_count / 2_000
        grown = daily * (into / DAY_SECONDS + self._chance(film.tmdb_id, int(day) + 7))
        lift = (factors.get(film.tmdb_id, 1.0) - 1) * max(3.0, daily)
        return max(0, film.vote_count + int(grown + lift))

    def _chance(self, tmdb_id: int, day: int) -> float:
        """Return a number in -1 to 1 that the seed, the film and the day decide."""
        mixed = (tmdb_id * 0x9E3779B1 ^ day * 0x85EBCA6B ^ self._seed * 0xC2B2AE35) & MASK
        mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & MASK
        mixed = (mixed ^ mixed >> 12) * 0x297A2D39 & MASK
        return (mixed ^ mixed >> 15) / (MASK / 2) - 1


def _act_factors(cast: Cast, share: float) -> dict[int, float]:
    """Return what an act multiplies popularity by after `share` of it; above 1 while the next act plays."""
    late = share - DELAY
    if cast.number == BACKLOG:
        return {cast.fading.tmdb_id: 1 + FADING_GAIN * 0.5 ** max(0.0, late)}
    factors = {
        cast.burst.tmdb_id: 1 + BURST_GAIN * (trailer_burst(late) if late > 0 else 0.0),
        cast.sleeper.tmdb_id: 1 + SLEEPER_GAIN * max(0.0, late if late < 1 else 2 - late) ** 2,
    }
    if cast.number == 1:
        # Later it is the burst of the act before that fades, and its own factor tells so.
        factors[cast.fading.tmdb_id] = 1 + FADING_GAIN * 0.5 ** (1 + 3 * max(0.0, late))
    return factors
