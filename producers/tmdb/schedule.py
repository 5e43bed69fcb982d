"""What is done when: jobs one after the other, each failure reported and tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cinepulse.errors import Retryable, SourceRefused
from cinepulse.logging import get_logger
from producers.backoff import backoff_seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from producers.tmdb.parts import Parts

log = get_logger(__name__)


@dataclass(slots=True)
class Job:
    """Work that is due `every` so many seconds; `due` is monotonic."""

    name: str
    every: float
    work: Callable[[], Awaitable[None]]
    due: float = 0.0
    failures: int = 0


@dataclass(slots=True)
class Loop:
    """Runs the jobs one after the other, the longest overdue first."""

    parts: Parts
    jobs: list[Job]

    async def turn(self) -> None:
        """Wait for the job that is due next and do it.

        Raises ConfigurationInvalid when the token is wrong.
        """
        job = min(self.jobs, key=lambda one: one.due)
        await self.parts.pause(max(0.0, job.due - self.parts.clock.monotonic()))
        started = self.parts.clock.monotonic()
        pause = await attempt(self.parts, job)
        job.due = started + job.every if pause is None else self.parts.clock.monotonic() + pause


async def attempt(parts: Parts, job: Job) -> float | None:
    """Do a job once; return None, or after a failure, which is reported, how many seconds to wait."""
    begun = parts.begin()
    try:
        await job.work()
    except (Retryable, SourceRefused) as error:
        job.failures += 1
        pause = backoff_seconds(job.failures, parts.random, getattr(error, "retry_after", None))
        log.warning(
            "tmdb.poll_failed", listing=job.name, error=str(error), failures=job.failures, pause=round(pause, 1)
        )
        # What the failed job had queued goes out first, and makes room for the report.
        await parts.confirm()
        await parts.report(job.name, begun, error=error)
        return pause
    job.failures = 0
    return None
