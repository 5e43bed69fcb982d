"""By how much films grew, and where they stand among all of a day.

Numbers lie in arrays, an element a film; one that is unknown is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from clickhouse.ask import column, in_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from clickhouse.ask import Columns

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


def coefficient(votes: Numbers, votes_past: Numbers, value: Numbers, past: Numbers) -> Numbers:
    """Return the viral coefficient of a week by votes and popularity at its two ends, without its bounds."""
    return 60 * (votes - votes_past) / np.maximum(votes_past, 1) + 40 * (value - past) / np.maximum(past, 1)


def shares(numbers: Numbers) -> Numbers:
    """Return the share of the other films that are lower, 0 to 1, where it is known of the film."""
    # Numbers are put in order in half the time where NaN is not among them.
    known = np.flatnonzero(~np.isnan(numbers))
    order = known[np.argsort(numbers[known])]
    ordered = numbers[order]
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] > ordered[:-1]
    lower = np.maximum.accumulate(np.where(is_first, np.arange(len(ordered)), 0))
    ranks = np.full(len(numbers), np.nan)
    ranks[order] = lower / max(len(ordered) - 1, 1)
    return ranks


def shares_among(numbers: Numbers, films: NDArray[np.intp]) -> Numbers:
    """Return some films' of `shares`: to sort numbers is quicker than to put all films in order by them."""
    ordered = np.sort(numbers[~np.isnan(numbers)])
    few = numbers[films]
    return np.where(np.isnan(few), np.nan, np.searchsorted(ordered, few) / max(len(ordered) - 1, 1))


def share_of(numbers: Numbers, film: int) -> float:
    """Return one film's of `shares`; to count is quicker than to put all in order, for a few films."""
    if np.isnan(numbers[film]):
        return np.nan
    known = int(np.count_nonzero(~np.isnan(numbers)))
    return int(np.count_nonzero(numbers < numbers[film])) / max(known - 1, 1)


def place_of(numbers: Numbers, ids: NDArray[np.int64], film: int) -> float:
    """Return one film's of `places`, likewise."""
    if np.isnan(numbers[film]):
        return np.nan
    is_before = (numbers > numbers[film]) | ((numbers == numbers[film]) & (ids < ids[film]))
    return 1.0 + int(np.count_nonzero(is_before))


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


def beside(ids: NDArray[np.int64], columns: Columns, names: Sequence[str], otherwise: float) -> list[Numbers]:
    """Return columns' values for the films, in their order; `otherwise` for films that the columns do not have."""
    columns = in_order(columns, "tmdb_id")
    films = column(columns, "tmdb_id")
    if not len(films):
        return [np.full(len(ids), otherwise) for _ in names]
    places = np.minimum(np.searchsorted(films, ids), len(films) - 1)
    is_there = films[places] == ids
    return [np.where(is_there, column(columns, name)[places], otherwise) for name in names]


def highest(numbers: Numbers, films: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """Return those of the films given whose number, never NaN, is one of the `limit` highest, and all their equals."""
    if len(films) <= limit:
        return films
    among = numbers[films]
    is_high: NDArray[np.bool_] = among >= np.partition(among, -limit)[-limit]
    return films[is_high]


def whole(number: Any) -> int | None:
    """Return a place as the integer that it is, None where it is unknown."""
    return None if np.isnan(number) else int(number)


def real(number: Any) -> float | None:
    """Return a number, None where it is unknown."""
    return None if np.isnan(number) else float(number)


def _finite(numbers: Numbers) -> Numbers:
    """Return the numbers; what no number can stand for is unknown."""
    return np.where(np.isfinite(numbers), numbers, np.nan)
