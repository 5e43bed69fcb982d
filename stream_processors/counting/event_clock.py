"""How far the source has come in event time, as one partition of its mentions tells it, and which days that closed.

A partition of `movie.mentions` holds mentions from every partition of `reddit.posts`, and each key names its post and
so the partition that the post lay in. The clock is kept by those: a partition of films in which nobody is talked about
for a while still hears of the source from the films that are, and a link worker that is behind with one partition of
posts holds open the days to which it may still add.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cinepulse.closing import ClosingRule


class Closing(NamedTuple):
    """The moment at which the days before `open_day` were closed: the record that did it and its observation."""

    open_day: int
    revision: int
    observed_at: int


class EventClock:
    """The clocks of a source's partitions and the days that they have closed.

    Only the furthest clock is followed at every record. That of one partition matters only once it can close a day, so
    `concerns` says from which event time on it must be told: outside the hours in which a day is about to close nobody
    has to work out which partition a post lay in.

    Args:
        rule: when a day is closed.
        partitions: partitions of the source.
    """

    def __init__(self, rule: ClosingRule, partitions: int) -> None:
        self._rule = rule
        self._clocks = [0] * partitions
        self.furthest = 0
        self.open_day = 0
        """The first day that is not closed."""
        self.closings: list[Closing] = []
        """Rising in every field."""
        self._turns: list[int] = []
        self.news_from = 0
        """Event time from which a record moves a clock."""
        self.concerns = 0
        """Event time from which it matters what partition of the source a record comes from."""
        self._aim()

    @property
    def clocks(self) -> Sequence[int]:
        """The furthest event time of each partition of the source, as far as it was told."""
        return self._clocks

    @property
    def watermark(self) -> int:
        """The event time up to which nothing more is expected, as far as closing a day needs it."""
        return self._rule.watermark(self._clocks, self.furthest)

    def see(self, event_time: int, source: int | None, revision: int, observed_at: int) -> None:
        """Take one record's event time.

        `source`: its partition of the source, None below `concerns`. `revision` and `observed_at` are the record's,
        for the closing that it may bring.
        """
        self.furthest = max(self.furthest, event_time)
        if source is not None:
            self._clocks[source] = max(self._clocks[source], event_time)
            self._close(self._rule.first_open_day(self.watermark), revision, observed_at)
        self._aim()

    def reach(self, event_time: int) -> None:
        """Take an event time below `concerns`, of which only the furthest matters."""
        self.furthest = max(self.furthest, event_time)
        self._aim()

    def restore(self, furthest: int, clocks: Sequence[int], closings: Iterable[Closing]) -> None:
        """Take what a changelog holds, in its order."""
        self.furthest = max(self.furthest, furthest)
        for source, clock in enumerate(clocks[: len(self._clocks)]):
            self._clocks[source] = max(self._clocks[source], clock)
        for closing in closings:
            self._close(*closing)
        self._aim()

    def catch_up(self, revision: int, watermark: int) -> None:
        """Close what the clocks have passed by the rule of today, which may be shorter than the one they ran by.

        `watermark`: one that was reached by other reckoning. A day once closed stays so under a longer rule.
        """
        reached = max(self.watermark, watermark)
        self._close(self._rule.first_open_day(reached), revision, self.furthest)
        self._aim()

    def closing_of(self, day: int) -> Closing:
        """Return what closed a day; raises IndexError for an open one."""
        return self.closings[bisect_right(self._turns, day)]

    def _close(self, open_day: int, revision: int, observed_at: int) -> None:
        if open_day > self.open_day:
            self.open_day = open_day
            self.closings.append(Closing(open_day, revision, observed_at))
            self._turns.append(open_day)

    def _aim(self) -> None:
        self.concerns = self._rule.closes_at(self.open_day)
        self.news_from = min(self.furthest + 1, self.concerns)
