"""How the mentions of a film speak of it: mean, interval and shares by day; nothing where there are too few to tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date


LEAST: Final = 20
"""Of fewer nothing is said: an interval of them is no guide."""


NEUTRAL: Final = 0.05
"""Compounds between this and its opposite are neutral, as in queries/movie_mentions.sql."""


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


def is_positive(compound: float) -> bool:
    """Return whether a mention speaks well of the film: VADER's own bound."""
    return compound >= NEUTRAL


def is_negative(compound: float) -> bool:
    """Return whether a mention speaks ill of the film."""
    return compound <= -NEUTRAL


UNKNOWN = Sentiment(0, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Sentiments:
    """The sentiment of a film's mentions by UTC day, and of all of them together."""

    by_day: dict[date, Sentiment]
    together: Sentiment

    def of(self, day: date) -> Sentiment:
        """Return a day's sentiment."""
        return self.by_day.get(day, UNKNOWN)


def sentiments_of(rows: Iterable[Mapping[str, Any]]) -> Sentiments:
    """Return what the rows of `queries/movie_mentions.sql` say by day, and of all."""
    told = [(row["told"], row["day"], _sentiment(row)) for row in rows if row["told"] in {"day", "all"}]
    by_day = {day: one for kind, day, one in told if kind == "day"}
    return Sentiments(by_day, next((one for kind, _, one in told if kind == "all"), UNKNOWN))


def _sentiment(row: Mapping[str, Any]) -> Sentiment:
    n = row["sentiment_n"]
    if n < LEAST:
        return Sentiment(n, None, None, None, None)
    margin = 1.96 * row["sentiment_deviation"] / math.sqrt(n)
    return Sentiment(n, row["sentiment_mean"], margin, row["positive"] / n, row["negative"] / n)
