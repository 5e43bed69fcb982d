"""Verification at intervals: when it looks, what it keeps, and that nothing ends it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
import pytest

from cinepulse.clock import ManualClock
from cinepulse.commands.options import Duration
from cinepulse.commands.verifying import FIRST_SECONDS, RETRY_SECONDS, Verifying
from cinepulse.errors import BrokerUnavailable
from cinepulse.local.verified import PROBLEMS_KEPT, Verified, read_verified, write_verified
from cinepulse.metrics import HEARTBEAT, READY, VERIFICATIONS, VERIFY_PROBLEMS
from clickhouse.check import Check
from clickhouse.verify import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RIGHT = Check("offsets", ok=True, detail="fine")
WRONG = Check("counts", ok=False, detail="", problems=tuple(f"film {number}" for number in range(30)))
BEHIND = Check("ends", ok=False, detail="", problems=("movie.mentions-0: stored up to 3 of 5",))


@pytest.fixture(autouse=True)
def asleep() -> Iterator[None]:
    """Leave the gauges as they were."""
    yield
    for gauge in (READY, HEARTBEAT, VERIFY_PROBLEMS):
        gauge.set(0)


def outcome(*checks: Check) -> Verification:
    """Return what a verification with these checks finds."""
    return Verification(all(check.ok for check in checks), checks, (), ())


@dataclass
class Part:
    """A verifying part on a clock of its own; `turns` seconds pass, and each verification ends within its second."""

    finds: Callable[[], Verification]
    kept: list[Verified] = field(default_factory=list)
    began: list[float] = field(default_factory=list)
    clock: ManualClock = field(default_factory=lambda: ManualClock(wall_ms=1_000))

    def once(self) -> Verified:
        """Verify once."""
        return self._verifying(3600.0).once()

    def run(self, *, every: float, turns: int) -> list[float]:
        """Let so many seconds pass and return when verifications began."""
        part = self

        class Stop(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                part.clock.advance(timeout or 0)
                for thread in threading.enumerate():
                    if thread.name == "verify":
                        thread.join()
                return part.clock.elapsed > turns

        self._verifying(every).until(Stop())
        return self.began

    def _verifying(self, every: float) -> Verifying:
        def run() -> Verification:
            self.began.append(self.clock.monotonic())
            return self.finds()

        return Verifying(run, self.kept.append, self.clock, every)


def fail(error: Exception) -> Callable[[], Any]:
    """Return what raises the error."""

    def raises() -> Any:
        raise error

    return raises


def test_agreement_is_kept_and_told() -> None:
    """What is right says when and how long; the metric is 0."""
    VERIFY_PROBLEMS.set(7)

    part = Part(lambda: outcome(RIGHT))

    assert part.once() == Verified(1_000, "right", 0.0)
    assert part.kept == [Verified(1_000, "right", 0.0)]
    assert VERIFY_PROBLEMS._value.get() == 0


def test_disagreement_flips_the_metric_and_names_its_first_places() -> None:
    """All differences are counted, the first are shown, and the checks that failed are named."""
    before = VERIFICATIONS.labels("wrong")._value.get()

    found = Part(lambda: outcome(RIGHT, WRONG, BEHIND)).once()

    assert (found.outcome, found.differences, found.failed) == ("wrong", 31, ("counts", "ends"))
    assert found.problems[0] == "counts: film 0"
    assert len(found.problems) == PROBLEMS_KEPT
    assert VERIFY_PROBLEMS._value.get() == 31
    assert VERIFICATIONS.labels("wrong")._value.get() == before + 1


@pytest.mark.parametrize(
    ("finds", "told"),
    [
        (fail(BrokerUnavailable("Kafka does not answer")), "Kafka does not answer"),
        (fail(ZeroDivisionError("secret")), "ZeroDivisionError: see the log of this part"),
        (lambda: outcome(RIGHT, BEHIND), "the pipeline is behind: movie.mentions-0: stored up to 3 of 5"),
    ],
    ids=["away", "crash", "behind"],
)
def test_what_could_not_look_is_no_verdict(finds: Callable[[], Verification], told: str) -> None:
    """A part that is away or behind leaves the last verdict of the metric as it was."""
    VERIFY_PROBLEMS.set(4)

    found = Part(finds).once()

    assert (found.outcome, found.error) == ("unfinished", told)
    assert VERIFY_PROBLEMS._value.get() == 4


def test_it_looks_soon_after_the_start_and_then_at_the_interval() -> None:
    """The first look does not wait for an hour, the others come an interval after the one before has ended."""
    first, second, third = Part(lambda: outcome(RIGHT)).run(every=3600, turns=7400)

    assert first == FIRST_SECONDS
    assert second - first == pytest.approx(3600, abs=2)
    assert third - second == pytest.approx(3600, abs=2)


def test_what_could_not_look_looks_again_soon() -> None:
    """A broker that restarts costs a minute and not an hour."""
    first, second, *_ = Part(fail(BrokerUnavailable("away"))).run(every=3600, turns=150)

    assert second - first == pytest.approx(RETRY_SECONDS, abs=2)


def test_a_disk_that_is_full_does_not_end_it() -> None:
    """The outcome is in log and metrics, though it cannot be kept."""
    assert Verifying(lambda: outcome(RIGHT), refuse, ManualClock(), 60.0).once().outcome == "right"


def refuse(_verified: Verified) -> None:
    """Refuse to keep it."""
    raise OSError(28, "No space left on device")


def test_the_last_outcome_is_read_back(tmp_path: Path) -> None:
    """Whole, private to its owner; nothing and nonsense read as none."""
    assert read_verified(tmp_path) is None
    kept = Verified(5, "wrong", 1.5, 2, ("counts",), ("film 3",))

    write_verified(tmp_path, kept)

    (file,) = (tmp_path / "run").iterdir()
    assert read_verified(tmp_path) == kept
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text('{"outcome": "great"}')
    assert read_verified(tmp_path) is None


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600), ("7d", 604800)])
def test_an_interval_has_a_unit(text: str, seconds: float) -> None:
    """A number is seconds."""
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "0h", "-1h", "1w", "h", "1 h", "inf", "nan", "1e9999"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """The line says how to write one."""
    with pytest.raises(click.BadParameter, match="write 90s, 15m, 1h or 7d"):
        Duration().convert(text, None, None)
