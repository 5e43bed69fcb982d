"""Which event time a file holds, day by day: what it may claim to have read whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from cinepulse.clock import day_of

Interval = tuple[int, int]


@dataclass(slots=True)
class Spans:
    """First and last instant (epoch milliseconds) that a file holds of each feed and UTC day.

    A day without a line interrupts a stretch, so that one line with a wrong date claims no years.
    """

    days: dict[tuple[str, int], Interval] = field(default_factory=dict)
    changed: set[tuple[str, int]] = field(default_factory=set)

    def see(self, feed: str, first: int, last: int) -> None:
        """Take in what a line tells: event time of `feed` from `first` to `last`, both within one day."""
        place = (feed, day_of(first))
        known = self.days.get(place)
        if known is None:
            self.days[place] = (first, last)
        elif first < known[0] or last > known[1]:
            self.days[place] = (min(first, known[0]), max(last, known[1]))
        else:
            return
        self.changed.add(place)

    def stretches(self) -> list[tuple[str, Interval]]:
        """Return the half-open stretches of each feed: days in a row, from the first instant to after the last.

        A single instant is no stretch.
        """
        found: list[tuple[str, Interval]] = []
        before: tuple[str, int] | None = None
        for feed, day in sorted(self.days):
            first, last = self.days[feed, day]
            if before == (feed, day - 1):
                found[-1] = (feed, (found[-1][1][0], last + 1))
            else:
                found.append((feed, (first, last + 1)))
            before = (feed, day)
        return [(feed, (first, end)) for feed, (first, end) in found if end - first > 1]
