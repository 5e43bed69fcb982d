"""From judged candidates that overlap to mentions that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_processors.linking.judging import Case

WORD_BONUS: Final = 0.03
"""Probability that a longer name is granted per word over a shorter one inside it."""
FLOOR: Final = 0.02
"""Probability under which a candidate does not take words from others."""


def choose(cases: Sequence[Case], probabilities: Sequence[float]) -> list[tuple[Case, float]]:
    """Return the cases that stand, most probable first, each with its probability; no two share a word."""
    order = sorted(
        (index for index, probability in enumerate(probabilities) if probability >= FLOOR),
        key=lambda index: (-_score(cases[index], probabilities[index]), index),
    )
    taken: set[int] = set()
    chosen = []
    for index in order:
        candidate = cases[index].candidate
        places = range(candidate.first, candidate.last + 1)
        if taken.isdisjoint(places):
            taken.update(places)
            chosen.append((cases[index], probabilities[index]))
    return chosen


def _score(case: Case, probability: float) -> float:
    return probability + WORD_BONUS * (case.candidate.last - case.candidate.first)
