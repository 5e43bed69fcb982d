"""When a running statement is stopped from outside."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest

from clickhouse import http_runner
from clickhouse.engine_config import Limits
from clickhouse.http_errors import RequestRefused
from clickhouse.http_runner import Runner

if TYPE_CHECKING:
    from clickhouse.engine import Engine
    from clickhouse.http_exchange import Exchange

DEADLINE_SECONDS = 20


@dataclass
class FakeEngine:
    """An engine's limits."""

    limits: Limits = field(default_factory=Limits)


@dataclass(eq=False)
class FakeExchange:
    """An exchange whose statement runs until it is stopped, and that remembers that it was."""

    may_stop: bool = True
    stopped: Event = field(default_factory=Event)

    def stop(self) -> None:
        self.stopped.set()


async def never() -> dict[str, Any]:
    """Receive nothing: the client is there and silent."""
    await asyncio.Event().wait()
    raise AssertionError


async def gone() -> dict[str, Any]:
    """Receive what ASGI sends when the client has left."""
    return {"type": "http.disconnect"}


def stopped(engine: FakeEngine, exchange: FakeExchange, receive: Any, *, expected: bool) -> bool:
    """Watch an exchange until its statement is stopped, or for a moment where it is not to be; tells whether it was."""

    async def watch() -> bool:
        runner = Runner(cast("Engine", engine))
        async with runner.watched(cast("Exchange", exchange), receive):
            return await asyncio.to_thread(exchange.stopped.wait, DEADLINE_SECONDS if expected else 0.3)

    return asyncio.run(watch())


def test_a_read_is_stopped_when_its_client_leaves() -> None:
    """Nobody waits for the result of a statement that only reads."""
    assert stopped(FakeEngine(), FakeExchange(), gone, expected=True)


def test_a_change_goes_on_without_its_client() -> None:
    """A statement that changes something is not cut in the middle because its client left."""
    assert not stopped(FakeEngine(), FakeExchange(may_stop=False), gone, expected=False)


def test_nothing_is_stopped_while_the_client_waits() -> None:
    """A statement within its time limit runs on."""
    assert not stopped(FakeEngine(), FakeExchange(), never, expected=False)


def test_what_overruns_the_time_limit_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that the engine does not end at its own limit is ended from outside, whatever it is."""
    monkeypatch.setattr(http_runner, "_OVERRUN_SECONDS", 0.01)
    engine = FakeEngine(Limits(query_seconds=0.01))

    assert stopped(engine, FakeExchange(may_stop=False), never, expected=True)


def test_places_for_queries_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every place taken, a query waits for a while and is then refused for now; a freed place is taken."""
    monkeypatch.setattr(http_runner, "_PLACE_SECONDS", 0.05)

    async def fill() -> int:
        runner = Runner(cast("Engine", FakeEngine()))
        holding = [runner.place() for _ in range(http_runner.QUERY_PLACES)]
        for place in holding:
            await place.__aenter__()
        with pytest.raises(RequestRefused) as refused:
            async with runner.place():
                pass
        with suppress(StopAsyncIteration):
            await holding[0].__aexit__(None, None, None)
        async with runner.place():
            return refused.value.status

    assert asyncio.run(fill()) == 503
