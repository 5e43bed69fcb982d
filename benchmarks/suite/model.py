"""What a benchmark is made of: stages, their workloads, the contenders, and what one run of one of them measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.suite.bench import Bench

RECORDS_A_SECOND: Final = "records/s"


class ContenderFailed(Exception):
    """A contender did not come to its end; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a contender.

    Args:
        records: what it processed.
        seconds: how long that took, start-up excluded: from the first record taken to the last output delivered.
        result: what it made of them, compared with the reference; None where nothing is to be compared.
        extra: further figures by name, unit last: `cpu_seconds`, `memory_mb`, `p99_ms`.
    """

    records: int
    seconds: float
    result: object | None = None
    extra: Mapping[str, float] = field(default_factory=dict)


def rate(measured: Measured) -> float:
    """Return records a second."""
    return measured.records / measured.seconds


@dataclass(frozen=True, slots=True)
class Workload:
    """What all contenders of a stage are given.

    Args:
        name: short, without spaces.
        about: one sentence.
        prepare: makes it once for all contenders and rounds; yields what `Contender.run` takes.
    """

    name: str
    about: str
    prepare: Callable[[Bench], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Contender:
    """The pipeline's own stage, or a peer.

    Args:
        name: as the table has it.
        run: runs once from the start on what the workload prepared; may raise ContenderFailed.
        peer: False for the pipeline's own. The ratios are those of the first that is no peer to each peer.
        about: how it is set up, and by which definition it counts.
        expects: the exact result by its own definition, where that is not the stage's reference.
        bar: least ratio of the pipeline's own median to this one's, None where nothing is asked for.
        limits: most that the median of a figure of `Measured.extra` may be, by its name.
        workloads: names of the workloads it runs on, all when empty.
        missing: returns why it cannot run here, None when it can.
        versions: returns what it is made of, by name.
    """

    name: str
    run: Callable[[Any], Measured]
    peer: bool
    about: str = ""
    expects: Callable[[Any], object] | None = None
    bar: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    workloads: Sequence[str] = ()
    missing: Callable[[], str | None] = lambda: None
    versions: Callable[[], Mapping[str, str]] = dict


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the pipeline and its peers.

    Args:
        name: as `--only` takes it.
        about: one sentence.
        unit: of `figure`.
        workloads: each is run by itself.
        contenders: the pipeline's own first.
        reference: returns the exact result for what a workload prepared, compared by `==` with each run's; None where
            there is nothing to compare.
        figure: what is compared between contenders, `rate` when left out.
        better: whether more or less of `figure` is better; the ratios are above 1 where the pipeline's own is better.
    """

    name: str
    about: str
    unit: str
    workloads: Sequence[Workload]
    contenders: Sequence[Contender]
    reference: Callable[[Any], object] | None
    figure: Callable[[Measured], float] = rate
    better: Literal["more", "less"] = "more"
