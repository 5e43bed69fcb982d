"""From rows to a forest and to a model whose confidence is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stream_processors.linking.model import Model
from stream_processors.linking.train.calibration import fit_line
from stream_processors.linking.train.forest import grow
from stream_processors.linking.train.gold import CORE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from stream_processors.linking.forest import Forest
    from stream_processors.linking.train.forest import Settings
    from stream_processors.linking.train.rows import Rows

    Floats = NDArray[np.float64]


def train(plain: Rows, altered: Rows, settings: Settings) -> Forest:
    """Return a forest grown on all rows with a label."""
    features, labels, weights = [], [], []
    for rows in (plain, altered):
        kept = [place for place, label in enumerate(rows.labels) if label >= 0]
        features += [rows.features[place] for place in kept]
        labels += [rows.labels[place] for place in kept]
        weights += [rows.weights[place] for place in kept]
    return grow(np.array(features), np.array(labels, dtype=float), np.array(weights), settings)


def calibrate(plain: Rows, odds: Floats, sources: Mapping[str, str]) -> tuple[float, float]:
    """Return the slope and shift that make confidences true on the hand-labelled Reddit messages."""
    labels = np.array(plain.labels, dtype=float)
    core = np.array([sources[identity] in CORE for identity, _ in plain.owners])
    used = core & (labels >= 0)
    return fit_line(odds[used], labels[used], np.ones(int(used.sum())))


def model_of(forest: Forest, line: tuple[float, float]) -> Model:
    """Return the model of a forest and its calibration."""
    return Model(forest, *line)
