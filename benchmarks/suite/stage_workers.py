"""Scale-out of the count stage: one, two and four workers share eight partitions by consumer group.

All run on the machine of the run, beside the broker. What they and the broker take of its cores tells what saturates:
`cores` is the processor time of workers and broker by the time that the run took.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.suite.count_worker import run_count
from benchmarks.suite.mentions import workload
from benchmarks.suite.model import RECORDS_A_SECOND, Contender, Measured, Stage

if TYPE_CHECKING:
    from benchmarks.suite.mentions import Counts, MentionsTopic

PARTITIONS: Final = 8
# Enough that the first worker's start before the others is of no account.
RECORDS: Final = 1_000_000
# Longer than workers that start together take until the last has asked to join.
JOIN_MS: Final = 6_000


def run_workers(given: MentionsTopic, workers: int) -> Measured:
    """Let so many workers count everything."""
    measured = run_count(given, workers)
    spent = measured.extra["cpu_seconds"] + measured.extra["broker_cpu_seconds"]
    return replace(measured, extra={**measured.extra, "cores": spent / measured.seconds})


def distinct(given: MentionsTopic) -> Counts:
    """Return the exact counts with each mention once."""
    return dict(given.distinct)


STAGE: Final = Stage(
    name="workers",
    about="the count stage with one, two and four workers on eight partitions",
    unit=RECORDS_A_SECOND,
    workloads=(
        workload(
            "films",
            "Zipf 1.0 over 20,000 films, in event-time order over 30 days",
            partitions=PARTITIONS,
            records=RECORDS,
            join_ms=JOIN_MS,
        ),
    ),
    contenders=tuple(
        Contender(
            f"{workers} worker{'s' * (workers > 1)}",
            partial(run_workers, workers=workers),
            peer=False,
            about=f"{workers} of `cinepulse process count`",
        )
        for workers in (1, 2, 4)
    ),
    reference=distinct,
)
