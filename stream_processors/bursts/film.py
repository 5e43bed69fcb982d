"""What is kept of one film: the mentions of its open hours, its baseline, and where its burst stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stream_processors.bursts.baseline import Baseline
from stream_processors.bursts.rules import OPEN_HOURS

if TYPE_CHECKING:
    from stream_processors.bursts.rules import BurstRule
    from stream_processors.bursts.volume import Volume

UNKNOWN_AUTHOR: Final = -1
# An hour with so many is a burst whatever comes; it bounds what is kept of a film, 8 bytes a mention in the changelog.
MOST_AN_HOUR: Final = 1_024
NEVER: Final = -1
NO_BASELINE: Final = Baseline()
# After so long without a mention nothing is known of a film: it begins anew.
FORGOTTEN_HOURS: Final = 60 * 24


@dataclass(slots=True)
class Film:
    """One film. Hours count from 1970-01-01 UTC, instants are milliseconds.

    `through`: last hour that is in `baseline`; `hours`: open hour to packed post to author's sketch; `began_at`: event
    time at which the burst that goes on began, NEVER while there is none; `began_day`: UTC day on which the latest one
    began; `ended_hour`: the hour in which it ended; `peak`: the highest score of the burst that goes on.
    """

    through: int
    baseline: Baseline = NO_BASELINE
    hours: dict[int, dict[int, int]] = field(default_factory=dict)
    began_at: int = NEVER
    began_day: int = NEVER
    ended_hour: int = NEVER
    peak: float = 0.0
    peak_mentions: int = 0
    working: tuple[int, int, Baseline] | None = None
    """A baseline that reaches into the open hours: the clock's hour it was made in, the last hour in it, itself."""

    def mentions(self, hour: int) -> int:
        """Return how many distinct posts of an open hour name the film."""
        posts = self.hours.get(hour)
        return 0 if posts is None else len(posts)

    def absorb(self, clock: int, volume: Volume, rule: BurstRule) -> bool:
        """Put the hours that are no longer open into the baseline; return whether there were any."""
        until = clock - OPEN_HOURS
        if until <= self.through:
            return False
        if until - self.through > FORGOTTEN_HOURS:
            self.baseline, self.hours = Baseline(), {}
        else:
            self.baseline = self._folded(self.baseline, self.through + 1, until, volume, rule)
        for hour in [hour for hour in self.hours if hour <= until]:
            del self.hours[hour]
        self.through = until
        return True

    def baseline_through(self, last: int, clock: int, volume: Volume, rule: BurstRule) -> Baseline:
        """Return the baseline with all hours up to `last` in it."""
        working = self.working
        if working is None or working[:2] != (clock, last):
            baseline = self._folded(self.baseline, self.through + 1, last, volume, rule)
            self.working = working = (clock, last, baseline)
        return working[2]

    def _folded(self, baseline: Baseline, first: int, last: int, volume: Volume, rule: BurstRule) -> Baseline:
        least, start, unknown = rule.weight, volume.start, volume.unknown
        for hour in range(max(first, start), last + 1):
            if hour not in unknown:
                weight = max(least, 1.0 / (hour - start + 1))
                baseline = baseline.after(self.mentions(hour), volume.cycle(hour), weight)
        return baseline
