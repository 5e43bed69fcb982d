from __future__ import annotations

from itertools import accumulate

from benchmarks.suite.mentions import DELAYED_HOURS, counted, distinct, some_mentions
from schemas.topics import HOUR_MS


def test_what_comes_again_comes_within_any_grace() -> None:
    """A record that comes again is at most a day behind those before it, however often it comes."""
    said = some_mentions(20_000, again=0.3)
    furthest = accumulate((one.created_at for one in said), max)

    late = max(high - one.created_at for high, one in zip(furthest, said, strict=True))

    assert late < 24 * HOUR_MS
    assert sum(counted(said).values()) == 20_000
    assert sum(distinct(said).values()) < 17_000


def test_what_is_late_is_late_by_hours() -> None:
    """Disorder is as great as it is said to be, and nothing is there twice."""
    said = some_mentions(20_000, delayed=0.1)
    furthest = accumulate((one.created_at for one in said), max)

    late = [high - one.created_at for high, one in zip(furthest, said, strict=True)]

    assert 5 * HOUR_MS < max(late) <= DELAYED_HOURS * HOUR_MS
    assert counted(said) == distinct(said)
