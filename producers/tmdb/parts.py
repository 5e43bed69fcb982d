"""What every TMDB job works with, and the two things that all of them do: confirm and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.errors import BrokerUnavailable, Poison
from cinepulse.metrics import FIELD_ERRORS, ITEMS, POLLS
from producers.broker import note_absence
from schemas.events import PollReport
from schemas.topics import TMDB_POPULARITY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date
    from random import Random

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings
    from producers.outbox import Outbox
    from producers.tmdb.client import TmdbClient
    from producers.tmdb.coerce import Genres
    from producers.tmdb.films import Films
    from producers.tmdb.state import TmdbState
    from schemas.events import TitleSnapshot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Begun:
    """When a poll began (epoch milliseconds) and how many requests had been made before it."""

    at: int
    requests: int


@dataclass(frozen=True, slots=True)
class Parts:
    """One event loop's client, memory and ways out.

    `pause` lets seconds pass and shows that the part is alive. `genres`: names by id, filled by the catalogue's pass.
    """

    settings: Settings
    client: TmdbClient
    state: TmdbState
    films: Films
    outbox: Outbox
    clock: Clock
    random: Random
    pause: Callable[[float], Awaitable[None]]
    genres: Genres = field(default_factory=dict)

    def today(self) -> date:
        """Return the UTC day."""
        return datetime.fromtimestamp(self.clock.now_ms() / MILLISECONDS_PER_SECOND, UTC).date()

    def wrong(self, name: str) -> None:
        """Count a field whose value is unusable."""
        FIELD_ERRORS.labels("tmdb", name).inc()

    def usable(self, record: T | Poison, listing: str, raw: object) -> T | None:
        """Return a coerced record, or None for one that is none, which goes to dead letters."""
        if isinstance(record, Poison):
            self.outbox.dead_letter(listing, record, key=None, thing=raw)
            return None
        return record

    def send_snapshot(self, snapshot: TitleSnapshot) -> None:
        """Queue a popularity snapshot. Raises BrokerUnavailable."""
        listing, thing = snapshot.source, {"id": snapshot.tmdb_id}
        ITEMS.labels("tmdb").inc()
        self.outbox.send(TMDB_POPULARITY, snapshot.tmdb_id, snapshot, listing=listing, thing=thing)

    async def confirm(self) -> None:
        """Wait until Kafka has confirmed everything queued, however long that takes, and remember the films sent."""
        failures = 0
        while True:
            try:
                self.outbox.confirm()
            except BrokerUnavailable as error:
                failures += 1
                await self.pause(note_absence("tmdb", error, failures))
            else:
                break
        self.films.remember()
        await self.pause(0)

    def begin(self) -> Begun:
        """Return the start of a poll."""
        return Begun(self.clock.now_ms(), self.client.requests)

    async def report(self, listing: str, begun: Begun, *, items: int = 0, error: Exception | None = None) -> None:
        """Send and confirm the report of a poll that ends now, with all that it queued before.

        Args:
            listing: what was polled.
            begun: when it began.
            items: observations made.
            error: why it failed, None where it did not.
        """
        report = PollReport(
            started_at=begun.at,
            finished_at=self.clock.now_ms(),
            outcome="ok" if error is None else "failed",
            requests=self.client.requests - begun.requests,
            items=items,
            known=0,
            error=None if error is None else f"{type(error).__name__}: {error}",
        )
        self.outbox.report(listing, report)
        await self.confirm()
        POLLS.labels("tmdb", report.outcome).inc()
