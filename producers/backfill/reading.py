"""What a line of a file can be, and who reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from schemas.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cinepulse.errors import Poison
    from producers.backfill.state import FileProgress
    from schemas.events import CoverageKey, PollReport

ORIGIN = "backfill"

Fate = Literal["sent", "gone", "elsewhere", "repeated"]
Sending = tuple[Topic, Any, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """A line that was understood.

    `sending`: topic, key and value of the record to send, None for none. `feed`, `first` and `last`: the event time
    that the line belongs to, both instants (epoch milliseconds) on one UTC day; None where it says nothing of that.
    """

    fate: Fate
    sending: Sending | None = None
    feed: str | None = None
    first: int = 0
    last: int = 0
    community: str | None = None


class LineReader(Protocol):
    """Reads the lines of one file."""

    def read(self, line: bytes) -> Read | Poison | None:
        """Return what a line is, why it can be nothing, or None for one that says nothing."""
        ...

    def pass_over(self, line: bytes) -> None:
        """Take from a line that was sent before what later lines need."""
        ...

    def closing(self) -> Iterable[Sending]:
        """Return what is to be sent behind the last line."""
        ...


class Source(Protocol):
    """One kind of files."""

    @property
    def name(self) -> str:
        """What its records are called: reddit or tmdb."""
        ...

    def key(self, fingerprint: str) -> str:
        """Return what a file is remembered by: it and the options that choose among its lines."""
        ...

    def reader(self, name: str) -> LineReader:
        """Return a reader for a file of that name; raises ConfigurationInvalid for a name of another kind of file."""
        ...

    def worth_telling(self, community: str) -> bool:
        """Return whether coverage may tell of a community."""
        ...

    def coverage(self, progress: FileProgress) -> Iterable[tuple[CoverageKey, PollReport]]:
        """Return what a file that was read whole says about coverage."""
        ...
