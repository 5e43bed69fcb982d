"""Gradient boosting of symmetric trees, small and seeded: the same rows give the same model file.

Every level of a symmetric tree asks one question of all its rows, so a tree of depth d is d questions and 2^d values,
which evaluates without branches. Sources: Friedman, Greedy function approximation (2001); Prokhorenkova et al.,
CatBoost (2018), for the symmetric trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stream_processors.linking.forest import Forest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bins = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a forest is grown; `rows` and `columns` are the shares that each tree sees."""

    trees: int = 800
    depth: int = 6
    rate: float = 0.02
    smoothing: float = 3.0
    least_weight: float = 2.0
    rows: float = 0.6
    columns: float = 0.3
    bins: int = 48
    seed: int = 7


def grow(features: Floats, labels: Floats, weights: Floats, settings: Settings) -> Forest:
    """Return a forest that estimates the log odds of label 1.

    Shapes: features (rows, columns); labels and weights (rows,), labels 0 or 1.
    """
    random = np.random.default_rng(settings.seed)
    edges = [_edges(features[:, column], settings.bins) for column in range(features.shape[1])]
    binned = np.stack([np.searchsorted(edge, features[:, at], side="left") for at, edge in enumerate(edges)], axis=1)
    share = float((labels * weights).sum() / weights.sum())
    bias = float(np.log(share / (1 - share)))
    odds = np.full(len(labels), bias)
    columns_each = max(1, round(settings.columns * features.shape[1]))
    columns, thresholds, values = [], [], []
    for _ in range(settings.trees):
        chance = 1 / (1 + np.exp(-odds))
        kept = np.flatnonzero(random.random(len(labels)) < settings.rows)
        offered = np.sort(random.choice(features.shape[1], columns_each, replace=False))
        slope, curve = (labels - chance) * weights, chance * (1 - chance) * weights
        questions, leaves = _tree(binned, offered, edges, (slope[kept], curve[kept], kept), settings)
        place = _place(binned, questions)
        odds += leaves[place]
        columns.append([column for column, _ in questions])
        thresholds.append([edges[column][cut] for column, cut in questions])
        values.append(leaves)
    return Forest(bias, np.array(columns), np.array(thresholds), np.array(values))


def _edges(column: Floats, most: int) -> Floats:
    """Return the cut points of a column: midpoints between values, thinned to quantiles when there are many."""
    found: Floats = np.unique(column)
    if len(found) > most:
        found = np.unique(np.asarray(np.quantile(column, np.linspace(0, 1, most + 1)), dtype=np.float64))
    middles: Floats = np.round((found[1:] + found[:-1]) / 2, 4)
    return middles


def _tree(
    binned: Bins, offered: Bins, edges: list[Floats], sample: tuple[Floats, Floats, Bins], settings: Settings
) -> tuple[list[tuple[int, int]], Floats]:
    """Return a tree's questions (column, cut) and the values of its leaves."""
    slope, curve, kept = sample
    rows = binned[np.ix_(kept, offered)]
    width = max(len(edge) for edge in edges) + 1
    cells = rows + np.arange(len(offered)) * width
    leaf = np.zeros(len(kept), dtype=np.int64)
    questions: list[tuple[int, int]] = []
    for level in range(settings.depth):
        column, cut = _best_cut(cells, leaf, (slope, curve), (1 << level, len(offered), width), settings)
        questions.append((int(offered[column]), cut))
        leaf += (rows[:, column] > cut).astype(np.int64) << level
    size = 1 << settings.depth
    total = np.bincount(leaf, slope, size)
    bend = np.bincount(leaf, curve, size)
    leaves: Floats = np.round(settings.rate * total / (bend + settings.smoothing), 5).astype(np.float64)
    return questions, leaves


def _best_cut(
    cells: Bins, leaf: Bins, sums: tuple[Floats, Floats], shape: tuple[int, int, int], settings: Settings
) -> tuple[int, int]:
    """Return the (column, cut) whose split of all leaves at once gains most."""
    leaves, columns, width = shape
    index = (cells + (leaf * columns * width)[:, None]).ravel()
    size = leaves * columns * width
    left, bend = (
        np.bincount(index, np.repeat(part, columns), size).reshape(leaves, columns, width).cumsum(axis=2)
        for part in sums
    )
    total, all_bend = left[:, :, -1:], bend[:, :, -1:]
    right, right_bend = total - left, all_bend - bend
    smooth = settings.smoothing
    gain = left**2 / (bend + smooth) + right**2 / (right_bend + smooth) - total**2 / (all_bend + smooth)
    gain[(bend < settings.least_weight / 10) | (right_bend < settings.least_weight / 10)] = 0
    best = int(np.argmax(gain.sum(axis=0)))
    return best // width, best % width


def _place(binned: Bins, questions: list[tuple[int, int]]) -> Bins:
    """Return the leaf of every row."""
    place = np.zeros(len(binned), dtype=np.int64)
    for level, (column, cut) in enumerate(questions):
        place += (binned[:, column] > cut).astype(np.int64) << level
    return place
