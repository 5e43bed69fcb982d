"""The numbers that decide what a burst is."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp2
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 24
WEEK_HOURS: Final = 7 * DAY_HOURS

OPEN_HOURS: Final = 50
"""Hours behind the clock in which a mention is still put in or taken out: posts are looked at again for 48 hours."""


@dataclass(frozen=True, slots=True)
class BurstRule:
    """When a burst begins and ends.

    `begin_score`: least score at which one begins; `end_score`: it ends below this; `least_mentions` and
    `least_authors`: minimum support; `cooldown_hours`: from an end to the next beginning; `windows`: lengths of the
    spans that are compared with their baseline, hours, shortest first; `half_life_hours`: of what an hour weighs in
    the baseline; `prior_hours`: how many hours of a film's own history weigh as much as what its peers do now.
    """

    begin_score: float = 4.0
    end_score: float = 2.0
    least_mentions: int = 8
    least_authors: int = 5
    cooldown_hours: int = 6
    windows: tuple[int, ...] = (1, 2, 3)
    half_life_hours: float = 168.0
    prior_hours: float = 6.0

    @property
    def weight(self) -> float:
        """What the newest hour weighs in the baseline: a = 1 - 2^(-1/h)."""
        return 1.0 - exp2(-1.0 / self.half_life_hours)


DEFAULT_RULE: Final = BurstRule()
