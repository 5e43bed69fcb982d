"""What an exchange asks of a handle, with a fake engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from cinepulse.clock import ManualClock
from clickhouse.engine_config import Limits
from clickhouse.engine_handle import EngineError, Outcome
from clickhouse.http_exchange import Exchange
from clickhouse.http_request import Call
from clickhouse.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from clickhouse.engine import Engine

TOO_LARGE = "Code: 396. DB::Exception: Limit for result exceeded. (TOO_MANY_ROWS_OR_BYTES)"


@dataclass(eq=False)
class FakeHandle:
    """A handle whose every result is too large to be given whole, where `is_large`; it notes how it was asked."""

    name: str
    query_class: str
    is_large: bool
    running: Callable[[], None]
    unchanged: bool = False
    asked: list[str] = field(default_factory=list)

    def set_up(self, _database: str | None, settings: Mapping[str, str]) -> None:
        self.asked.append(f"limit {settings.get('max_result_bytes', 'none')}")

    def classify(self, _sql: str) -> tuple[str, int]:
        return self.query_class, 1

    def run(self, _sql: str, _output: str, _parameters: Mapping[str, str]) -> tuple[bytes, Outcome]:
        self.asked.append("whole")
        self.running()
        if self.is_large:
            raise EngineError(TOO_LARGE)
        return b"1\n", Outcome()

    def stream(self, _sql: str, _output: str, _parameters: Mapping[str, str]) -> Iterator[tuple[bytes, int]]:
        self.asked.append("blocks")
        self.running()
        yield b"1\n", 1

    def close(self) -> None:
        self.asked.append("closed")


@dataclass
class FakeEngine:
    """An engine that opens fake handles and remembers which it was told to stop."""

    query_class: str = "READ_ONLY"
    is_large: bool = False
    limits: Limits = field(default_factory=Limits)
    handles: list[FakeHandle] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    running: Callable[[], None] = lambda: None

    def handle(self) -> FakeHandle:
        handle = FakeHandle(f"handle {len(self.handles)}", self.query_class, self.is_large, self.running)
        self.handles.append(handle)
        return handle

    def stop(self, handle: str) -> None:
        self.stopped.append(handle)


def exchange_of(engine: FakeEngine, call: Call) -> Exchange:
    """Return an exchange over the fake engine, its body complete."""
    real = cast("Engine", engine)
    exchange = Exchange(real, Sessions(real, ManualClock()), call, content_encoding="", content_type="", coding="")
    exchange.take([], last=True)
    return exchange


def answered(exchange: Exchange) -> bytes:
    """Run an exchange's statement and return its whole answer."""
    answer = exchange.run()
    with answer.begin as begin:
        begin.seek(0)
        return begin.read() + b"".join(answer.rest or [])


def test_what_runs_can_be_stopped_and_what_is_over_cannot() -> None:
    """A statement is stopped by its handle's name while it runs; once its handle is free, that may serve another."""
    engine = FakeEngine()
    exchange = exchange_of(engine, Call("SELECT 1", "q", wait_end=True))
    engine.running = exchange.stop

    answered(exchange)
    exchange.stop()

    assert engine.stopped == ["handle 0"]


def test_a_small_result_is_asked_for_whole() -> None:
    """One who waits for the end gets a result within the limit in one piece."""
    engine = FakeEngine()

    assert answered(exchange_of(engine, Call("SELECT 1", "q", wait_end=True))) == b"1\n"
    assert [handle.asked for handle in engine.handles] == [["limit 4194304", "whole"]]


def test_a_large_result_is_asked_for_by_blocks() -> None:
    """One that is over the limit comes by blocks, from a handle without it."""
    engine = FakeEngine(is_large=True)

    assert answered(exchange_of(engine, Call("SELECT 1", "q", wait_end=True))) == b"1\n"

    assert [handle.asked for handle in engine.handles] == [
        ["limit 4194304", "whole", "closed"],
        ["limit none", "blocks"],
    ]


@pytest.mark.parametrize(
    "call",
    [
        Call("SELECT 1", "q"),
        Call("SELECT 1", "q", wait_end=True, settings={"result_overflow_mode": "break"}),
        Call("SELECT 1", "q", wait_end=True, settings={"max_result_rows": "1"}),
        Call("SELECT 1 SETTINGS Result_Overflow_Mode = 'break'", "q", wait_end=True),
    ],
)
def test_a_result_comes_by_blocks_at_once(call: Call) -> None:
    """Nobody waits for the end, or the caller says what becomes of a large result: the limit would change it."""
    engine = FakeEngine()

    assert answered(exchange_of(engine, call)) == b"1\n"

    assert [asked for handle in engine.handles for asked in handle.asked if asked in ("whole", "blocks")] == ["blocks"]


def test_what_changes_something_is_run_once() -> None:
    """Only what reads is asked again by blocks: what else the engine stopped may have done half of it."""
    engine = FakeEngine("MUTATING", is_large=True)

    with pytest.raises(EngineError, match="Limit for result"):
        exchange_of(engine, Call("WITH 1 AS one INSERT INTO a SELECT one", "q", wait_end=True)).run()

    assert [asked for handle in engine.handles for asked in handle.asked if asked in ("whole", "blocks")] == ["whole"]
