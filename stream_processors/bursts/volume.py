"""What all films of a partition together are talked about: the weekly cycle, hours without data, general surges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stream_processors.bursts.rules import DAY_HOURS, OPEN_HOURS

# The hour of the day is seen once a day and the day of the week once a week; both weigh two weeks' hours or so.
HOUR_WEIGHT: Final = 1 / 14
DAY_WEIGHT: Final = 1 / 28 / 2
LEVEL_WEIGHT: Final = 1 / 168

LEAST_CYCLE: Final = 0.1
MOST_CYCLE: Final = 5.0
MOST_RATIO: Final = 4.0
# Mentions that others must lack or have in excess before a ratio of volumes says much.
RATIO_PRIOR: Final = 5.0
# 1970-01-01 was a Thursday.
EPOCH_WEEKDAY: Final = 3
# An hour in which the whole partition says nothing though so much was expected is one without data, not a silent one.
SILENCE_EXPECTED: Final = 5.0
UNKNOWN_KEPT_HOURS: Final = 60 * DAY_HOURS


@dataclass(slots=True)
class HourVolume:
    """One hour: mentions of all films, how many films, and the two that are named most."""

    mentions: int = 0
    films: int = 0
    first: tuple[int, int] = (0, 0)
    second: tuple[int, int] = (0, 0)
    """(TMDB id, mentions)."""

    def came(self, tmdb_id: int, mentions: int) -> None:
        """Note that a film's mentions of the hour have become this many, one more than before."""
        self.mentions += 1
        self.films += mentions == 1
        film = (tmdb_id, mentions)
        if tmdb_id == self.first[0] or mentions > self.first[1]:
            if tmdb_id != self.first[0]:
                self.second = self.first
            self.first = film
        elif tmdb_id == self.second[0] or mentions > self.second[1]:
            self.second = film

    def went(self, tmdb_id: int, mentions: int) -> None:
        """Note that a film's mentions of the hour have become this many, one fewer than before."""
        self.mentions -= 1
        self.films -= mentions == 0
        if tmdb_id == self.first[0]:
            self.first = (tmdb_id, mentions)
        elif tmdb_id == self.second[0]:
            self.second = (tmdb_id, mentions)

    def others(self, tmdb_id: int, mentions: int) -> tuple[int, int]:
        """Return mentions and number of the other films, without the one of them that is named most."""
        top = self.second if tmdb_id == self.first[0] else self.first
        named = 2 if top[1] and mentions else 1 if top[1] or mentions else 0
        return max(0, self.mentions - mentions - top[1]), max(0, self.films - named)


@dataclass(slots=True)
class Volume:
    """The volume of one partition of `movie.mentions`, hour by hour; hours count from 1970-01-01 UTC."""

    start: int = 0
    """First hour that was heard of."""
    level: float = 0.0
    by_hour: list[float] = field(default_factory=lambda: [1.0] * DAY_HOURS)
    by_day: list[float] = field(default_factory=lambda: [1.0] * 7)
    hours: dict[int, HourVolume] = field(default_factory=dict)
    """The open hours in which anything was said."""
    unknown: set[int] = field(default_factory=set)
    """Hours of the last 60 days without data."""

    def cycle(self, hour: int) -> float:
        """Return the hour's weight in the weekly cycle; 1 is the average hour."""
        factor = self.by_hour[hour % DAY_HOURS] * self.by_day[(hour // DAY_HOURS + EPOCH_WEEKDAY) % 7]
        return min(MOST_CYCLE, max(LEAST_CYCLE, factor))

    def close(self, hour: int) -> None:
        """Learn from an hour that is over."""
        volume = self.hours.get(hour)
        mentions = 0 if volume is None else volume.mentions
        cycle = self.cycle(hour)
        if not mentions and self.level * cycle > SILENCE_EXPECTED:
            self.unknown.add(hour)
            return
        age = hour - self.start + 1
        if self.level > 0 and age > DAY_HOURS:
            # Without the film named most: one film's burst is no cycle.
            ratio = min(MOST_RATIO, mentions / self.level)
            slot, day = hour % DAY_HOURS, (hour // DAY_HOURS + EPOCH_WEEKDAY) % 7
            self.by_hour[slot] += HOUR_WEIGHT * (ratio / self.by_day[day] - self.by_hour[slot])
            self.by_day[day] += DAY_WEIGHT * (ratio / max(LEAST_CYCLE, self.by_hour[slot]) - self.by_day[day])
        self.level += max(LEVEL_WEIGHT, 1 / age) * (mentions - self.level)

    def forget(self, clock: int) -> None:
        """Drop what lies too far behind the clock."""
        for hour in [hour for hour in self.hours if hour <= clock - OPEN_HOURS]:
            del self.hours[hour]
        self.unknown = {hour for hour in self.unknown if hour > clock - UNKNOWN_KEPT_HOURS}
