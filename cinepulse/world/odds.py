"""Drawing one of several things by its share."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

T = TypeVar("T")


class Odds(Generic[T]):
    """Things and their shares; the shares need not add up to one."""

    def __init__(self, shares: Mapping[T, float]) -> None:
        self._things = tuple(shares)
        self._cumulative = tuple(accumulate(shares.values()))

    def draw(self, draw: random.Random) -> T:
        """Return one thing."""
        return draw.choices(self._things, cum_weights=self._cumulative)[0]
