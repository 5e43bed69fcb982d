"""What a partition's sets have seen since the last flush, as columns: appended row by row, grouped all at once.

A row is a record that changed a set or has its count told again. Grouping sorts the rows by film-day; what came and
went, or went and came, between two flushes leaves no trace but the film-day's new revision.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

WENT: Final = 0
CAME: Final = 1
NO_TRACE: Final = 2
TOLD: Final = 3
"""Kinds of rows, in the order in which a group has them; `TOLD` alone does not move a film-day."""


class Grouped(NamedTuple):
    """Rows by film-day: one entry a slot, but for `posts`, which has those that went and came of each slot in turn."""

    slots: Numbers
    went: Numbers
    """How many went, net."""
    came: Numbers
    moved: Numbers
    """Whether the revision rose."""
    oldest: Numbers
    newest: Numbers
    posts: Numbers


class Changes:
    """The rows since the last flush."""

    def __init__(self) -> None:
        self.slots = array("q")
        self.posts = array("Q")
        self.observed = array("q")
        self._others: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.slots)

    def add(self, slot: int, observed_at: int, post: int = 0, kind: int = CAME) -> None:
        """Append a row; a loop that only adds posts that came may append to the columns itself."""
        if kind != CAME:
            self._others[len(self.slots)] = kind
        self.slots.append(slot)
        self.posts.append(post)
        self.observed.append(observed_at)

    def net(self, slot: int) -> int:
        """Return by how many posts a film-day has grown."""
        rows = (row for row, other in enumerate(self.slots) if other == slot)
        return sum(NET[self._others.get(row, CAME)] for row in rows)

    def grouped(self) -> Grouped:
        """Return the rows by film-day, in the order of slots."""
        slots, posts, observed = (np.array(column) for column in (self.slots, self.posts, self.observed))
        kinds = self._kinds()
        order = np.lexsort((kinds, slots)) if self._others else np.argsort(slots, kind="stable")
        slots, posts, observed, kinds = slots[order], posts[order], observed[order], kinds[order]
        first = np.flatnonzero(np.diff(slots, prepend=-1))
        went, came = kinds == WENT, kinds == CAME
        if not len(first):
            return Grouped(slots, slots, slots, came, observed, observed, posts)
        return Grouped(
            slots[first],
            np.add.reduceat(went, first, dtype=np.int64),
            np.add.reduceat(came, first, dtype=np.int64),
            np.minimum.reduceat(kinds, first) < TOLD,
            np.minimum.reduceat(observed, first),
            np.maximum.reduceat(observed, first),
            posts[went | came],
        )

    def _kinds(self) -> Numbers:
        kinds = np.full(len(self.slots), CAME, np.int8)
        if self._others:
            kinds[list(self._others)] = list(self._others.values())
            for earlier, later in self._undone(kinds):
                kinds[[earlier, later]] = NO_TRACE
        return kinds

    def _undone(self, kinds: Numbers) -> Iterator[tuple[int, int]]:
        """Yield pairs of rows of which the second undoes the first."""
        posts = np.array(self.posts)
        gone = np.unique(posts[kinds == WENT])
        standing: dict[tuple[int, int], int] = {}
        for row in np.flatnonzero(np.isin(posts, gone) & (kinds < TOLD)).tolist():
            member = self.slots[row], self.posts[row]
            if member in standing:
                yield standing.pop(member), row
            else:
                standing[member] = row


NET: Final = {WENT: -1, CAME: 1, NO_TRACE: 0, TOLD: 0}
