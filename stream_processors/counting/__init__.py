"""Counting mentions per film and day: pure, no input or output."""

from __future__ import annotations

from stream_processors.counting.runs import merge_runs
from stream_processors.counting.state import CountState, Record, Taken, Tally
from stream_processors.counting.wire import CountRecords, MentionKeys, MentionValues

__all__ = ["CountRecords", "CountState", "MentionKeys", "MentionValues", "Record", "Taken", "Tally", "merge_runs"]
