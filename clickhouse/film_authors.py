"""How many distinct authors mention each of many films, by the observations of their mentions. Pure.

`cinepulse.authors` has the estimate and its source; here it is of all films at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cinepulse.authors import ALPHA, FEW, RANK_BITS, REGISTER_BITS, REGISTERS
from clickhouse.ask import column, in_order

if TYPE_CHECKING:
    from clickhouse.ask import Columns


def distinct_authors_of(observed: Columns) -> Columns:
    """Return about how many distinct authors made the observations of each film that has any.

    `observed`: what `queries/author_observations.sql` answers, a row a mention, in any order. Returned is a row a film,
    the lowest first, as `queries/authors_of_kept_day.sql` answers.
    """
    if not observed:
        return {}
    observed = in_order(observed, "tmdb_id")
    ids = column(observed, "tmdb_id")
    is_first = np.append(True, ids[1:] != ids[:-1])
    place = np.cumsum(is_first) - 1
    coded = np.sort(place << REGISTER_BITS + RANK_BITS | column(observed, "observation").astype(np.int64))
    # Of each register of a film the highest rank comes last.
    highest = coded[np.append(coded[1:] >> RANK_BITS != coded[:-1] >> RANK_BITS, True)]
    film, rank = highest >> REGISTER_BITS + RANK_BITS, highest & (1 << RANK_BITS) - 1
    empty = REGISTERS - np.bincount(film)
    by_ranks = ALPHA * REGISTERS**2 / (empty + np.bincount(film, np.exp2(-rank)))
    with np.errstate(divide="ignore"):
        by_registers = REGISTERS * np.log(REGISTERS / empty)
    authors = np.where((by_ranks <= FEW) & (empty > 0), by_registers, by_ranks)
    return {"tmdb_id": ids[is_first], "authors": authors}
