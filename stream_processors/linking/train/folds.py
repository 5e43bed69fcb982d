"""Forests over rows: one for use, and one for each part of the messages that has not seen that part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from stream_processors.linking.model import Model
from stream_processors.linking.train.calibration import fit_line
from stream_processors.linking.train.forest import Settings, grow
from stream_processors.linking.train.gold import CORE, FOLDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from stream_processors.linking.forest import Forest
    from stream_processors.linking.train.rows import Rows

    Floats = NDArray[np.float64]

NOWHERE: Final = -2
"""No row's part: a forest that leaves this part out has seen every row."""


def train(plain: Rows, altered: Rows, settings: Settings, left_out: int = NOWHERE) -> Forest:
    """Return a forest grown on all rows with a label, but those of one part."""
    features, labels, weights = [], [], []
    for rows in (plain, altered):
        kept = [
            place
            for place, (label, fold) in enumerate(zip(rows.labels, rows.folds, strict=True))
            if label >= 0 and fold != left_out
        ]
        features += [rows.features[place] for place in kept]
        labels += [rows.labels[place] for place in kept]
        weights += [rows.weights[place] for place in kept]
    return grow(np.array(features), np.array(labels, dtype=float), np.array(weights), settings)


def odds_by_strangers(plain: Rows, altered: Rows, settings: Settings) -> Floats:
    """Return the log odds of each plain row by the forest that has not seen its part."""
    features = np.array(plain.features)
    folds = np.array(plain.folds)
    odds = np.zeros(len(features))
    for fold in range(FOLDS):
        inside = folds == fold
        odds[inside] = train(plain, altered, replace(settings, seed=settings.seed + fold), fold).log_odds(
            features[inside]
        )
    return odds


def calibrate(plain: Rows, odds: Floats, sources: Mapping[str, str]) -> tuple[float, float]:
    """Return the slope and shift that make confidences true on the hand-labelled Reddit messages."""
    labels = np.array(plain.labels, dtype=float)
    core = np.array([sources[identity] in CORE for identity, _ in plain.owners])
    used = core & (labels >= 0)
    return fit_line(odds[used], labels[used], np.ones(int(used.sum())))


def model_of(forest: Forest, line: tuple[float, float]) -> Model:
    """Return the model of a forest and its calibration."""
    return Model(forest, *line)
