"""How the mentions of a film speak of it: mean, interval and shares by day; nothing where there are too few to tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date


LEAST: Final = 20
"""Of fewer nothing is said: an interval of them is no guide."""
POSITIVE: Final = 0.05
NEGATIVE: Final = -0.05
"""From which compounds on, up and down, mentions are of a class."""
COLUMNS: Final = ("sentiment_n", "sentiment_sum", "sentiment_squares", "positive", "negative")
"""What the sums are called in an answer."""


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The sentiment of some mentions.

    `n`: mentions that have one. `mean`: of their compounds, -1 to 1; `margin`: half the width of its 95 % interval;
    shares of those from 0.05 up and from -0.05 down. All but `n` are None where `n` is below 20.
    """

    n: int
    mean: float | None
    margin: float | None
    positive_share: float | None
    negative_share: float | None

    @property
    def text(self) -> str:
        """The sentiment in a few characters: mean and margin, or nothing."""
        if self.mean is None or self.margin is None:
            return ""
        return f"{self.mean:+.2f} ± {self.margin:.2f} (n {self.n})"


class Felt(NamedTuple):
    """Sums over the compounds of some mentions: `n` of them, their sum, that of their squares, and those of a class."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    positive: int = 0
    negative: int = 0

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the sums that a row of `queries/movie_mentions.sql` tells."""
        return cls(*(row[name] for name in COLUMNS))

    def row(self) -> dict[str, float]:
        """Return the sums as `from_row` takes them."""
        return dict(zip(COLUMNS, self, strict=True))

    @classmethod
    def of(cls, compounds: Iterable[float]) -> Self:
        """Return the sums over the compounds of single mentions."""
        told = list(compounds)
        return cls(
            len(told),
            math.fsum(told),
            math.fsum(one * one for one in told),
            sum(one >= POSITIVE for one in told),
            sum(one <= NEGATIVE for one in told),
        )

    @classmethod
    def together(cls, parts: Iterable[Felt]) -> Self:
        """Return the sums over all mentions of several parts."""
        told = list(parts)
        return cls(
            sum(one.n for one in told),
            math.fsum(one.total for one in told),
            math.fsum(one.squares for one in told),
            sum(one.positive for one in told),
            sum(one.negative for one in told),
        )


UNKNOWN = Sentiment(0, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Sentiments:
    """The sentiment of a film's mentions by UTC day, and of all of them together."""

    by_day: dict[date, Sentiment]
    together: Sentiment

    def of(self, day: date) -> Sentiment:
        """Return a day's sentiment."""
        return self.by_day.get(day, UNKNOWN)


def sentiments_of(felt: Mapping[date, Felt]) -> Sentiments:
    """Return what the sums of days say of each, and of all of them."""
    return Sentiments({day: _sentiment(one) for day, one in felt.items()}, _sentiment(Felt.together(felt.values())))


def _sentiment(felt: Felt) -> Sentiment:
    n = felt.n
    if n < LEAST:
        return Sentiment(n, None, None, None, None)
    mean = felt.total / n
    # Of a sample. Compounds that are all the same may seem to differ by a rounding, which has no root below zero.
    variance = max(0.0, (felt.squares - felt.total * mean) / (n - 1))
    return Sentiment(n, mean, 1.96 * math.sqrt(variance / n), felt.positive / n, felt.negative / n)
