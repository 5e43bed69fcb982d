"""The trained model: a forest, and the line that turns its log odds into a probability that proves true.

`data/model.json` holds it; `train/` makes it. Thresholds and values are whole numbers there, so that training twice
gives the same bytes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from stream_processors.linking.features import NAMES
from stream_processors.linking.forest import Forest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

THRESHOLD_SCALE: Final = 10_000
VALUE_SCALE: Final = 100_000
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A forest and its calibration: probability = 1 / (1 + exp(-(slope * log odds + shift)))."""

    forest: Forest
    slope: float
    shift: float

    def probabilities(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """Return for each row of features the probability that its film is named there."""
        odds = self.forest.log_odds(np.array(rows))
        chances: list[float] = (1 / (1 + np.exp(-(self.slope * odds + self.shift)))).tolist()
        return chances


@cache
def load_model() -> Model:
    """Return the packaged model."""
    return read_model(json.loads(files("stream_processors.linking").joinpath("data", "model.json").read_text("utf-8")))


def read_model(values: Mapping[str, Any]) -> Model:
    """Return the model of a parsed file; raises ValueError when it is of another format or for other features."""
    if values["format"] != FORMAT or tuple(values["features"]) != NAMES:
        raise ValueError("the model was trained for other features: run `make train`")
    forest = Forest(
        bias=float(values["bias"]),
        columns=np.array(values["columns"], dtype=np.int64),
        thresholds=np.array(values["thresholds"], dtype=np.float64) / THRESHOLD_SCALE,
        values=np.array(values["values"], dtype=np.float64) / VALUE_SCALE,
    )
    return Model(forest, float(values["slope"]), float(values["shift"]))


def write_model(model: Model) -> str:
    """Return the file's text."""
    forest = model.forest
    values = {
        "format": FORMAT,
        "features": NAMES,
        "bias": round(forest.bias, 6),
        "slope": round(model.slope, 4),
        "shift": round(model.shift, 4),
        "columns": forest.columns.tolist(),
        "thresholds": np.rint(forest.thresholds * THRESHOLD_SCALE).astype(int).tolist(),
        "values": np.rint(forest.values * VALUE_SCALE).astype(int).tolist(),
    }
    return "{\n" + ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in values.items()) + "\n}\n"


def probability(log_odds: float) -> float:
    """Return the probability of log odds, without overflow."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > 0 else math.exp(log_odds) / (1 + math.exp(log_odds))
