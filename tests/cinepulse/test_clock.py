from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY, Clock, ManualClock, SystemClock, day_of, day_start


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("1970-01-01T00:00:00.000+00:00", "1970-01-01"),
        ("1969-12-31T23:59:59.999+00:00", "1969-12-31"),
        ("2024-02-29T23:59:59.999+00:00", "2024-02-29"),
        ("2024-03-01T00:00:00.000+00:00", "2024-03-01"),
        ("2024-03-01T00:30:00.000+02:00", "2024-02-29"),
        ("2150-01-01T00:00:00.000+00:00", "2150-01-01"),
    ],
)
def test_the_day_is_utcs_and_half_open(moment: str, day: str) -> None:
    """Midnight UTC belongs to the new day and the millisecond before it to the old, before 1970 as after."""
    epoch_ms = round(datetime.fromisoformat(moment).timestamp() * 1000)

    assert day_of(epoch_ms) == (date.fromisoformat(day) - date(1970, 1, 1)).days


@given(st.integers(-(2**53), 2**53))
def test_a_day_holds_the_instants_from_its_start_on(epoch_ms: int) -> None:
    """Every instant lies in exactly one day, at most one day's length after its start."""
    day = day_of(epoch_ms)

    assert day_start(day) <= epoch_ms < day_start(day + 1)
    assert day_start(day + 1) - day_start(day) == MILLISECONDS_PER_DAY


def test_a_manual_clock_moves_only_when_told() -> None:
    """Wall and monotonic time stand still, then advance by the same amount."""
    clock = ManualClock(wall_ms=1_000)

    before = (clock.now_ms(), clock.monotonic())
    clock.advance(1.5)

    assert before == (1_000, 0.0)
    assert (clock.now_ms(), clock.monotonic()) == (2_500, 1.5)


def test_the_system_clock_is_the_machines() -> None:
    """The wall time is UTC's, in whole milliseconds, and the monotonic time never goes back."""
    clock: Clock = SystemClock()

    before = time.time_ns() // 1_000_000
    now, first, second = clock.now_ms(), clock.monotonic(), clock.monotonic()
    after = time.time_ns() // 1_000_000

    assert before <= now <= after
    assert datetime.fromtimestamp(now / 1000, UTC).year >= 2024
    assert first <= second
