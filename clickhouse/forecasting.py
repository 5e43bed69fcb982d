"""Forecasts of a daily series by plain methods, each with the error that it would have had.

Two baselines: the value of the same weekday before (seasonal naive), and an exponentially weighted mean (EWMA). A third
method, the EWMA with a profile of the week, is shown where it would have beaten both. Pure: values in, values out.

The error is of a rolling origin: from each past day everything later is forecast from what was known then, and compared
with what came. MASE is the mean absolute error as a multiple of that of the same weekday a week before, over the whole
series (R. J. Hyndman and A. B. Koehler, Another look at measures of forecast accuracy, 2006): below 1 is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WEEK: Final = 7
# The weight of a day halves with each three days that pass.
HALF_LIFE_DAYS: Final = 3.0
# A weekday that was not known for so many weeks is not forecast from the one before.
WEEKS_BACK: Final = 4
# A profile of the week from so many weeks, each weekday known in two of them at least.
PROFILE_WEEKS: Final = 4
LEAST_OF_WEEKDAY: Final = 2
# Days before the first origin, and origins without which nothing is said of an error.
FIRST_ORIGIN: Final = 14
LEAST_ORIGINS: Final = 7

NAIVE: Final = "seasonal-naive"
EWMA: Final = "ewma"
PROFILED: Final = "weekly-ewma"


@dataclass(frozen=True, slots=True)
class Error:
    """What a method would have erred by: mean absolute error in the series' unit, as a multiple, and over how much.

    `mase` is None where the series did not change from week to week. `origins`: days forecast from, `pairs`: values
    compared.
    """

    mae: float
    mase: float | None
    origins: int
    pairs: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """A method's values for the days after the last, None where it has none, and its error, None without enough past.

    `best`: the least error of all methods shown.
    """

    method: str
    values: tuple[float | None, ...]
    error: Error | None
    best: bool


def seasonal_naive(series: Sequence[float | None], days: int) -> list[float | None]:
    """Return for each day ahead the last known value of its weekday, of the last four weeks."""
    found = []
    for ahead in range(days):
        back = WEEK - ahead % WEEK
        past = [series[-back - WEEK * weeks] for weeks in range(WEEKS_BACK) if back + WEEK * weeks <= len(series)]
        found.append(next((value for value in past if value is not None), None))
    return found


def ewma(series: Sequence[float | None], days: int) -> list[float | None]:
    """Return the exponentially weighted mean for each day ahead; a day that is not known changes nothing but its age.

    The mean is sum(w x) / sum(w) with w = 2^(-age / half life), age in days.
    """
    weight = total = 0.0
    for value in series:
        fade = 2 ** (-1 / HALF_LIFE_DAYS)
        weight, total = weight * fade, total * fade
        if value is not None:
            weight, total = weight + 1, total + value
    return [total / weight if weight else None] * days


def weekly_ewma(series: Sequence[float | None], days: int) -> list[float | None]:
    """Return the EWMA of the series without its profile of the week, with it again; None without a whole profile."""
    recent = list(series[-WEEK * PROFILE_WEEKS :])
    by_weekday = [[value for value in recent[-1 - place :: -WEEK] if value is not None] for place in range(WEEK)]
    if any(len(values) < LEAST_OF_WEEKDAY for values in by_weekday):
        return [None] * days
    means = [fmean(values) for values in by_weekday]
    whole = fmean(means)
    if min(means) <= 0:
        return [None] * days
    # Places count back from the last day: the day `ahead` days after it has the weekday of place (-ahead) mod 7.
    profile = [mean / whole for mean in means]
    plain = [
        None if value is None else value / profile[(len(series) - 1 - at) % WEEK] for at, value in enumerate(series)
    ]
    (level,) = ewma(plain, 1)
    return [None if level is None else level * profile[-(ahead + 1) % WEEK] for ahead in range(days)]


METHODS: Final[Mapping[str, Callable[[Sequence[float | None], int], list[float | None]]]] = {
    NAIVE: seasonal_naive,
    EWMA: ewma,
    PROFILED: weekly_ewma,
}
BASELINES: Final = (NAIVE, EWMA)


def forecast(series: Sequence[float | None], days: int) -> tuple[Forecast, ...]:
    """Return the forecasts of the `days` days after the last of the series, of consecutive days, None is unknown.

    Both baselines, always; the third method where its error is less than both of theirs.
    """
    errors = back_test(series, days)
    shown = [name for name in METHODS if name in BASELINES or _beats(errors, name)]
    tested = {name: error.mae for name in shown if (error := errors.get(name)) is not None}
    best = min(tested, key=lambda name: tested[name], default=None)
    return tuple(Forecast(name, tuple(METHODS[name](series, days)), errors.get(name), name == best) for name in shown)


def back_test(series: Sequence[float | None], days: int) -> dict[str, Error]:
    """Return each method's error from every origin, over the same values for all that have one for as many.

    A method that has no value for an origin is left out there for both baselines too; the third is compared only where
    it has values as often as they do.
    """
    errors: dict[str, list[float]] = {name: [] for name in METHODS}
    origins = 0
    for origin in range(FIRST_ORIGIN, len(series)):
        actual = series[origin : origin + days]
        told = {name: method(series[:origin], len(actual)) for name, method in METHODS.items()}
        compared = [
            ahead
            for ahead, value in enumerate(actual)
            if value is not None and all(told[name][ahead] is not None for name in BASELINES)
        ]
        origins += bool(compared)
        for name, values in told.items():
            errors[name] += [
                abs(value - came)
                for ahead in compared
                if (value := values[ahead]) is not None and (came := actual[ahead]) is not None
            ]
    if origins < LEAST_ORIGINS:
        return {}
    pairs = len(errors[NAIVE])
    scale = _scale(series)
    return {
        name: Error(fmean(found), fmean(found) / scale if scale else None, origins, pairs)
        for name, found in errors.items()
        if len(found) == pairs
    }


def _scale(series: Sequence[float | None]) -> float | None:
    """Return by how much a day differs from the same weekday a week before, on average."""
    changes = [
        abs(now - past)
        for past, now in zip(series, series[WEEK:], strict=False)
        if now is not None and past is not None
    ]
    return fmean(changes) if changes else None


def _beats(errors: Mapping[str, Error], name: str) -> bool:
    return name in errors and all(errors[name].mae < errors[baseline].mae for baseline in BASELINES)
