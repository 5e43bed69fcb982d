"""What a stage is to the worker that runs it: state a partition, folded batch by batch, taken flush by flush."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_processors.outbox import Outgoing

# A state that has dropped ids of deleted posts is written anew after so much stream time: until then they are in the
# log's earlier bodies. With the changelog's own compaction they are gone well within the policy's 48 hours.
REWRITE_MS: Final = 6 * 3_600_000

FORGET_HEADER: Final = "cinepulse-forget"
"""Header of a tombstone by which `cinepulse forget` asks for more than a tombstone does: nothing of the post stays."""


def asks_to_forget(record: object) -> bool:
    """Return whether a tombstone says that nothing of its post may stay, in the state and in its log."""
    return any(name == FORGET_HEADER for name, _ in getattr(record, "headers", None) or ())


@dataclass(frozen=True, slots=True)
class Flush:
    """What has to be delivered, in this order: the state's changes, then what they lead to."""

    bodies: Sequence[bytes]
    outgoing: Sequence[Outgoing]
    receipt: Any = None
    """Given back to `StageState.settled`."""
    whole: Sequence[bytes] | None = None
    """The whole state as bodies, `bodies` included, where the log is to be written anew."""
    again: bool = False
    """Once this is delivered there is more to take."""


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
