"""Which days are served as final: what the partitions say of themselves, and those that say nothing."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY as DAY
from cinepulse.closing import MILLISECONDS_PER_HOUR as HOUR
from cinepulse.closing import ClosingRule
from cinepulse.settings import Settings
from clickhouse.closed import EPOCH, Closer, Reached, read_reached
from tests.clickhouse.tables import PARTITIONS, Filled, filled, ms

__all__ = ["filled"]

CLOSER = Closer(ClosingRule(48 * HOUR, HOUR, 6 * HOUR), 2)
CLOSED = date(2026, 11, 21)
NUMBER = (CLOSED - EPOCH).days


@pytest.mark.parametrize(
    ("furthest", "open_days", "state"),
    [
        ("2026-11-24T01:00", {0: NUMBER + 1, 1: NUMBER + 1}, "final"),
        ("2026-11-24T01:00", {0: NUMBER + 1, 1: NUMBER}, "provisional"),
        ("2026-11-24T01:00", {0: NUMBER + 1}, "provisional"),
        ("2026-11-24T06:59:59.999", {0: NUMBER + 1, 1: NUMBER}, "provisional"),
        ("2026-11-24T07:00", {0: NUMBER + 1, 1: NUMBER}, "final"),
        ("2026-11-24T07:00", {}, "final"),
    ],
)
def test_a_day_is_final_once_all_partitions_say_so_or_have_timed_out(
    furthest: str, open_days: dict[int, int], state: str
) -> None:
    """The slowest partition decides, for the idle time and no longer; the boundary belongs to final."""
    assert Reached(ms(furthest), CLOSED, open_days).state_of(CLOSED, CLOSER) == state


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 40 * DAY), st.integers(0, 40)), min_size=1, max_size=40
    ).filter(bool)
)
def test_a_day_served_as_final_stays_final(rows: list[tuple[int, int, int]]) -> None:
    """However the partitions' counts come, and whichever partition is heard of first, no day opens again."""
    closer = Closer(CLOSER.rule, 4)
    open_days: defaultdict[int, int] = defaultdict(int)
    furthest = before = 0
    for partition, reached, open_day in rows:
        furthest, open_days[partition] = max(furthest, reached), max(open_days[partition], open_day)
        now = Reached(furthest, EPOCH, dict(open_days)).first_open_day(closer)
        assert now >= before
        before = now


def test_the_partitions_come_from_the_settings() -> None:
    """Every reader closes by the rule that the count stage keeps."""
    closer = Closer.of(Settings(partitions=7, grace_hours=1, disorder_hours=0, idle_hours=2))

    assert closer == Closer(ClosingRule(HOUR, 0, 2 * HOUR), 7)


@pytest.mark.real
def test_what_partitions_say_is_read_from_their_counts(filled: Filled) -> None:
    """The last final day of a partition closes all before it; without one it has closed none."""
    assert read_reached(filled.client) is None
    filled.count(1, "2026-11-17", 2, state="final", watermark="2026-11-20T10:00")
    filled.count(1, "2026-11-18", 2, state="final", watermark="2026-11-21T10:00")
    filled.count(1, "2026-11-21", 1, state="provisional", watermark="2026-11-21T11:00")
    filled.count(4, "2026-11-20", 1, state="provisional", watermark="2026-11-20T09:00")
    filled.count(4, "2026-11-22", 0, state="provisional", watermark="2026-11-20T09:00")

    reached = read_reached(filled.client)

    assert reached is not None
    assert (reached.furthest, reached.latest_day) == (ms("2026-11-21T11:00"), date(2026, 11, 21))
    assert sorted(reached.open_days.values()) == [0, (date(2026, 11, 18) - EPOCH).days + 1]
    assert len(reached.open_days) == PARTITIONS
    assert [reached.state_of(date(2026, 11, day), CLOSER) for day in (18, 19)] == ["final", "provisional"]


def test_an_idle_partition_keeps_what_it_has_counted() -> None:
    """What nothing has reached for weeks says nothing of how far the stream is, and has its counts still."""

    def row(partition: int, day: date) -> dict[str, Any]:
        since_1970 = (day - EPOCH).days
        own = {"source_partition": partition, "last_day": day, "latest_day": day, "reached_ms": since_1970 * DAY}
        return {**own, "open_day": 0, "counted": [since_1970], "kept": []}

    idle, busy = date(2026, 3, 1), date(2026, 5, 1)
    client = Mock()
    client.query.return_value.named_results.return_value = [row(0, idle), row(1, busy)]

    reached = read_reached(client)

    assert reached is not None
    assert list(reached.open_days) == [1]
    assert reached.is_counted(idle, idle)
    assert not reached.is_counted(idle + timedelta(days=1), busy - timedelta(days=1))
