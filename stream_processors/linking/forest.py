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
    _bits: NDArray[np.int64] = field(init=False, repr=False)
    _offsets: NDArray[np.int64] = field(init=False, repr=False)
    _flat: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        trees, depth = self.columns.shape
        object.__setattr__(self, "_bits", 1 << np.arange(depth))
        object.__setattr__(self, "_offsets", np.arange(trees) << depth)
        object.__setattr__(self, "_flat", self.values.ravel())

    def log_odds(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log odds of each row; shape (rows, features) to (rows,)."""
        answers = rows[:, self.columns] > self.thresholds
        places = answers @ self._bits + self._offsets
        odds: NDArray[np.float64] = self._flat[places].sum(axis=1) + self.bias
        return odds
