"""How far the counts have come, and which days are closed for all films.

A count says itself whether its day was closed in its film's partition. A partition in which nobody is talked about
hears nothing and closes nothing, so what is true of the whole day is decided here: a day is closed once every
partition has said so, or once the furthest of them is past it by the idle time as well. Both only ever rise, so a
day that was served as final is never served as provisional again, unless its topic is made anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Literal, Self

from cinepulse.closing import ClosingRule
from clickhouse.ask import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cinepulse.settings import Settings
    from clickhouse.client import Client

EPOCH: Final = date(1970, 1, 1)
IDLE_DAYS: Final = 14
LONGEST_SILENCE_DAYS: Final = 60

State = Literal["provisional", "final"]


@dataclass(frozen=True, slots=True)
class Closer:
    """When a day is closed, and how many partitions have a say in it."""

    rule: ClosingRule
    partitions: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say."""
        return cls(ClosingRule.of(settings), settings.partitions)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the partitions have counted.

    `furthest`: the highest event time, milliseconds. `latest_day`: the last day with a mention. `open_days`: of each
    partition the day, since 1970, before which it has closed all; a partition that says nothing is missing. `kept`: the
    days that `mention_days` has. `counted`: the days, since 1970, that have a count; of now alone.
    """

    furthest: int
    latest_day: date
    open_days: Mapping[int, int] = field(default_factory=dict)
    kept: frozenset[date] = frozenset()
    counted: frozenset[int] = frozenset()

    def is_counted(self, first: date, last: date) -> bool:
        """Return whether there is any count of the days from `first` to `last`, both within."""
        return any((first - EPOCH).days <= day <= (last - EPOCH).days for day in self.counted)

    def first_open_day(self, closer: Closer) -> int:
        """Return the first day, since 1970, that is not closed for all films."""
        rule = closer.rule
        said = min(self.open_days.get(number, 0) for number in {*range(closer.partitions), *self.open_days})
        return max(said, rule.first_open_day(rule.watermark((), self.furthest)))

    def state_of(self, day: date, closer: Closer) -> State:
        """Return whether a day, and with it all before it, is final."""
        return "final" if (day - EPOCH).days < self.first_open_day(closer) else "provisional"


def read_reached(client: Client, at_ms: int = 0) -> Reached | None:
    """Return how far the partitions have counted; None before the first count.

    `at_ms`: as it was known at that instant, milliseconds; 0 is now.
    """
    if at_ms:
        # Further back only where nothing was stored for so long: each day has thousands of rows.
        asked = (ask(client, "as_of_then", at_ms=at_ms, days=days) for days in (IDLE_DAYS, LONGEST_SILENCE_DAYS))
        rows = next((rows for rows in asked if rows), [])
    else:
        rows = ask(client, "as_of")
    if not rows:
        return None
    counted = frozenset().union(*(row.get("counted", ()) for row in rows))
    # A partition that nothing has reached for so long is idle and says nothing.
    last = max(row["last_day"] for row in rows) - timedelta(days=IDLE_DAYS)
    rows = [row for row in rows if row["last_day"] >= last]
    return Reached(
        max(row["reached_ms"] for row in rows),
        max(row["latest_day"] for row in rows),
        {row["source_partition"]: row["open_day"] for row in rows},
        frozenset(rows[0]["kept"]),
        counted,
    )
