"""By how much films grew, and where they stand among all of a day.

Numbers lie in arrays, an element a film; one that is unknown is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


VOTES_DAMPING: Final = 50
"""Votes that every film is given: the first ones of an unknown film are no growth without bounds."""


def votes_growth(votes: Numbers, before: Numbers) -> Numbers:
    """Return by which share votes grew."""
    with np.errstate(all="ignore"):
        return _finite((votes - before) / (before + VOTES_DAMPING))


def popularity_growth(popularity: Numbers, before: Numbers) -> Numbers:
    """Return the logarithm of the factor that popularity grew by."""
    with np.errstate(all="ignore"):
        return _finite(np.log((popularity + 1) / (before + 1)))


def shares(numbers: Numbers) -> Numbers:
    """Return the share of the other films that are lower, 0 to 1, where it is known of the film."""
    order = np.argsort(numbers)
    # NaN sorts behind all that is known.
    ordered = numbers[order[: len(numbers) - np.count_nonzero(np.isnan(numbers))]]
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] > ordered[:-1]
    lower = np.maximum.accumulate(np.where(is_first, np.arange(len(ordered)), 0))
    ranks = np.full(len(numbers), np.nan)
    ranks[order[: len(ordered)]] = lower / max(len(ordered) - 1, 1)
    return ranks


def places(numbers: Numbers, ids: NDArray[np.int64]) -> Numbers:
    """Return films' places, 1 for the highest, the lower id first among equals; NaN where the number is unknown."""
    order = descending(numbers, ids)
    found = np.full(len(numbers), np.nan)
    found[order] = np.arange(1, len(order) + 1)
    return found


def descending(numbers: Numbers, ids: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where the known numbers are, the highest first and the lower id among equals."""
    known = np.flatnonzero(~np.isnan(numbers))
    return known[np.lexsort((ids[known], -numbers[known]))]


def whole(number: Any) -> int | None:
    """Return a place as the integer that it is, None where it is unknown."""
    return None if np.isnan(number) else int(number)


def real(number: Any) -> float | None:
    """Return a number, None where it is unknown."""
    return None if np.isnan(number) else float(number)


def _finite(numbers: Numbers) -> Numbers:
    """Return the numbers; what no number can stand for is unknown."""
    return np.where(np.isfinite(numbers), numbers, np.nan)
