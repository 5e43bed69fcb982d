"""Verifies at intervals, for as long as the pipeline runs, and disturbs it as little as can be."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Final

from cinepulse.errors import CinepulseError
from cinepulse.health import beat, mark_ready
from cinepulse.local.verified import PROBLEMS_KEPT, Verified
from cinepulse.logging import get_logger
from cinepulse.metrics import VERIFICATIONS, VERIFY_PROBLEMS, VERIFY_TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from cinepulse.clock import Clock
    from clickhouse.verify import Verification

log = get_logger(__name__)

TICK_SECONDS: Final = 1.0
# A pipeline that has just started has other work; and a short run wants its answer too.
FIRST_SECONDS: Final = 60.0
# A part that is away comes back within seconds: what could not look is tried again soon.
RETRY_SECONDS: Final = 60.0

# Checks that fail while a part is behind: that is what lag and health are for, and says nothing about what is stored.
PLACES_TOLD: Final = 3
PROGRESS: Final = frozenset({"ends", "count stage"})


@dataclass(frozen=True, slots=True)
class Verifying:
    """Runs a verification at intervals of `every` seconds.

    `run` verifies; `keep` takes each outcome.
    """

    run: Callable[[], Verification]
    keep: Callable[[Verified], None]
    clock: Clock
    every: float

    def until(self, stop: Event) -> None:
        """Verify until told to stop, which does not wait for a verification under way."""
        mark_ready()
        flight: Thread | None = None
        due = self.clock.monotonic() + min(self.every, FIRST_SECONDS)
        outcomes: list[Verified] = []
        while not stop.wait(TICK_SECONDS):
            beat()
            if flight is None and self.clock.monotonic() >= due:
                flight = Thread(target=lambda: outcomes.append(self.once()), name="verify", daemon=True)
                flight.start()
            elif flight is not None and not flight.is_alive():
                flight = None
                looked = bool(outcomes) and outcomes.pop().outcome != "unfinished"
                due = self.clock.monotonic() + (self.every if looked else min(self.every, RETRY_SECONDS))

    def once(self) -> Verified:
        """Verify, tell metrics and log, and return the outcome. Never raises: the next time may go better."""
        began = self.clock.monotonic()
        try:
            found = self.run()
        except CinepulseError as error:
            verified = self._unfinished(began, str(error))
        except Exception as error:
            log.exception("verify.crashed")
            verified = self._unfinished(began, f"{type(error).__name__}: see the log of this part")
        else:
            failed = {check.name: check for check in found.checks if not check.ok}
            behind = [problem for check in failed.values() for problem in check.problems]
            if failed and failed.keys() <= PROGRESS:
                verified = self._unfinished(began, f"the pipeline is behind: {'; '.join(behind[:PLACES_TOLD])}")
            else:
                verified = self._judged(began, found)
        VERIFICATIONS.labels(verified.outcome).inc()
        try:
            self.keep(verified)
        except OSError as error:
            log.warning("verify.not_kept", error=error.strerror)
        return verified

    def _judged(self, began: float, found: Verification) -> Verified:
        problems = [f"{check.name}: {problem}" for check in found.checks for problem in check.problems]
        failed = tuple(check.name for check in found.checks if not check.ok)
        verified = Verified(
            self.clock.now_ms(),
            "right" if found.ok else "wrong",
            round(self.clock.monotonic() - began, 2),
            # A check that fails and names no place is one difference all the same.
            max(len(problems), len(failed)),
            failed,
            tuple(problems[:PROBLEMS_KEPT]),
        )
        VERIFY_PROBLEMS.set(verified.differences)
        VERIFY_TIMESTAMP.set(verified.finished_at / 1_000)
        if found.ok:
            log.info("verify.right", seconds=verified.seconds)
        else:
            log.error("verify.wrong", failed=failed, differences=verified.differences, problems=verified.problems)
        return verified

    def _unfinished(self, began: float, error: str) -> Verified:
        log.warning("verify.unfinished", error=error)
        seconds = round(self.clock.monotonic() - began, 2)
        return Verified(self.clock.now_ms(), "unfinished", seconds, error=error)
