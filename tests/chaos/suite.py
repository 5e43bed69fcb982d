"""Runs faults over seeds on real stacks and reckons after each."""

from __future__ import annotations

import random
import shutil
import statistics
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.chaos import disks
from tests.chaos.faults import Chance
from tests.chaos.rig import ChaosFailed, Rig
from tests.chaos.silence import kept
from tests.chaos.truth import Truth, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.chaos.faults import Fault

RATE: Final = 15.0
RECOVERY_SECONDS: Final = 15.0
STARTS: Final = 3


@dataclass
class Row:
    """What one fault did over all its seeds.

    `recoveries`: seconds until counting again, one a blow. `alone`: whether its stack had the machine to itself, so
    that the seconds are the pipeline's own.
    """

    fault: str
    about: str
    seeds: int = 0
    kills: int = 0
    posts: int = 0
    lost: int = 0
    double: int = 0
    recoveries: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: str = ""
    alone: bool = True

    @property
    def slowest(self) -> float:
        """Return the longest recovery, 0 where there was none."""
        return max(self.recoveries, default=0.0)

    @property
    def ok(self) -> bool:
        """Return whether nothing was lost or double and, alone on its machine, it counted again in time, each time."""
        late = self.alone and self.slowest > RECOVERY_SECONDS
        return not (self.lost or self.double or self.failures or late)

    def add(self, other: Row) -> None:
        """Take in what another run of the fault did."""
        for name in ("seeds", "kills", "posts", "lost", "double"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.recoveries += other.recoveries
        self.failures += other.failures
        self.alone = self.alone and other.alone

    def as_dict(self) -> dict[str, Any]:
        """Return the row for the report."""
        shown = {"counting_again_max": self.slowest, "ok": self.ok}
        return (
            asdict(self)
            | shown
            | {"counting_again_median": statistics.median(self.recoveries) if self.recoveries else None}
        )


def _noted_nowhere(_seed: int, _row: Row) -> None:
    """Stand for a journal where none is kept."""


@dataclass
class Suite:
    """Runs faults.

    Args:
        directory: where the stacks' data directories are; those of failed runs stay.
        tell: called with each line to show.
        long: give each fault its full length.
        alone: whether its stack has the machine to itself.
        done: what need not be run, by fault and seed.
        note: called with the seed and what each fault has done with it.
    """

    directory: Path
    tell: Callable[[str], None]
    long: bool
    alone: bool = True
    done: Mapping[tuple[str, int], Row] = field(default_factory=dict)
    note: Callable[[int, Row], None] = _noted_nowhere
    rows: dict[str, Row] = field(default_factory=dict)

    def run(self, faults: Sequence[Fault], seeds: Iterable[int]) -> list[Row]:
        """Run every fault with every seed and return one row a fault."""
        self.rows = {fault.name: Row(fault.name, fault.about, skipped=fault.reason()) for fault in faults}
        able = [fault for fault in faults if not self.rows[fault.name].skipped]
        for seed in seeds:
            for fault in able:
                if (fault.name, seed) in self.done:
                    self.rows[fault.name].add(self.done[fault.name, seed])
            for stack in ("plain", "hittable"):
                due = [fault for fault in able if fault.stack == stack and self._is_due(fault, seed)]
                if due:
                    self._run_seed(stack, due, seed)
        return list(self.rows.values())

    def _is_due(self, fault: Fault, seed: int) -> bool:
        return (seed - 1) % fault.every == 0 and (fault.name, seed) not in self.done

    def _run_seed(self, stack: str, faults: Sequence[Fault], seed: int) -> None:
        """Run faults one after the other; a stack on which one has failed is replaced for the next."""
        left = list(faults)
        while left:
            with self._stack(stack, seed, left) as rig:
                if not self._start(rig, left[0]):
                    left.pop(0)
                    continue
                truth = Truth(rig)
                while left and self._run_fault(rig, truth, left.pop(0)):
                    pass

    @contextmanager
    def _stack(self, stack: str, seed: int, faults: Sequence[Fault]) -> Iterator[Rig]:
        """Yield a stack that does not run yet; stop it, and remove it unless something failed on it."""
        home = self.directory / f"{stack}-{seed}-{faults[0].name}"
        own_disk = any(fault.name == "disk-full" for fault in faults)
        if own_disk:
            disks.mount(home)
        rig = Rig(home, seed, None if stack == "plain" else RATE)
        before = self._failures()
        try:
            yield rig
        finally:
            rig.stop()
            failed = self._failures() > before
            if own_disk:
                if failed:
                    shutil.copytree(home / "logs", home.with_name(f"{home.name}.logs"), dirs_exist_ok=True)
                disks.unmount(home)
            if not failed:
                shutil.rmtree(home, ignore_errors=True)
                rig.log.unlink(missing_ok=True)

    def _start(self, rig: Rig, fault: Fault) -> bool:
        """Start a stack, again where another one on this machine was faster to take a port."""
        for _ in range(STARTS):
            try:
                rig.start()
            except ChaosFailed as error:
                said = f"seed {rig.seed}: {error}"
                self.tell(f"{fault.name} {said}")
                rig.stop()
            else:
                return True
        self.rows[fault.name].failures.append(said)
        return False

    def _run_fault(self, rig: Rig, truth: Truth, fault: Fault) -> bool:
        """Run one fault and return whether the stack is fit for the next."""
        row = Row(fault.name, fault.about, seeds=1, alone=self.alone)
        rng = random.Random(f"{fault.name} {rig.seed}")  # noqa: S311 - reproducible faults
        rig.kills = 0
        began = time.monotonic()
        try:
            before = rig.world("POST", "start").get("posts_served", 0)
            with kept(rig):
                recoveries = fault.strike(rig, Chance(rng, long=self.long))
            row.recoveries = [round(seconds, 1) for seconds in recoveries]
            posts, outcome = truth.reckon()
            row.posts, row.lost, row.double = posts - before, outcome.lost, outcome.double_counted
            verify(rig)
            wrong = truth.wrong
        except ChaosFailed as error:
            wrong = f"FAILED: {error}"
        if wrong:
            row.failures.append(f"seed {rig.seed}: {wrong}")
        row.kills = rig.kills
        self.rows[fault.name].add(row)
        self.note(rig.seed, row)
        self.tell(
            f"{fault.name} seed {rig.seed}: {row.lost} lost, {row.double} double, counting again in "
            f"{row.slowest:.1f} s; took {time.monotonic() - began:.0f} s {wrong}"
        )
        return not wrong

    def _failures(self) -> int:
        return sum(len(row.failures) for row in self.rows.values())
