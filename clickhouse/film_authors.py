"""How many distinct authors mention each of many films, by the observations of their mentions. Pure.

`cinepulse.authors` has the estimate and its source; here it is of all films at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from cinepulse.authors import ALPHA, FEW, RANK_BITS, REGISTER_BITS, REGISTERS
from clickhouse.ask import column

if TYPE_CHECKING:
    from clickhouse.ask import Columns

OBSERVED: Final = np.dtype([("tmdb_id", np.int64), ("observation", np.int32)])
"""What `queries/author_observations.sql` answers: a row a mention, one observation each."""
COUNTED: Final = np.dtype([("tmdb_id", np.int64), ("authors", np.float64)])
"""A row a film, as `queries/authors_of_kept_day.sql` answers."""


def distinct_authors_of(observed: Columns) -> Columns:
    """Return about how many distinct authors made the observations of each film that has any.

    `observed`: rows of `OBSERVED`, in any order. Returned are rows of `COUNTED`, the lowest film first.
    """
    if not len(observed):
        return np.empty(0, COUNTED)
    # As the engine tells them they are in order already.
    observed = observed[np.argsort(column(observed, "tmdb_id"), kind="stable")]
    ids = column(observed, "tmdb_id")
    is_first = np.append(True, ids[1:] != ids[:-1])
    place = np.cumsum(is_first) - 1
    coded = np.sort(place << REGISTER_BITS + RANK_BITS | column(observed, "observation"))
    # Of each register of a film the highest rank comes last.
    highest = coded[np.append(coded[1:] >> RANK_BITS != coded[:-1] >> RANK_BITS, True)]
    film, rank = highest >> REGISTER_BITS + RANK_BITS, highest & (1 << RANK_BITS) - 1
    empty = REGISTERS - np.bincount(film)
    by_ranks = ALPHA * REGISTERS**2 / (empty + np.bincount(film, np.exp2(-rank)))
    with np.errstate(divide="ignore"):
        by_registers = REGISTERS * np.log(REGISTERS / empty)
    counted = np.empty(len(empty), COUNTED)
    counted["tmdb_id"] = ids[is_first]
    counted["authors"] = np.where((by_ranks <= FEW) & (empty > 0), by_registers, by_ranks)
    return counted
