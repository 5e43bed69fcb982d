"""What is known of a name before any message is read: its words, how common they are, whether it is only a number."""

from __future__ import annotations

import json
from importlib.resources import files
from operator import mul
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stream_processors.linking.aliases import ARTICLES, Kind
from stream_processors.linking.corpus import usage
from stream_processors.linking.lexicon import word_group
from stream_processors.linking.meanings import KINDS
from stream_processors.linking.ranking import standing
from stream_processors.linking.words import STOPWORDS, name_zipf, zipf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_processors.linking.films import Film

GATE: Final[dict[str, Any]] = json.loads(
    files("stream_processors.linking").joinpath("data", "gate.json").read_text("utf-8")
)
"""Weights that `train/gate.py` fits."""
FILM_PARTS = word_group("film_parts")
HEROES = word_group("heroes")
HOLIDAYS = word_group("holidays")
GIVEN_NAMES = word_group("given_names")
MOST_ZIPF = 7.5
NOUN_ZIPF = 3.2
NOUN_LEAN = 0.5
"""A word this common, and not written with a capital much more often than without, is a word in lower case."""
NUMBER_PRIOR = 8.0
NUMBER_DIGITS = 3
"""A number may be a title by itself when its film is famous and the number is not a small count: 300, 1917, 2001."""
LOOSE_PRIOR = 4.0
"""Log votes from which a name of several words may be written without capitals."""
LOOSE_WORD_PRIOR = 5.0
LOOSE_WORD_ZIPF = 4.6
"""A single word may be written without a capital when its film has these votes and it is rarer than this."""


class NameFacts(NamedTuple):
    """Facts of one name. `features` are the numbers that the model sees, in the order of `FACT_FEATURES`.

    `standings` are the scores of the name's meanings, in their order, before any message. `loose`: may be a film though
    written in lower case. `stop`: made of words that carry no information. `noun`: one word
    that is mostly written in lower case. `prior`: log votes of the likeliest film.
    `gate`: what the name adds to the gate's score.
    """

    features: tuple[float, ...]
    loose: bool
    stop: bool
    noun: bool
    words: int
    prior: float
    gate: float
    standings: tuple[float, ...]

    @property
    def gate_features(self) -> tuple[float, ...]:
        """What the gate knows of the name."""
        return (*self.features, self.prior)


FACT_FEATURES = (
    "name_words",
    "name_chars",
    "name_content_words",
    "name_stop",
    "name_article",
    "name_digits",
    "name_min_zipf",
    "name_mean_zipf",
    "name_information",
    "name_capital_zipf",
    "name_capital_lean",
    "name_homonyms",
    "name_given",
    "name_film_part",
    "name_hero",
    "name_holiday",
    "usage_count",
    "usage_film_lean",
    "usage_capital_lean",
)


def facts_of(name: str, codes: Sequence[int], films: Sequence[Film]) -> NameFacts:
    """Return the facts of a folded name that has these meanings, the likeliest first, among `films`."""
    words = name.split(" ")
    best = films[codes[0] // KINDS]
    core = words[1:] if words[0] in ARTICLES and len(words) > 1 else words
    zipfs = [zipf(word) for word in core]
    capitals = [name_zipf(word) for word in core]
    content = sum(word not in STOPWORDS for word in core)
    numbers = sum(word.isdigit() for word in core)
    mean, capital = sum(zipfs) / len(core), sum(capitals) / len(core)
    loose = best.prior >= LOOSE_PRIOR and content > 1
    if numbers == len(words) == 1:
        loose = best.prior >= NUMBER_PRIOR and len(name) >= NUMBER_DIGITS
    elif content == 1:
        loose = best.prior >= LOOSE_WORD_PRIOR and min(zipfs) < LOOSE_WORD_ZIPF and not numbers
        # Initials in small letters are slang: smh is not Spider-Man: Homecoming.
        loose = loose and codes[0] % KINDS != Kind.INITIALS
    features = (
        float(min(len(core), 5)),
        float(min(len(name), 40)),
        float(min(content, 4)),
        float(not content),
        float(core is not words),
        2.0 if numbers == len(core) else float(numbers > 0),
        min(zipfs),
        mean,
        sum(MOST_ZIPF - value for value in zipfs),
        capital,
        capital - mean,
        float(min(len(codes), 12)),
        float(core[0] in GIVEN_NAMES),
        float(all(word in FILM_PARTS or word in STOPWORDS for word in core)),
        float("".join(core) in HEROES),
        float("".join(core) in HOLIDAYS),
        *usage(name),
    )
    standings = tuple(standing(films[code // KINDS], code % KINDS, len(words)) for code in codes)
    gate = GATE["bias"] + sum(map(mul, GATE["facts"], (*features, best.prior)))
    noun = len(core) == 1 and not numbers and zipfs[0] >= NOUN_ZIPF and usage(name)[2] <= NOUN_LEAN
    return NameFacts(features, loose, not content, noun, len(words), best.prior, gate, standings)
