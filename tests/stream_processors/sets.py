"""The smallest stage there is: sets of items, and how large each is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cinepulse.errors import DeadLetterRateExceeded
from stream_processors.outbox import Outgoing
from stream_processors.stage import Flush

if TYPE_CHECKING:
    from collections.abc import Sequence

REWRITES = "h"


@dataclass(frozen=True)
class Number:
    """A record: something to add to a set."""

    offset: int
    item: str


@dataclass
class SetState:
    """A set of items; says how large it is as of which offset, as the count stage does."""

    partition: int
    items: set[str] = field(default_factory=set)
    revision: int = 0
    added: list[str] = field(default_factory=list)
    touched: bool = False
    base: int = 0
    rewriting: bool = False

    def begin_epoch(self, epoch: int) -> None:
        """Forget everything."""
        self.items, self.revision, self.base = set(), 0, epoch << 48

    def restore(self, body: bytes) -> None:
        """Apply a body."""
        revision, *items = body.decode().split()
        self.items |= set(items)
        self.revision = max(self.revision, int(revision))

    def restored(self) -> None:
        """Do nothing."""

    def fold(self, records: Sequence[Number]) -> None:
        """Add items."""
        for record in records:
            if record.item == "poison":
                raise DeadLetterRateExceeded("too much")
            # One of the items has the log written anew, whenever it comes.
            self.rewriting = self.rewriting or record.item == REWRITES
            if record.offset < self.revision:
                self.touched = True
            elif record.item not in self.items:
                self.items.add(record.item)
                self.added.append(record.item)
                self.revision = self.base + record.offset + 1
                self.touched = True

    def take(self) -> Flush | None:
        """Return what is new."""
        if not self.touched and not self.rewriting:
            return None
        added, self.added, self.touched = self.added, [], False
        bodies = [f"{self.revision} {' '.join(added)}".encode()] if added else []
        told = Outgoing("counts", self.partition, b"", f"{self.revision} {len(self.items)}".encode())
        whole = [f"{self.revision} {' '.join(self.items)}".encode()] if self.rewriting else None
        self.rewriting = False
        return Flush(bodies, [told], whole=whole)

    def settled(self, flush: Flush) -> None:
        """Do nothing."""


class SetStage:
    """Makes sets."""

    name = "count"
    source = "items"
    slice_records = 2

    def open(self, partition: int) -> SetState:
        """Return an empty set."""
        return SetState(partition)

    def merge(self, bodies: Sequence[bytes]) -> bytes:
        """Join bodies."""
        parts = [body.decode().split() for body in bodies]
        revision = max(int(part[0]) for part in parts)
        return " ".join([str(revision), *(item for part in parts for item in part[1:])]).encode()

    def check(self) -> None:
        """Do nothing."""
