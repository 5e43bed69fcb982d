"""Runs a stage: every contender once a round, in an order that turns, each result compared with the exact one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.suite.model import ContenderFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.model import Contender, Measured, Stage, Workload

LEAST_ROUNDS: Final = 3


@dataclass(slots=True)
class Row:
    """One contender on one workload: a figure a round, and what kept it from more of them.

    `wrong`: how its result differs from the exact one; `failed`: why it did not come to its end; `skipped`: why it
    cannot run here.
    """

    contender: Contender
    figures: list[float] = field(default_factory=list)
    runs: list[Measured] = field(default_factory=list)
    wrong: str = ""
    failed: str = ""
    skipped: str = ""

    @property
    def sound(self) -> bool:
        """Return whether its figures may be compared: it ran, and every result was right."""
        return bool(self.figures) and not (self.wrong or self.failed)

    @property
    def median(self) -> float:
        """The median of its rounds."""
        return median(self.figures)

    def extra(self) -> dict[str, float]:
        """Return the median of each further figure."""
        names = dict.fromkeys(name for run in self.runs for name in run.extra)
        return {name: median(run.extra[name] for run in self.runs if name in run.extra) for name in names}

    def over_limit(self) -> dict[str, float]:
        """Return the further figures that are above their limit."""
        extra = self.extra()
        return {name: extra[name] for name, most in self.contender.limits.items() if extra.get(name, 0.0) > most}


@dataclass(slots=True)
class Heat:
    """All contenders of a stage on one workload."""

    stage: Stage
    workload: Workload
    rows: list[Row]

    @property
    def own(self) -> Row | None:
        """The first of the pipeline's own rows that can be compared."""
        return next((row for row in self.rows if not row.contender.peer and row.sound), None)

    def ratio(self, row: Row) -> float | None:
        """Return how many times better the pipeline's own median is than this row's; None where there is none."""
        own = self.own
        if own is None or own is row or not row.sound:
            return None
        return own.median / row.median if self.stage.better == "more" else row.median / own.median

    @property
    def right(self) -> bool:
        """Return whether nobody gave a wrong answer or failed."""
        return not any(row.wrong or row.failed for row in self.rows)


def run_workload(  # noqa: PLR0913, PLR0917 - a run's parts
    stage: Stage,
    workload: Workload,
    bench: Bench,
    rounds: int,
    progress: Callable[[str], None] = lambda _: None,
    named: Sequence[str] = ("",),
) -> Heat:
    """Run a stage's contenders on one workload, `rounds` times each.

    `progress` is told what runs now, before each run. `named`: only contenders whose name has one of these parts.
    """
    rows = [
        Row(one)
        for one in stage.contenders
        if (not one.workloads or workload.name in one.workloads) and any(part in one.name for part in named)
    ]
    for row in rows:
        row.skipped = row.contender.missing() or ""
    running = [row for row in rows if not row.skipped]
    progress(f"{stage.name}, {workload.name}: preparing")
    with workload.prepare(bench) as given:
        exact = _Exact(stage, given)
        for number in range(rounds):
            for row in turned(running, number):
                if not row.failed:
                    progress(f"{stage.name}, {workload.name}, round {number + 1}: {row.contender.name}")
                    _run(row, stage, given, exact)
    return Heat(stage, workload, rows)


def turned(rows: Sequence[Row], number: int) -> Iterator[Row]:
    """Yield the rows of round `number`: each round begins one further, so that nobody always follows the same one."""
    first = number % len(rows) if rows else 0
    yield from rows[first:]
    yield from rows[:first]


class _Exact:
    """The exact results, each worked out once."""

    def __init__(self, stage: Stage, given: Any) -> None:
        self._stage = stage
        self._given = given
        self._known: dict[Any, object] = {}

    def of(self, contender: Contender) -> object | None:
        how = contender.expects or self._stage.reference
        if how is None:
            return None
        if how not in self._known:
            self._known[how] = how(self._given)
        return self._known[how]


def _run(row: Row, stage: Stage, given: Any, exact: _Exact) -> None:
    try:
        measured = row.contender.run(given)
    except ContenderFailed as error:
        row.failed = str(error)
        return
    row.runs.append(measured)
    row.figures.append(stage.figure(measured))
    expected = exact.of(row.contender)
    if expected is not None and measured.result != expected:
        row.wrong = row.wrong or difference(expected, measured.result)


def difference(expected: object, result: object) -> str:
    """Return one line about how a result differs from the expected one."""
    if not (isinstance(expected, Mapping) and isinstance(result, Mapping)):
        return f"{result!r:.60} instead of {expected!r:.60}"
    keys = [key for key in expected.keys() | result.keys() if expected.get(key) != result.get(key)]
    first = min(keys, key=repr)
    return (
        f"{len(keys):,} of {len(expected):,} differ: {first!r} is {result.get(first)!r} instead of "
        f"{expected.get(first)!r}"
    )
