"""The demo's reckoning finds every kind of difference and reads histograms as Prometheus does."""

from __future__ import annotations

import pytest

from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.commands.reckoning import DemoReport, MentionId, quantile, reckon

ALIEN = MentionId(348, "t3_a", 0)
ALIEN_AGAIN = MentionId(348, "t3_b", 10)
DUNE_NEXT_DAY = MentionId(438631, "t1_c", MILLISECONDS_PER_DAY)
EXPECTED = {ALIEN, ALIEN_AGAIN, DUNE_NEXT_DAY}
COUNTS = {(348, 0): 2, (438631, 1): 1}


def test_equal_sets_and_counts_lose_nothing() -> None:
    """A run whose rows and counts are the expected ones has lost 0 and double 0."""
    reckoning = reckon(EXPECTED, list(EXPECTED), COUNTS)

    assert (reckoning.lost, reckoning.double_counted) == (0, 0)
    assert reckoning.mentions_expected == reckoning.mentions_in_clickhouse == reckoning.mentions_counted == 3


@pytest.mark.parametrize(
    ("stored", "counts", "lost", "double"),
    [
        pytest.param([ALIEN, ALIEN_AGAIN], COUNTS, 1, 0, id="row missing"),
        pytest.param(list(EXPECTED), {(348, 0): 2}, 1, 0, id="count missing"),
        pytest.param(list(EXPECTED), {(348, 0): 1, (438631, 1): 1}, 1, 0, id="count short"),
        pytest.param([*EXPECTED, ALIEN], COUNTS, 0, 1, id="row twice"),
        pytest.param([*EXPECTED, MentionId(9, "t3_x", 0)], COUNTS, 0, 1, id="row that is not due"),
        pytest.param(list(EXPECTED), {**COUNTS, (348, 0): 4}, 0, 2, id="count too high"),
        pytest.param(list(EXPECTED), {(348, 1): 2, (438631, 1): 1}, 2, 2, id="count on the wrong day"),
    ],
)
def test_each_difference_is_found(
    stored: list[MentionId], counts: dict[tuple[int, int], int], lost: int, double: int
) -> None:
    """Rows and counts that miss, repeat or misplace a mention all show."""
    reckoning = reckon(EXPECTED, stored, counts)

    assert (reckoning.lost, reckoning.double_counted) == (lost, double)


def test_report_is_flat() -> None:
    """The report file has every figure at its top level."""
    report = DemoReport(
        seed=7,
        posts_served=3,
        posts_in_kafka=3,
        posts_deleted=0,
        reckoning=reckon(EXPECTED, list(EXPECTED), COUNTS),
        freshness_seconds={"p50": 0.4, "p99": 1.2},
        elapsed_seconds=60.0,
    ).as_dict()

    assert report["lost"] == 0
    assert report["freshness_seconds"] == {"p50": 0.4, "p99": 1.2}
    assert "reckoning" not in report


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.5, 1.0), (0.75, 1.5), (1.0, 2.0), (0.25, 0.5)],
)
def test_quantile_is_linear_within_a_bucket(share: float, value: float) -> None:
    """Two equal buckets put the median at their common bound and quartiles at their middles."""
    assert quantile([(1.0, 5.0), (2.0, 10.0), (float("inf"), 10.0)], share) == pytest.approx(value)


def test_quantile_of_nothing_is_unknown() -> None:
    """An empty histogram has no quantile, which is not zero."""
    assert quantile([(1.0, 0.0), (float("inf"), 0.0)], 0.5) is None
    assert quantile([], 0.5) is None


def test_quantile_beyond_the_last_bound_is_that_bound() -> None:
    """Samples in the infinite bucket are reported as at least the last finite bound."""
    assert quantile([(1.0, 0.0), (float("inf"), 4.0)], 0.99) == 1.0
