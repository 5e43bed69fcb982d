"""Coverage: how much of a period was polled, gaps and failures taken off."""

from __future__ import annotations

import pytest

from clickhouse.coverage import Coverage, Listing, coverage_of


def listing(first: int | None, last: int | None, *gaps: tuple[int, int], last_poll: int = 0) -> Listing:
    """Return a feed that was read from `first` to `last`."""
    return Listing("new", first, last, last_poll or last or 0, 1, 1, gaps)


@pytest.mark.parametrize(
    ("listings", "share"),
    [
        ([], None),
        ([listing(0, 1_000)], 1.0),
        ([listing(-500, 2_000)], 1.0),
        ([listing(250, 1_000)], 0.75),
        ([listing(0, 500, last_poll=1_000)], 0.5),
        ([listing(None, None, last_poll=900)], 0.0),
        ([listing(0, 1_000, (100, 200), (150, 300))], 0.8),
        ([listing(0, 1_000, (-100, 100), (900, 5_000))], 0.8),
        ([listing(0, 1_000), listing(500, 1_000)], 0.75),
        ([listing(1_500, 2_000)], 0.0),
    ],
    ids=[
        "no polls",
        "whole",
        "longer",
        "late start",
        "early end",
        "only failures",
        "overlapping gaps",
        "gaps at the edges",
        "mean of feeds",
        "after it",
    ],
)
def test_share(listings: list[Listing], share: float | None) -> None:
    """The share of the period between the first and last poll that succeeded, less its gaps."""
    assert coverage_of(listings, 0, 1_000, 1_000).share == (None if share is None else pytest.approx(share))


def test_only_what_has_passed_counts() -> None:
    """Of a day that is not over, the part up to now is looked at."""
    assert coverage_of([listing(0, 400)], 0, 1_000, 400).share == 1.0


def test_failing_polls_move_time_on() -> None:
    """When every poll fails, the covered share falls, though no new event moves the as-of."""
    assert coverage_of([listing(0, 400, last_poll=800)], 0, 1_000, 400).share == pytest.approx(0.5)


def test_period_that_has_not_begun_has_no_share() -> None:
    """Nothing of it has passed, so nothing can be said."""
    assert coverage_of([listing(0, 400)], 5_000, 6_000, 400).share is None


def test_gap_without_polls_is_still_told() -> None:
    """A gap in recorded time that was found by polls of another time shows, without a share."""
    gap_only = Listing("new", None, None, 0, 0, 0, ((100, 200),))

    assert coverage_of([gap_only], 0, 1_000, 1_000) == Coverage(share=None, gaps=1, gap_seconds=0.1, failed=0)


def test_summary_counts_gaps_once() -> None:
    """Gaps of several feeds are listed once each, their time together once, and failures are summed."""
    feeds = [listing(0, 9_000, (1_000, 3_000)), listing(0, 9_000, (2_000, 4_000))]

    found = coverage_of(feeds, 0, 10_000, 9_000)

    assert found == Coverage(share=7 / 9, gaps=2, gap_seconds=3.0, failed=2)
