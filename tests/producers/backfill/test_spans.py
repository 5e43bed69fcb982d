"""Which event time a file may claim."""

from __future__ import annotations

from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from producers.backfill.spans import Spans


def test_days_in_a_row_are_one_stretch_and_a_day_without_lines_ends_it() -> None:
    """From the first instant to just after the last, whatever the order of the lines; each feed for itself."""
    spans = Spans()
    for at in (10 * DAY + 500, 11 * DAY + 7, 10 * DAY + 100, 13 * DAY + 1, 13 * DAY + 9, 11 * DAY + 3):
        spans.see("new", at, at)
    spans.see("comments", 12 * DAY, 12 * DAY + 5)

    assert spans.stretches() == [
        ("comments", (12 * DAY, 12 * DAY + 6)),
        ("new", (10 * DAY + 100, 11 * DAY + 8)),
        ("new", (13 * DAY + 1, 13 * DAY + 10)),
    ]


def test_one_line_with_a_wrong_date_claims_nothing() -> None:
    """A stray date years away is an instant, not a stretch."""
    spans = Spans()
    spans.see("new", 5, 5)
    spans.see("new", 900 * DAY, 900 * DAY)
    spans.see("new", 900 * DAY + 60_000, 900 * DAY + 60_000)

    assert spans.stretches() == [("new", (900 * DAY, 900 * DAY + 60_001))]
