from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from cinepulse import metrics
from cinepulse.settings import Settings

ROOT = Path(__file__).parents[2]
METRICS = {name: value for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}
ROOMS = ("cinepulse", "producers", "schemas", "stream_processors", "clickhouse")
TEXTS = {path: path.read_text("utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")}


def _used(pattern: str, home: str) -> bool:
    return any(re.search(pattern, text) for path, text in TEXTS.items() if path != ROOT / "cinepulse" / home)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_ours_and_explains_itself(name: str) -> None:
    """The name has our prefix and ends as the constant does; the text is at least one whole sentence."""
    metric = METRICS[name]

    assert metric._name.startswith("cinepulse_")
    assert metric._documentation.endswith(".")


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_measured(name: str) -> None:
    """No metric is declared that nothing sets."""
    assert _used(rf"\b{name}\b", "metrics.py")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_read(name: str) -> None:
    """No setting can be set that nothing reads."""
    assert _used(rf"\.{name}\b|\"{name}\"", "settings.py")
