"""Why a message's candidates were linked or not: for people, not for the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stream_processors.linking.decoding import choose
from stream_processors.linking.features import NAMES
from stream_processors.linking.judging import cases_of
from stream_processors.linking.model import load_model

if TYPE_CHECKING:
    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.films import Film
    from stream_processors.linking.message import Message

REASONS = 6


class Reason(NamedTuple):
    """A feature, its value, and how far it moves the log odds; above zero speaks for the film."""

    feature: str
    value: float
    move: float


class Verdict(NamedTuple):
    """A candidate at `text[start:end]`, the film it would mean, and the decision.

    `outcome` is `linked`, `unsure` (under the threshold) or `covered` (a better candidate has its words).
    """

    start: int
    end: int
    name: str
    film: Film
    confidence: float
    outcome: str
    reasons: tuple[Reason, ...]


def explain(message: Message, catalog: Catalog, threshold: float) -> list[Verdict]:
    """Return a verdict for each candidate that the gate lets through, the most probable first."""
    cases = cases_of(message, catalog)
    if not cases:
        return []
    model = load_model()
    probabilities = model.probabilities([case.features for case in cases])
    standing = {case.candidate for case, _ in choose(cases, probabilities)}
    verdicts = []
    for case, probability in zip(cases, probabilities, strict=True):
        candidate = case.candidate
        outcome = "covered" if candidate not in standing else "linked" if probability >= threshold else "unsure"
        moves = model.forest.contributions(np.array(case.features)) * model.slope
        order = sorted(range(len(NAMES)), key=lambda place, moves=moves: -abs(float(moves[place])))[:REASONS]  # type: ignore[misc] # the default binds this turn's moves
        reasons = tuple(Reason(NAMES[place], case.features[place], float(moves[place])) for place in order)
        verdicts.append(
            Verdict(candidate.start, candidate.end, candidate.name, case.meant.film, probability, outcome, reasons)
        )
    return sorted(verdicts, key=lambda verdict: -verdict.confidence)
