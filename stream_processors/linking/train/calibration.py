"""The line from log odds to probabilities that prove true (Platt scaling), fitted on rows that the forest never saw."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS: Final = 50
RIDGE: Final = 1e-6
BINS: Final = (0.0, 0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0)


def fit_line(odds: Floats, labels: Floats, weights: Floats) -> tuple[float, float]:
    """Return slope and shift of the logistic line through (log odds, label), by Newton's method."""
    design = np.stack([odds, np.ones_like(odds)], axis=1)
    point = np.array([1.0, 0.0])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(design @ point)))
        gradient = design.T @ ((chance - labels) * weights)
        bend = (design * (chance * (1 - chance) * weights)[:, None]).T @ design + RIDGE * np.eye(2)
        point -= np.linalg.solve(bend, gradient)
    return float(point[0]), float(point[1])


def reliability(chances: Floats, labels: Floats) -> list[tuple[float, float, int, float, float]]:
    """Return for each bin of confidence: its bounds, how many, their mean confidence, the share that was right."""
    table = []
    for low, high in pairwise(BINS):
        inside = (chances >= low) & ((chances < high) | (high == BINS[-1]))
        count = int(inside.sum())
        if count:
            table.append((low, high, count, float(chances[inside].mean()), float(labels[inside].mean())))
    return table
