"""The model: its file, its forest, its training."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from stream_processors.linking.features import NAMES
from stream_processors.linking.model import load_model, read_model, write_model
from stream_processors.linking.train.calibration import fit_line, reliability
from stream_processors.linking.train.forest import Settings, grow


def rows(count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, labels that depend on two of them, and weights."""
    random = np.random.default_rng(1)
    features = random.normal(size=(count, 5)).round(2)
    labels = ((features[:, 0] > 0) ^ (features[:, 3] > 0.5)).astype(float)
    return features, labels, np.ones(count)


def test_packaged_model_fits_the_code() -> None:
    """The model in the package was trained for the features that the code computes, and its file reads back."""
    text = files("stream_processors.linking").joinpath("data", "model.json").read_text("utf-8")

    assert tuple(json.loads(text)["features"]) == NAMES
    assert write_model(load_model()) == text


def test_model_for_other_features_is_refused() -> None:
    """A model never judges numbers that it was not trained on."""
    text = files("stream_processors.linking").joinpath("data", "model.json").read_text("utf-8")

    with pytest.raises(ValueError, match="make train"):
        read_model(json.loads(text) | {"features": ["other"]})


def test_forest_learns_an_interaction() -> None:
    """Symmetric trees find what no single feature tells."""
    features, labels, weights = rows()

    forest = grow(features, labels, weights, Settings(trees=60, depth=3, rate=0.3))

    assert np.mean((forest.log_odds(features) > 0) == labels) > 0.95


def test_training_twice_gives_the_same_forest() -> None:
    """The seed decides everything that is random."""
    features, labels, weights = rows()
    settings = Settings(trees=10, depth=3)

    one, two = (grow(features, labels, weights, settings) for _ in range(2))

    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.columns, two.columns)
    assert not np.array_equal(one.values, grow(features, labels, weights, Settings(trees=10, depth=3, seed=8)).values)


def test_contributions_sum_to_the_log_odds() -> None:
    """What an explanation shows adds up to the decision, counted from the forest's mean."""
    features, labels, weights = rows()
    forest = grow(features, labels, weights, Settings(trees=20, depth=4))

    moved = forest.contributions(features[0]).sum()

    mean = forest.bias + forest.values.mean(axis=1).sum()
    assert forest.log_odds(features[:1])[0] == pytest.approx(mean + moved)


def test_calibration_makes_confidence_true() -> None:
    """Log odds that are twice too sure are halved."""
    random = np.random.default_rng(2)
    truth = random.normal(size=4000) * 2
    labels = (random.random(4000) < 1 / (1 + np.exp(-truth))).astype(float)

    slope, shift = fit_line(2 * truth, labels, np.ones(4000))

    assert slope == pytest.approx(0.5, abs=0.05)
    assert shift == pytest.approx(0, abs=0.1)
    shares = [right for *_, right in reliability(1 / (1 + np.exp(-truth)), labels)]
    assert all(left < right for left, right in pairwise(shares))
