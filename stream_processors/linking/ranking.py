"""Which film of one name is meant: a conditional logit over the films that have the name.

The weights come from `train/ranking.py` and live in `data/ranking.json`; a score is in units of log odds against the
other films of the name.
"""

from __future__ import annotations

import json
import math
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final, NamedTuple

from stream_processors.linking.aliases import Kind
from stream_processors.linking.meanings import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stream_processors.linking.candidates import Candidate
    from stream_processors.linking.films import Film
    from stream_processors.linking.scene import Scene

YEAR_AFTER: Final = re.compile(
    r"[\"'\u201d\u2019*_!?.,]{0,4}\s?(?:(?P<open>[(\[])\s?|[-,|]\s?)?(?P<year>18[89]\d|19\d\d|20[0-3]\d)(?!\d|s\b)"
)
YEAR_BEFORE: Final = re.compile(r"(?<!\d)(18[89]\d|19\d\d|20[0-3]\d)(?:['\u2019]?s)?\s[\"'\u2018\u201c*_]{0,2}$")
BEFORE_WIDTH: Final = 10
"""Characters before a name in which its year may stand: 1986's "Aliens"."""
LEAD_MOST: Final = 12.0
AHEAD: Final = -0.1
"""Years before its release, up to which a film is out for festivals and critics at most."""
OLD: Final = 20.0
"""Years after which a film is a classic, which people speak of without naming a newer one."""


class Year(NamedTuple):
    """The year beside a name, 0 for none, and how it stands there."""

    number: int = 0
    bracketed: bool = False
    before: bool = False


class Meant(NamedTuple):
    """The likeliest film of a name, its score and its lead; `fit`: the year is the same (2), next (1), another (-1)."""

    film: Film
    kind: Kind
    score: float
    lead: float
    fit: float


class Weights(NamedTuple):
    """What each property of a film adds to its score; `kinds` is indexed by the kind of the name."""

    kinds: tuple[float, ...]
    prior: float
    popularity: float
    share: float
    undated: float
    english: float
    year_same: float
    year_next: float
    year_other: float
    year_before: float
    year_elsewhere: float
    age_future: float
    age_soon: float
    age_ahead: float
    age_ahead_news: float
    age_now: float
    age_now_news: float
    age_recent: float
    age_old: float
    newer_now: float
    people: float


def read_weights(values: Mapping[str, object]) -> Weights:
    """Return the weights of a parsed file."""
    kinds = values["kinds"]
    assert isinstance(kinds, list)  # noqa: S101 - narrows the type; the file is the package's own
    numbers = {name: float(str(values[name])) for name in Weights._fields if name != "kinds"}
    return Weights(kinds=tuple(float(value) for value in kinds), **numbers)


WEIGHTS: Final = read_weights(
    json.loads(files("stream_processors.linking").joinpath("data", "ranking.json").read_text("utf-8"))
)


def standing(film: Film, kind: int, words: int, weights: Weights | None = None) -> float:
    """Return the part of a film's score under a name of so many words that no message changes."""
    weights = weights or WEIGHTS
    score = weights.kinds[kind] + weights.prior * film.prior + weights.popularity * math.log1p(film.popularity)
    score += weights.share * min(words / max(film.words, 1), 1.0)
    if math.isnan(film.released):
        score += weights.undated
    return score + weights.english if film.english else score


def year_beside(text: str, start: int, end: int) -> Year:
    """Return the year right behind `text[start:end]`, or right before it."""
    match = YEAR_AFTER.match(text, end)
    if match:
        return Year(int(match["year"]), bracketed=bool(match["open"]))
    if start and text[start - 1] in " \"'\u2018\u201c*_":
        match = YEAR_BEFORE.search(text[max(start - BEFORE_WIDTH, 0) : start])
        if match:
            return Year(int(match[1]), before=True)
    return Year()


def rank(films: Sequence[Film], candidate: Candidate, standings: Sequence[float], scene: Scene, year: Year) -> Meant:
    """Choose among a candidate's meanings, whose unchanging scores are `standings`."""
    meanings = candidate.meanings
    codes = meanings if isinstance(meanings, tuple) else (meanings,)
    best = second = -math.inf
    chosen = codes[0]
    for code, base in zip(codes, standings, strict=True):
        score = base + message_score(films[code // KINDS], scene, year)
        if score > best:
            best, second, chosen = score, best, code
        elif score > second:
            second = score
    film = films[chosen // KINDS]
    return Meant(film, Kind(chosen % KINDS), best, min(best - second, LEAD_MOST), _fit(film, year))


def message_score(film: Film, scene: Scene, year: Year, weights: Weights | None = None) -> float:
    """Return the part of a film's score that depends on the message."""
    weights = weights or WEIGHTS
    score = 0.0
    released = film.released
    if film.people and not film.people.isdisjoint(scene.words):
        score = weights.people
    if math.isnan(released):
        return score + (weights.year_other if year.number else 0.0)
    if year.number:
        off = abs(int(released) - year.number)
        if year.before:
            score += weights.year_before if off == 0 else 0.0
        else:
            score += weights.year_same if off == 0 else weights.year_next if off == 1 else weights.year_other
    elif scene.years and int(released) in scene.years:
        score += weights.year_elsewhere
    return score + _age_score(scene.now - released, scene, weights)


def _age_score(age: float, scene: Scene, weights: Weights) -> float:
    if age < -2.2:  # noqa: PLR2004 - years ahead at which a film is hardly known
        return weights.age_future
    if age < -1.0:
        return weights.age_soon
    if age < AHEAD:
        score = weights.age_ahead + weights.age_ahead_news if scene.news else weights.age_ahead
    elif age < 1.0:
        score = weights.age_now + weights.age_now_news if scene.news else weights.age_now
    elif age < 2.5:  # noqa: PLR2004 - years after which a film is no longer new
        score = weights.age_recent
    else:
        return weights.age_old if age > OLD else 0.0
    return score + weights.newer_now if scene.newer else score


def _fit(film: Film, year: Year) -> float:
    if not year.number:
        return 0.0
    if math.isnan(film.released):
        return -1.0
    off = abs(int(film.released) - year.number)
    return 2.0 if off == 0 else 1.0 if off == 1 and not year.before else 0.0 if year.before else -1.0
