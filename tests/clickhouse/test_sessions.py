"""Sessions over time, with a fake engine and a clock that tests move."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from cinepulse.clock import ManualClock
from clickhouse import sessions
from clickhouse.http_errors import RequestRefused
from clickhouse.http_request import Call
from clickhouse.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from clickhouse.engine import Engine


@dataclass(eq=False)
class FakeHandle:
    """A handle that remembers what it was asked, and which calls tests gave it to."""

    open: bool = True
    unchanged: bool = False
    calls: list[str] = field(default_factory=list)
    set_ups: int = 0
    settings: dict[str, str] = field(default_factory=dict)

    def set_up(self, _database: str | None, settings: Mapping[str, str]) -> None:
        self.set_ups += 1
        self.settings.update(settings)

    @contextmanager
    def restored(self, _settings: Iterable[str], _database: str | None) -> Iterator[None]:
        yield

    def close(self) -> None:
        self.open = False


@dataclass
class FakeEngine:
    """An engine that only opens handles."""

    handles: list[FakeHandle] = field(default_factory=list)

    def handle(self) -> FakeHandle:
        self.handles.append(FakeHandle())
        return self.handles[-1]


@pytest.fixture
def engine() -> FakeEngine:
    """Return an engine without handles."""
    return FakeEngine()


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock at its origin."""
    return ManualClock()


@pytest.fixture
def open_sessions(engine: FakeEngine, clock: ManualClock) -> Sessions:
    """Return sessions over the fake engine."""
    return Sessions(cast("Engine", engine), clock)


def call(session: str | None, seconds: int = 60, *, must_exist: bool = False) -> Call:
    """Return a call in a session."""
    return Call("SELECT 1", "q", session_id=session, session_seconds=seconds, session_must_exist=must_exist)


@contextmanager
def lent(open_sessions: Sessions, asked: Call, name: str) -> Iterator[FakeHandle]:
    """Lend a call, which the test knows by this name, its handle."""
    with open_sessions.lend(asked) as handle:
        fake = cast("FakeHandle", handle)
        fake.calls.append(name)
        yield fake


def read(open_sessions: Sessions, name: str, database: str = "a", **settings: str) -> None:
    """Serve a call without a session that leaves its handle as it was."""
    with lent(open_sessions, Call("SELECT 1", "q", database=database, settings=settings), name) as handle:
        handle.unchanged = True


def test_a_call_that_may_have_changed_something_has_its_own_handle(open_sessions: Sessions, engine: FakeEngine) -> None:
    """Without a session, a handle ends with a call that does not say that it changed nothing, or that fails."""
    for name in ("a", "b"):
        with lent(open_sessions, call(None), name):
            pass
    with pytest.raises(ZeroDivisionError), lent(open_sessions, call(None), "c"):
        _ = 1 / 0

    assert [(handle.open, handle.calls) for handle in engine.handles] == [(False, [name]) for name in ("a", "b", "c")]


def test_a_handle_serves_the_next_call_like_it(open_sessions: Sessions, engine: FakeEngine) -> None:
    """Calls that change nothing share a handle, set up once, when they have the same database and the same settings."""
    read(open_sessions, "a", max_threads="1")
    read(open_sessions, "b", max_threads="2")
    read(open_sessions, "c", "other", max_threads="1")
    read(open_sessions, "d", max_threads="1")

    assert [handle.calls for handle in engine.handles] == [["a", "d"], ["b"], ["c"]]
    assert [handle.settings["max_threads"] for handle in engine.handles] == ["1", "2", "1"]
    assert [handle.set_ups for handle in engine.handles] == [1, 1, 1]


def test_calls_beside_each_other_share_nothing(open_sessions: Sessions, engine: FakeEngine) -> None:
    """A handle is with one call at a time; afterwards both are there for later ones."""
    with lent(open_sessions, call(None), "a") as one, lent(open_sessions, call(None), "b") as other:
        assert one is not other
        one.unchanged = other.unchanged = True
    with lent(open_sessions, call(None), "c"), lent(open_sessions, call(None), "d"):
        pass

    assert sorted(len(handle.calls) for handle in engine.handles) == [2, 2]


def test_a_handle_that_served_once_proves_itself_again(open_sessions: Sessions, engine: FakeEngine) -> None:
    """A handle that left nothing behind ends with a later call that does not say so."""
    read(open_sessions, "a", readonly="2")
    with lent(open_sessions, Call("SELECT 1", "q", database="a", settings={"readonly": "2"}), "b"):
        pass

    assert [(handle.open, handle.calls) for handle in engine.handles] == [(False, ["a", "b"])]


def test_few_handles_are_kept(open_sessions: Sessions, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the one that was kept for longest ends; at the server's end all do."""
    monkeypatch.setattr(sessions, "MOST_SPARES", 2)
    for threads in ("1", "2", "3"):
        read(open_sessions, "a", max_threads=threads)
    kept = [handle.open for handle in engine.handles]

    open_sessions.close()

    assert kept == [False, True, True]
    assert not any(handle.open for handle in engine.handles)


def test_a_session_keeps_its_handle(open_sessions: Sessions, engine: FakeEngine) -> None:
    """Calls of one session share a handle, those of another have another."""
    for session, name in (("x", "a"), ("y", "b"), ("x", "c")):
        with lent(open_sessions, call(session), name):
            pass

    assert [(handle.open, handle.calls) for handle in engine.handles] == [(True, ["a", "c"]), (True, ["b"])]


def test_an_unused_session_ends(open_sessions: Sessions, engine: FakeEngine, clock: ManualClock) -> None:
    """A session ends after its last call's time-out, counted from that call's end; then it does not exist."""
    with lent(open_sessions, call("x", seconds=10), "a"):
        clock.advance(100)
    clock.advance(9)
    with lent(open_sessions, call("x", seconds=10, must_exist=True), "b"):
        pass
    clock.advance(11)

    with (
        pytest.raises(RequestRefused, match="Session x not found"),
        lent(open_sessions, call("x", must_exist=True), "c"),
    ):
        pass

    assert [handle.open for handle in engine.handles] == [False]


def test_a_failed_call_frees_its_session(open_sessions: Sessions) -> None:
    """A session whose call fails serves the next one."""
    with pytest.raises(ZeroDivisionError), lent(open_sessions, call("x"), "a"):
        _ = 1 / 0

    with lent(open_sessions, call("x", must_exist=True), "b") as handle:
        assert handle is not None


def test_sessions_have_a_limit(open_sessions: Sessions, monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    """Beyond the limit new sessions are refused for now, known ones go on, and ended ones make room."""
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 2)
    for session in ("x", "y"):
        with lent(open_sessions, call(session, seconds=10), "a"):
            pass

    with pytest.raises(RequestRefused) as refused, lent(open_sessions, call("z"), "b"):
        pass
    with lent(open_sessions, call("x", seconds=100), "c"):
        pass
    clock.advance(50)
    with lent(open_sessions, call("z"), "d"):
        pass

    assert refused.value.status == 503


def test_closing_ends_every_session(open_sessions: Sessions, engine: FakeEngine) -> None:
    """At the server's end no handle stays open."""
    with lent(open_sessions, call("x"), "a"):
        pass

    open_sessions.close()

    assert [handle.open for handle in engine.handles] == [False]
