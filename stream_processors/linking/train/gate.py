"""Fit the gate: a logistic regression on what is known of a name beforehand and on a few signs that cost nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

from stream_processors.linking.gate import SIGNS, is_marked, signs_of
from stream_processors.linking.scene import about_films
from stream_processors.linking.tokens import blank, tokenise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.train.gold import Example
    from stream_processors.linking.train.rows import Rows

    Floats = NDArray[np.float64]

LOST: Final = 0.003
"""Share of the mentions that the gate may lose."""
RIDGE: Final = 1.0
STEPS: Final = 30


def gate_rows(rows: Rows, examples: Mapping[str, Example], catalog: Catalog) -> tuple[Floats, Floats, Floats]:
    """Return what the gate sees of the candidates that it judges, their labels and weights."""
    features, labels, weights = [], [], []
    for (identity, case), label, weight in zip(rows.owners, rows.labels, rows.weights, strict=True):
        if label < 0:
            continue
        message = examples[identity].message
        text = blank(message.text)
        if is_marked(text, case.candidate):
            continue
        tokens = tokenise(text)
        signs = signs_of(text, tokens, case.candidate, about_films(message))
        facts = catalog.facts_of(case.candidate.name, case.candidate.meanings)
        features.append([1.0, *facts.gate_features, *signs])
        labels.append(float(label))
        weights.append(weight)
    return np.array(features), np.array(labels), np.array(weights)


def fit_gate(features: Floats, labels: Floats, weights: Floats) -> dict[str, object]:
    """Return the gate's weights, and the score under which a candidate is dropped."""
    scale = np.maximum(np.abs(features).max(axis=0), 1e-9)
    scaled = features / scale
    point = np.zeros(features.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(scaled @ point)))
        slope = scaled.T @ ((chance - labels) * weights) + RIDGE * point
        bend = (scaled * (chance * (1 - chance) * weights)[:, None]).T @ scaled + RIDGE * np.eye(len(point))
        point -= np.linalg.solve(bend, slope)
    values = np.round(point / scale, 4)
    scores = features @ values
    kept = labels > 0
    order = np.argsort(scores[kept])
    lost = np.cumsum(weights[kept][order]) / weights[kept].sum()
    least = float(np.round(scores[kept][order][int(np.searchsorted(lost, LOST))], 3))
    statics = len(values) - len(SIGNS) - 1
    return {
        "least": least,
        "bias": float(values[0]),
        "facts": values[1 : 1 + statics].tolist(),
        "signs": dict(zip(SIGNS, values[1 + statics :].tolist(), strict=True)),
        "passed_of_others": round(float(((scores >= least) & ~kept).sum() / (~kept).sum()), 3),
    }


def write_gate(path: Path, gate: dict[str, object]) -> None:
    """Write the gate's file."""
    path.write_text(json.dumps(gate, indent=1) + "\n", "utf-8")
