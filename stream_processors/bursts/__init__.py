"""Hourly bursts of talk about single films: a pure fold over mentions in event time, no clock, no input or output."""

from stream_processors.bursts.baseline import Baseline
from stream_processors.bursts.detector import DETECTOR_VERSION, Burst, Detector
from stream_processors.bursts.rules import DEFAULT_RULE, BurstRule

__all__ = ["DEFAULT_RULE", "DETECTOR_VERSION", "Baseline", "Burst", "BurstRule", "Detector"]
