"""Rejected records: their letters, and the cap on their share."""

from __future__ import annotations

import pytest

from cinepulse.errors import CorruptRecord, DeadLetterRateExceeded, InvalidRecord
from clickhouse.letters import LEAST_POISON, WINDOW_RECORDS, PoisonCap, Rejected
from clickhouse.rows import Record

RECORD = Record(b"k", b"v", 1, 7, 0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CorruptRecord("x"), "corrupt_record"),
        (InvalidRecord("x", reason="own"), "own"),
        (ValueError("x"), "insert_refused"),
    ],
)
def test_reason_is_the_poisons_own(error: Exception, reason: str) -> None:
    """Poison brings its reason; anything else was refused by ClickHouse."""
    assert Rejected("movie.mentions", RECORD, error).reason == reason


def test_first_bad_records_do_not_stop_the_sink() -> None:
    """Too few records say nothing about the set-up, however bad they are."""
    cap = PoisonCap(0.5)

    cap.observe("t", 0, records=LEAST_POISON - 1, poison=LEAST_POISON - 1)

    with pytest.raises(DeadLetterRateExceeded, match="t-0"):
        cap.observe("t", 0, records=1, poison=1)


def test_share_is_of_the_latest_records() -> None:
    """A long good past does not hide that everything now is bad."""
    cap = PoisonCap(0.5)
    for _ in range(100):
        cap.observe("t", 0, records=WINDOW_RECORDS, poison=0)

    for _ in range(7):
        cap.observe("t", 0, records=100, poison=100)
    with pytest.raises(DeadLetterRateExceeded):
        cap.observe("t", 0, records=1_000, poison=1_000)


def test_steady_share_below_the_cap_never_stops() -> None:
    """One bad record in three goes on for ever below a cap of a half."""
    cap = PoisonCap(0.5)

    for _ in range(1_000):
        cap.observe("t", 0, records=30, poison=10)


def test_partitions_are_judged_apart() -> None:
    """A poisoned partition is seen though the others are healthy."""
    cap = PoisonCap(0.5)
    cap.observe("t", 1, records=10_000, poison=0)

    with pytest.raises(DeadLetterRateExceeded):
        cap.observe("t", 0, records=LEAST_POISON, poison=LEAST_POISON)
