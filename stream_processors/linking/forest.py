"""A forest of symmetric trees: log odds of a row of features, without branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Trees of one depth d.

    Shapes: `columns` and `thresholds` (trees, d), the questions `row[column] > threshold`; `values` (trees, 2^d), where
    the answer to question i is bit i of the place.
    """

    bias: float
    columns: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    values: NDArray[np.float64]
    _columns: NDArray[np.int64] = field(init=False, repr=False)
    _thresholds: NDArray[np.float64] = field(init=False, repr=False)
    _offsets: NDArray[np.int64] = field(init=False, repr=False)
    _flat: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        trees, depth = self.columns.shape
        # Question by question and not tree by tree: one row is then a few operations on whole lines of memory.
        object.__setattr__(self, "_columns", np.ascontiguousarray(self.columns.T).ravel())
        object.__setattr__(self, "_thresholds", np.ascontiguousarray(self.thresholds.T).ravel())
        object.__setattr__(self, "_offsets", np.arange(trees) << depth)
        object.__setattr__(self, "_flat", self.values.ravel())

    def contributions(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much each feature moves the log odds of one row away from the forest's mean.

        Each answer moves a tree from the mean of the leaves that were open before it to the mean of those still open
        (Saabas, 2014); the moves sum to the log odds less that mean.
        """
        trees, depth = self.columns.shape
        answers = (row[self.columns] > self.thresholds).astype(int)
        moved = np.zeros(len(row))
        open_leaves = self.values
        for level in range(depth):
            # The lowest bit of what is left of the place is the next question.
            halves = open_leaves.reshape(trees, -1, 2)
            kept = halves[np.arange(trees), :, answers[:, level]]
            np.add.at(moved, self.columns[:, level], kept.mean(axis=1) - open_leaves.mean(axis=1))
            open_leaves = kept
        return moved

    def log_odds(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log odds of each row; shape (rows, features) to (rows,)."""
        trees, depth = self.columns.shape
        answers = (rows.take(self._columns, axis=1) > self._thresholds).reshape(-1, depth, trees)
        places = np.tile(self._offsets, (len(rows), 1))
        for question in range(depth):
            places += answers[:, question].astype(np.int64) << question
        odds: NDArray[np.float64] = self._flat.take(places).sum(axis=1) + self.bias
        return odds
