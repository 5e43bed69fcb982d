from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.backoff import FIRST_SECONDS, LONGEST_SECONDS, backoff_seconds


@given(failures=st.integers(1, 10_000), seed=st.integers())
def test_it_doubles_up_to_the_longest(failures: int, seed: int) -> None:
    """The n-th pause lies between half and all of 2^(n-1) seconds, and never above a minute."""
    seconds = backoff_seconds(failures, Random(seed))  # noqa: S311 - jitter

    longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 100))
    assert longest / 2 <= seconds <= longest


@given(failures=st.integers(1, 20), asked=st.floats(0, 3600), seed=st.integers())
def test_what_was_asked_for_is_kept(failures: int, asked: float, seed: int) -> None:
    """With `retry-after` the pause is at least that, and at most a tenth more."""
    seconds = backoff_seconds(failures, Random(seed), asked)  # noqa: S311 - jitter

    assert asked <= seconds <= asked * 1.1 + 1e-9


def test_clients_that_fail_together_come_back_apart() -> None:
    """Two clients' pauses differ."""
    one, other = (backoff_seconds(5, Random(seed)) for seed in (1, 2))  # noqa: S311 - jitter

    assert one != pytest.approx(other)
