"""What happens in the generated world: which films people talk about, and how that changes over an act.

The story goes on in acts of ten minutes. Each has its own cast, drawn from the seed and the act's number alone, so
that any act can be told again without telling those before it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from statistics import quantiles
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cinepulse.world.catalog import Film

ACT_SECONDS: Final = 600.0
BACKLOG_SECONDS: Final = 2 * 86_400.0
BACKLOG: Final = 0
"""The act before the start, stretched over the last two days."""

Topic = Literal[
    "steady", "burst", "sleeper", "fading", "ambiguous", "long_tail", "several", "decoy", "chatter", "off_topic"
]

CONSTANT_WEIGHTS: Final[Mapping[Topic, float]] = {
    "steady": 0.30,
    "ambiguous": 0.06,
    "long_tail": 0.10,
    "several": 0.06,
    "decoy": 0.08,
    "chatter": 0.14,
    "off_topic": 0.12,
}
LAST_HIT: Final = 0.30
"""The weight of the talk about the film that fades in the first act, before it does."""
STEADY_FILMS: Final = 24
RECENT_FILMS: Final = 72
BURST_FILMS: Final = 12
FEWEST_FILMS: Final = STEADY_FILMS + 3 * BURST_FILMS
"""How many films with unambiguous titles a story needs to cast its parts from."""

AMBIGUOUS_TITLES: Final = frozenset(
    """300 9 1917 After Air Ali Alien Always Amy Anora Big Brave Brick Burning Carol Cars Casino Click Close Closer Clue
    Coco Collateral Companion Contact Crash Cube Drive Elf Enemy Fargo Flow Focus Fresh Frequency Frozen Fury Ghost
    Gifted Glass Glory Go Gravity Heat Her Here Hero Holes Home Hook Hostage Hugo Hunger It Jaws Joker Joy Juno Kids
    Kill Labyrinth Lamb Legend Life Lion Logan Luca Lucy M Melancholia Men Mercy Milk Misery Moon Network Nine Nobody
    Nope Old Once Opus Pearl Pi Pig Platoon Possession Predator Prey Prisoners Psycho Ran Ray Rebecca Rocky Roma Room
    Run Rush Safe Salt Saw Scream Searching Serenity Signs Silence Sing Sinners Smile Soul Speed Split Spotlight Stalker
    Sunshine Superman Taken Ted Thor Titanic Together Traffic Trap Tron Twilight Twisters Up Upgrade Us Vice Wanted
    Warrior Waves Weapons Whiplash Wicked Wild Wish Wolf Wonder X Zodiac mother! Somewhere Superbad Parasite Audition
    Primer Memento Annihilation Arrival Moonlight Gladiator Barbarian Heretic Conclave""".split()  # noqa: SIM905 - a list
)
"""Titles that are also everyday words, names or numbers."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in one act. `steady` comes with cumulative weights for drawing (Zipf)."""

    number: int
    burst: Film
    sleeper: Film
    fading: Film
    steady: tuple[Film, ...]
    steady_weights: tuple[float, ...]
    ambiguous: tuple[Film, ...]
    everything: tuple[Film, ...]
    everything_weights: tuple[float, ...]


def cast_of(seed: int, number: int, films: Sequence[Film]) -> Cast:
    """Return the cast of an act; the steady crowd is the same in all acts of a seed.

    Raises ValueError when there are too few films to choose from.
    """
    known = sorted(films, key=lambda film: film.tmdb_id)
    plain = unambiguous(known)
    if len(plain) < FEWEST_FILMS:
        raise ValueError(f"a story needs at least {FEWEST_FILMS} films with unambiguous titles, not {len(plain)}")
    crowd = random.Random(f"crowd/{seed}").sample(sorted(plain, key=_votes)[-120:], STEADY_FILMS)  # noqa: S311 - a story
    recent = sorted((film for film in plain if film not in crowd), key=_age)[:RECENT_FILMS]
    act = max(number, 1)
    draw = _draw(seed, act)
    burst = _burst(draw, act, recent)
    # What fades in the first act was loud before the world began; later it is the burst of the act before.
    loud = [film for film in recent if film not in _quiet(recent)]
    fading = draw.choice(loud) if act == 1 else _burst(_draw(seed, act - 1), act - 1, recent)
    others = sorted((film for film in recent if film not in (burst, fading)), key=_votes)
    sleeper = draw.choice(others[: len(others) // 3])
    return Cast(
        number=number,
        burst=burst,
        sleeper=sleeper,
        fading=fading,
        steady=tuple(crowd),
        steady_weights=tuple(accumulate(1 / rank for rank in range(1, STEADY_FILMS + 1))),
        ambiguous=tuple(film for film in known if film.title in AMBIGUOUS_TITLES) or tuple(crowd),
        everything=tuple(known),
        everything_weights=tuple(accumulate(1 + film.popularity**0.5 for film in known)),
    )


def _draw(seed: int, act: int) -> random.Random:
    return random.Random(f"act/{seed}/{act}")  # noqa: S311 - a story, no secret


def _burst(draw: random.Random, act: int, recent: Sequence[Film]) -> Film:
    """Return the film whose trailer comes out in an act: one that few looked at, and never that of the act before."""
    return draw.choice(_quiet(recent)[act % 2 : BURST_FILMS : 2])


def _quiet(films: Sequence[Film]) -> list[Film]:
    """Return the least popular quarter of some films, in their order: what becomes of one of them shows in any list."""
    quarter, *_ = quantiles((film.popularity for film in films), n=4)
    return [film for film in films if film.popularity <= quarter]


def unambiguous(films: Sequence[Film]) -> list[Film]:
    """Return the films whose titles cannot be mistaken for everyday words."""
    return [film for film in films if film.title not in AMBIGUOUS_TITLES]


def weights_at(share: float, number: int) -> dict[Topic, float]:
    """Return how much each topic is talked about after `share` (0 to 1) of an act; the sum is the pace."""
    weights = dict(CONSTANT_WEIGHTS)
    if number == BACKLOG:
        # Two days before: the trailer is not out, the sleeper's first viewers write, the last hit is still loud.
        return weights | {"burst": 0.005, "sleeper": 0.02 * share, "fading": LAST_HIT}
    weights["fading"] = LAST_HIT * 0.5 ** (share / 0.2) if number == 1 else trailer_burst(1 + share)
    return weights | {"burst": trailer_burst(share), "sleeper": sleeper_talk(share)}


def sleeper_talk(share: float) -> float:
    """Return the weight of the talk about a sleeper: little, and growing faster and faster."""
    return 0.02 + 0.28 * share**2


def trailer_burst(share: float) -> float:
    """Return the weight of a trailer's talk: nothing, a steep rise in half a minute, a slow decay."""
    out, peak, full = 0.03, 0.08, 0.9
    if share < out:
        return 0.01
    if share < peak:
        return full * (share - out) / (peak - out)
    decayed: float = full * 0.5 ** ((share - peak) / 0.2)
    return decayed


def act_at(now: float) -> tuple[int, float]:
    """Return the act that plays at `now` seconds on the time line, and the share of it that is over."""
    if now < 0:
        return BACKLOG, 1 + max(now, -BACKLOG_SECONDS) / BACKLOG_SECONDS
    number, into = divmod(now, ACT_SECONDS)
    return int(number) + 1, into / ACT_SECONDS


def _age(film: Film) -> tuple[int, int]:
    return -int(film.release_date.replace("-", "") or 0), film.tmdb_id


def _votes(film: Film) -> tuple[int, int]:
    return film.vote_count, film.tmdb_id
