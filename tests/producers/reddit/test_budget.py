from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.http import LONGEST_PAUSE_SECONDS, retry_after_seconds
from producers.reddit.budget import Budget, pace_seconds

HEADERS = ("x-ratelimit-remaining", "x-ratelimit-used", "x-ratelimit-reset")


class TestPace:
    """Reddit's window of ten minutes, spread evenly."""

    @pytest.mark.parametrize(
        ("remaining", "used", "reset", "seconds"),
        [
            (500, 500, 300, 0.0),  # half of both is left
            (900, 100, 300, 0.0),  # ahead of the even pace
            (100, 900, 300, 10.0),  # far behind it: the longest pause
            (495, 505, 300, 3.0),  # a little behind
            (0, 1000, 137, 137.0),  # nothing left: the window's end
            (0, 1000, 0, 1.0),
        ],
    )
    def test_cases(self, remaining: float, used: float, reset: float, seconds: float) -> None:
        """The pause that brings requests and time into the same proportion."""
        assert pace_seconds(remaining, used, reset) == pytest.approx(seconds)

    def test_time_that_passed_counts(self) -> None:
        """Of ten seconds to wait, four are over after four."""
        budget = Budget()
        budget.read(dict(zip(HEADERS, ("100", "900", "300"), strict=True)), now=50.0, now_ms=0)

        assert budget.pace(54.0) == pytest.approx(6.0)

    def test_nothing_told_nothing_waited(self) -> None:
        """Before the first answer there is no reason to wait."""
        assert Budget().pace(0.0) == 0.0


class TestHeaders:
    """Only what prawcore can parse is left in the headers."""

    def test_fractions_are_cut(self) -> None:
        """Prawcore wants whole numbers of `used` and `reset`."""
        headers = dict(zip(HEADERS, ("99.5", "2.0", "300.7"), strict=True))

        Budget().read(headers, 0.0, 0)

        assert headers == dict(zip(HEADERS, ("99.5", "2", "300"), strict=True))

    @given(
        values=st.lists(st.none() | st.text(max_size=8), min_size=3, max_size=3), retry=st.none() | st.text(max_size=40)
    )
    def test_any_text(self, values: list[str | None], retry: str | None) -> None:
        """Whatever the headers say, all three numbers are left or none, and nothing raises."""
        given_headers = [*zip(HEADERS, values, strict=True), ("retry-after", retry)]
        headers = {name: value for name, value in given_headers if value is not None}

        Budget().read(headers, 0.0, 0)

        left = [name for name in HEADERS if name in headers]
        assert left in ([], list(HEADERS))
        for name in left[1:]:
            int(headers[name])
        if "retry-after" in headers:
            assert 0 <= float(headers["retry-after"]) <= LONGEST_PAUSE_SECONDS


class TestRetryAfter:
    """RFC 9110's two forms, and nonsense."""

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (None, None),
            ("", None),
            ("soon", None),
            ("nan", None),
            ("7", 7.0),
            ("0.5", 0.5),
            ("-3", 0.0),
            ("999999", LONGEST_PAUSE_SECONDS),
            ("Sat, 21 Nov 2026 10:00:30 GMT", 30.0),
            ("Sat, 21 Nov 2020 10:00:30 GMT", 0.0),
        ],
    )
    def test_cases(self, value: str | None, seconds: float | None) -> None:
        """Seconds from now, bounded; None for nonsense."""
        assert retry_after_seconds(value, 1_795_255_200_000) == seconds
