"""What a world must remember to go on after it was killed: which run it was, and its time line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from cinepulse.world.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "run.json"
# The time line is promised this far ahead, so that what was served just before a kill keeps its time afterwards.
LEASE_MS: Final = 2_000
# A longer run would take too long to tell again.
LONGEST_RUN_SECONDS: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a world in a data directory.

    `source`: what decides its content; a world of another source is another run. `number`: counts the runs of the
    directory, so that their ids differ. `served`: posts served so far. `leased_ms`: wall time up to which the time
    line is fixed.
    """

    source: str
    number: int
    began_ms: int
    started_ms: int | None = None
    frozen_ms: int | None = None
    pauses: tuple[tuple[float, float], ...] = ()
    leased_ms: int = 0
    served: int = 0

    def timeline(self) -> Timeline:
        """Return the time line of the run."""
        return Timeline(self.began_ms, self.started_ms, self.frozen_ms, [(at, down) for at, down in self.pauses])


class Journal:
    """The file below the data directory that holds the current run."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._run: Run | None = None

    def resume(self, source: str, now_ms: int) -> Run:
        """Return the run to go on with, its time line stopped while it was down; a new one where none fits."""
        last = self._read()
        if last is None or last.source != source or not _short_enough(last):
            self._run = Run(source, 0 if last is None else last.number + 1, began_ms=now_ms)
        elif last.started_ms is None or last.frozen_ms is not None or now_ms <= last.leased_ms:
            self._run = last
        else:
            pause = (last.timeline().position(last.leased_ms), float(now_ms - last.leased_ms))
            self._run = replace(last, pauses=(*last.pauses, pause))
        return self._run

    def hold(self, timeline: Timeline, now_ms: int) -> None:
        """Let a time line go no further until it is written: nothing is served that the disk does not know of."""
        timeline.leased_ms = now_ms

    def write(self, timeline: Timeline, served: int, now_ms: int) -> None:
        """Keep the time line as it is, durable against the process being killed, and let it go on for the lease."""
        if self._run is None:
            raise RuntimeError("resume comes before write")
        self._run = replace(
            self._run,
            started_ms=timeline.started_ms,
            frozen_ms=timeline.frozen_ms,
            pauses=tuple(timeline.pauses),
            leased_ms=now_ms + LEASE_MS,
            served=served,
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self._run)), "utf-8")
        fresh.replace(self._path)
        timeline.leased_ms = self._run.leased_ms

    def _read(self) -> Run | None:
        try:
            return Run(**json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            # No run yet, or a file of another version: a new run begins.
            return None


def _short_enough(run: Run) -> bool:
    return run.timeline().position(run.leased_ms) < LONGEST_RUN_SECONDS
