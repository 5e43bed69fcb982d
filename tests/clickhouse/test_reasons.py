"""Why a film's popularity moved, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.reasons import reasons

DAY = date(2026, 3, 1)
NOTHING: dict[str, Any] = {
    "release_date": None,
    "engagement": None,
    "vote_velocity": None,
    "vote_acceleration": None,
    "joined": False,
    "departed": False,
    "rank": 5,
    "rank_change": None,
    "momentum": "Stable",
    "peak_day": None,
    "first_day": date(2026, 1, 1),
    "breakout": None,
    "trend": "Stable",
}


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({}, ()),
        ({"release_date": "2026-02-27"}, ("released 2 days ago",)),
        ({"release_date": "2026-02-28"}, ("released 1 day ago",)),
        ({"release_date": "2026-03-01"}, ("released today",)),
        ({"release_date": "2026-03-15"}, ("released in 14 days",)),
        ({"release_date": "2026-03-16"}, ()),
        ({"release_date": "2026"}, ()),
        ({"engagement": "Minimal", "vote_velocity": 1.0}, ()),
        (
            {"engagement": "Viral", "vote_velocity": 1_234.4, "vote_acceleration": 1.0},
            ("1,234 votes a day (Viral), more than the week before",),
        ),
        ({"engagement": "Low", "vote_velocity": 7.0, "vote_acceleration": None}, ("7 votes a day (Low)",)),
        ({"rank_change": 3}, ("up 3 to place 5",)),
        ({"rank_change": -2}, ("down 2 to place 5",)),
        ({"rank_change": 0}, ()),
        ({"joined": True}, ("joined the top at 5",)),
        ({"departed": True, "rank": None}, ("left the top",)),
        ({"momentum": "New", "first_day": DAY, "peak_day": DAY}, ("new on TMDB's lists",)),
        ({"peak_day": DAY}, ("its highest so far",)),
        ({"peak_day": DAY, "first_day": DAY}, ()),
        ({"breakout": "Major", "trend": "Viral"}, ("Major breakout",)),
        ({"trend": "Viral"}, ("trend Viral",)),
        ({"trend": None}, ()),
    ],
)
def test_reasons_by_hand(numbers: dict[str, Any], told: tuple[str, ...]) -> None:
    """Each number says what it shows, and one that is unknown or usual says nothing; February has 28 days in 2026."""
    assert reasons(NOTHING | numbers, DAY) == told


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-40, 40))
def test_a_release_counts_by_calendar_days(day: date, apart: int) -> None:
    """Over leap days and the ends of months and years, a release within 14 days is told, and no other."""
    released = date.fromordinal(day.toordinal() + apart)

    told = reasons(NOTHING | {"release_date": released.isoformat()}, day)

    assert bool(told) == (abs(apart) <= 14)
    assert all(str(abs(apart)) in text or apart == 0 for text in told)
