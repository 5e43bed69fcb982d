"""Fixtures of the Reddit producer's tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from prawcore.rate_limit import RateLimiter
from prawcore.sessions import FiniteRetryStrategy

from tests.producers.reddit.bench import Bench, make_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from schemas.publisher import Publisher
    from tests.fixtures.world import RunningWorld


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let prawcore neither sleep between its three attempts nor for the rate limit, which our client has waited out."""
    monkeypatch.setattr(RateLimiter, "delay", lambda _self: None)
    monkeypatch.setattr(FiniteRetryStrategy, "_sleep_seconds", lambda _self: None)


@pytest.fixture
def benches(world: RunningWorld, publisher: Publisher, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Return a factory of benches on the world and the shared broker; all share one memory, one after the other."""
    with ExitStack() as stack:

        def make(own_publisher: Publisher | None = None, **changes: Any) -> Bench:
            stack.close()
            settings = world.settings(**{"reddit_recheck_seconds": ()} | changes)
            bench = make_bench(settings, tmp_path, own_publisher or publisher)
            stack.enter_context(bench.state)
            return bench

        yield make


@pytest.fixture
def bench(benches: Callable[..., Bench]) -> Bench:
    """Return a bench with default settings and no re-checks."""
    return benches()
