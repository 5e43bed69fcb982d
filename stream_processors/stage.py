"""What a stage is to the worker that runs it: state a partition, folded batch by batch, taken flush by flush."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_processors.outbox import Outgoing


@dataclass(frozen=True, slots=True)
class Flush:
    """What has to be delivered, in this order: the state's changes, then what they lead to."""

    bodies: Sequence[bytes]
    outgoing: Sequence[Outgoing]
    receipt: Any = None
    """Given back to `StageState.settled`."""


class StageState(Protocol):
    """One source partition's state.

    Folding a record again that was folded before, after a crash between the delivery of `bodies` and that of
    `outgoing`, must send again what the record led to, and change nothing.
    """

    def begin_epoch(self, epoch: int) -> None:
        """Note that the source topic was created anew: its offsets start again at 0."""
        ...

    def restore(self, body: bytes) -> None:
        """Apply the next body of the changelog."""
        ...

    def restored(self) -> None:
        """Note that all bodies have been applied."""
        ...

    def fold(self, records: Sequence[Any]) -> None:
        """Process records, in the order of their offsets.

        Raises DeadLetterRateExceeded; no record, whatever is in it, makes it raise anything else.
        """
        ...

    def take(self) -> Flush | None:
        """Return what is new since the last call, None when nothing is."""
        ...

    def settled(self, flush: Flush) -> None:
        """Note that a flush has been delivered."""
        ...


class Stage(Protocol):
    """A stage: how to make its states, and how much it does at once."""

    name: str
    source: str
    """Topic it reads."""
    slice_records: int
    """Records folded before other tasks get their turn: some ten milliseconds of work."""

    def open(self, partition: int) -> StageState:
        """Return an empty state."""
        ...

    def merge(self, bodies: Sequence[bytes]) -> bytes:
        """Return one body with the effect of several."""
        ...

    def check(self) -> None:
        """Raise the error that ended something the stage depends on; called every second."""
        ...
