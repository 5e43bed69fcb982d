"""The embedded stack: starts parts in the order of their dependencies, keeps them working and stops them in reverse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Final

from cinepulse.clock import SystemClock
from cinepulse.errors import StackUnavailable
from cinepulse.local.parts import child_environment, probe_of
from cinepulse.local.processes import ProcessRef, end_processes, families, kill_processes, wait_gone
from cinepulse.local.state import LOGS_DIR, PartRecord, StackRecord, write_record
from cinepulse.local.supervisord import ProcessInfo, Supervisord
from cinepulse.local.watch import Action, Sighting, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from cinepulse.clock import Clock
    from cinepulse.local.parts import Stage
    from cinepulse.local.probes import Probe

START_POLL_SECONDS: Final = 0.1
POLL_SECONDS: Final = 1.0
# A supervisord that does not answer this many times in a row counts as dead.
MISSES: Final = 3

# All parts end within this, the slow by force: a person who presses Ctrl-C waits ten seconds at most, and supervisord
# and the clearing up need the rest. No stage may use up what the stages after it need.
STOP_SECONDS: Final = 7.0
STAGE_RESERVE_SECONDS: Final = 1.0
LEAST_STOP_SECONDS: Final = 0.5
ORPHAN_GRACE_SECONDS: Final = 3.0

LONGEST_LOG_LINE: Final = 300


@dataclass(frozen=True, slots=True)
class StackEvent:
    """Something to tell the person who watches: `subject` is a part or a step between parts; `seconds` it took."""

    subject: str
    what: str
    seconds: float | None = None


class Stack:
    """The parts of one data directory, as a context manager: entered with none running, left with none running.

    `start` brings the parts up; then call `supervise_once` about every second, or `supervise_in_background`.
    `notify` is called with each StackEvent, from the thread that starts or supervises.
    """

    def __init__(
        self,
        home: Path,
        stages: Sequence[Stage],
        *,
        notify: Callable[[StackEvent], None] = lambda _event: None,
        clock: Clock | None = None,
    ) -> None:
        self._home = home
        self._stages = tuple(stages)
        self._listener = notify
        self._clock = clock or SystemClock()
        self._parts = {part.name: part for stage in self._stages for part in stage.parts}
        self._probes: dict[str, Probe] = {name: probe_of(part.probe_address()) for name, part in self._parts.items()}
        self._watches: dict[str, Watch] = {}
        self._refs: dict[str, ProcessRef] = {}
        self._records: tuple[PartRecord, ...] = ()
        self._written: StackRecord | None = None
        self._supervisord = Supervisord(home, self._parts.values(), child_environment(home))
        self._held: set[str] = set()
        self._misses = 0
        self._cancelled = Event()
        self._lock = RLock()
        self._thread: Thread | None = None
        self._pool = ThreadPoolExecutor(max(1, len(self._parts)), thread_name_prefix="probe")

    def __enter__(self) -> Self:
        """Start supervisord; no part runs yet."""
        try:
            self._supervisord.start()
            self._write_record()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()

    def start(self) -> None:
        """Bring up every stage in order and return when all parts answer.

        Raises StackUnavailable when a part does not come up, with what it last said; KeyboardInterrupt when `cancel`
        was called.
        """
        for stage in self._stages:
            self._bring_up(stage)
            if stage.then:
                began = self._clock.monotonic()
                self._notify(StackEvent(stage.doing, "starting"))
                stage.then()
                self._notify(StackEvent(stage.doing, "done", self._clock.monotonic() - began))

    @property
    def cancelled(self) -> bool:
        """Return whether somebody asked the stack to end."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Make `start` and `supervise` end soon; callable from a signal handler."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long or until `cancel` is called, and return whether it was."""
        return self._cancelled.wait(seconds)

    def supervise(self) -> None:
        """Keep the parts working until `cancel` is called."""
        trouble = ""
        while not self.wait(POLL_SECONDS):
            said, trouble = trouble, ""
            try:
                self.supervise_once()
            except KeyboardInterrupt:
                # Which is how starting parts anew ends when `cancel` is called meanwhile.
                continue
            except (OSError, StackUnavailable) as error:
                # A full disk must not end what keeps the parts working: it is told once, and tried again.
                trouble = str(error)
                if trouble != said:
                    self._notify(StackEvent("up", trouble))

    def supervise_in_background(self) -> None:
        """Keep the parts working from a thread, until `stop`."""
        self._thread = Thread(target=self.supervise, name="supervise", daemon=True)
        self._thread.start()

    def supervise_once(self) -> None:
        """Look at every part, restart what is stuck or gone, and supervisord too if it is."""
        with self._lock:
            if not self._look():
                self._revive()

    def snapshot(self) -> tuple[PartRecord, ...]:
        """Return the parts as last seen, in the order of their start."""
        return self._records

    def stop(self) -> None:
        """Stop every part, last started first, then supervisord; what does not end in time is killed."""
        self._cancelled.set()
        if self._thread and self._thread.is_alive():
            self._thread.join()
        with self._lock:
            if self._supervisord.processes() is None:
                # Nobody is there to pass on the request to stop: the parts get it from here.
                end_processes(self._everything(), grace=ORPHAN_GRACE_SECONDS)
            deadline = self._clock.monotonic() + STOP_SECONDS
            for left, stage in reversed(list(enumerate(self._stages))):
                self._take_down(stage, deadline - left * STAGE_RESERVE_SECONDS)
            self._supervisord.stop()
            self._pool.shutdown(cancel_futures=True)

    def _notify(self, event: StackEvent) -> None:
        # A closed terminal or pipe must not keep parts from being restarted or stopped.
        with suppress(OSError):
            self._listener(event)

    def _bring_up(self, stage: Stage) -> None:
        began = self._clock.monotonic()
        for part in stage.parts:
            self._held.discard(part.name)
            self._watches[part.name] = Watch(part, began)
            self._supervisord.start_part(part.name)
            self._notify(StackEvent(part.name, "starting"))
        waiting = {part.name for part in stage.parts}
        while waiting:
            if not self._look():
                raise StackUnavailable(f"supervisord ended: see {self._home / LOGS_DIR}")
            for name in sorted(waiting):
                if self._watches[name].ready:
                    waiting.remove(name)
                    self._notify(StackEvent(name, "ready", self._clock.monotonic() - began))
                elif self._watches[name].hopeless:
                    raise StackUnavailable(f"{name} does not start: {self._last_words(name)}")
                elif self._clock.monotonic() - began > self._parts[name].start_seconds:
                    raise StackUnavailable(f"{name} does not answer: {self._last_words(name)}")
            if waiting and self.wait(START_POLL_SECONDS):
                raise KeyboardInterrupt

    def _look(self) -> bool:
        """Take in how every part is and act on it; return False when supervisord is gone."""
        found = self._supervisord.processes()
        if found is None:
            self._misses += 1
            return self._supervisord.alive() and self._misses < MISSES
        self._misses = 0
        watches = list(self._watches.values())
        for watch, seen in zip(watches, self._pool.map(lambda each: self._sight(each, found), watches), strict=True):
            before = watch.health, watch.restarts
            action = watch.see(seen)
            self._follow(watch)
            if before != (watch.health, watch.restarts) and (watch.restarts or before[0] != "starting"):
                self._notify(StackEvent(watch.part.name, watch.health))
            self._act(watch.part.name, action)
        self._write_record()
        return True

    def _sight(self, watch: Watch, found: dict[str, ProcessInfo]) -> Sighting:
        info, now = found[watch.part.name], self._clock.monotonic()
        # While one part starts the others are not asked ten times a second.
        recently = watch.ready and watch.pid == info.pid and now - watch.answered_at < POLL_SECONDS / 2
        answers = recently or (bool(info.pid) and self._probes[watch.part.name]())
        return Sighting(
            watch.answered_at if recently else self._clock.monotonic(), info.pid, info.idle, info.failed, answers
        )

    def _follow(self, watch: Watch) -> None:
        """Remember the process behind the part's pid, for as long as it has one."""
        name, known = watch.part.name, self._refs.get(watch.part.name)
        if not watch.pid:
            self._refs.pop(name, None)
        elif known is None or known.pid != watch.pid:
            found = ProcessRef.of(watch.pid)
            if found:
                self._refs[name] = found

    def _act(self, name: str, action: Action) -> None:
        if action is Action.START and name not in self._held:
            self._supervisord.start_part(name)
        elif action is Action.TERMINATE:
            self._notify(StackEvent(name, "stuck: restarting"))
            self._supervisord.signal_part(name, "TERM")
        elif action is Action.KILL:
            self._supervisord.signal_part(name, "KILL")

    def _revive(self) -> None:
        """Start supervisord anew after ending what the dead one left, then the parts in their order."""
        self._notify(StackEvent("supervisord", "gone: restarting"))
        self._supervisord.stop()
        end_processes(self._everything(), grace=ORPHAN_GRACE_SECONDS)
        self._refs.clear()
        restarts = {name: watch.restarts for name, watch in self._watches.items()}
        wanted = [stage for stage in self._stages if all(part.name in self._watches for part in stage.parts)]
        # Parts of later stages wait for their turn.
        self._held = set(self._watches)
        try:
            self._supervisord.start()
            for stage in wanted:
                self._bring_up(stage)
        except StackUnavailable as error:
            # Watched on: what is not up yet is started at the next look.
            self._notify(StackEvent("supervisord", str(error)))
        self._held.clear()
        for name, count in restarts.items():
            self._watches[name].restarts = count + 1

    def _everything(self) -> list[ProcessRef]:
        """Return supervisord and then the parts, last started first."""
        parts = reversed(list(self._refs.values()))
        return [self._supervisord.ref, *parts] if self._supervisord.ref else list(parts)

    def _take_down(self, stage: Stage, deadline: float) -> None:
        started = [part for part in stage.parts if part.name in self._watches]
        family = families(self._refs[part.name] for part in started if part.name in self._refs)
        for part in reversed(started):
            self._supervisord.stop_part(part.name)
        slow = wait_gone(family, max(LEAST_STOP_SECONDS, deadline - self._clock.monotonic()))
        for part in started:
            late = (
                any(self._refs[part.name].pid == process.pid for process in slow) if part.name in self._refs else False
            )
            self._notify(StackEvent(part.name, "killed: it did not stop in time" if late else "stopped"))
        kill_processes(slow)

    def _last_words(self, name: str) -> str:
        path = self._home / LOGS_DIR / f"{name}.log"
        try:
            lines = path.read_text("utf-8", errors="replace").strip().splitlines()
        except FileNotFoundError:
            lines = []
        return f"{lines[-1][:LONGEST_LOG_LINE]} (in {path})" if lines else f"it said nothing (in {path})"

    def _write_record(self) -> None:
        self._records = tuple(self._record(watch) for watch in self._watches.values())
        record = StackRecord(ProcessRef.own(), self._supervisord.ref, str(self._supervisord.socket), self._records)
        if record == self._written:
            return
        try:
            write_record(self._home, record)
        except OSError as error:
            raise StackUnavailable(f"cannot write {self._home}: {error.strerror}") from error
        self._written = record

    def _record(self, watch: Watch) -> PartRecord:
        part, ref = watch.part, self._refs.get(watch.part.name)
        return PartRecord(
            name=part.name,
            port=part.port,
            probe=part.probe_address(),
            log=str(self._home / LOGS_DIR / f"{part.name}.log"),
            health=watch.health,
            restarts=watch.restarts,
            process=ref,
            started_at=ref.born if ref else None,
        )
