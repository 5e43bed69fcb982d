"""Titles of films for commands that go on without them while the database is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.clock import SystemClock
from cinepulse.errors import CinepulseError

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from clickhouse.alerts import Titles

# A database that is away is asked again after so long, not for each alert.
AGAIN_SECONDS: Final = 30.0


class PatientTitles:
    """Asks the ClickHouse of the settings; an answer that does not come is no title. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._titles: Titles | None = None
        self._clock = SystemClock()
        self._not_before = float("-inf")

    def of(self, tmdb_id: int) -> str | None:
        """Return a film's title, None where it is not known or nobody can tell now."""
        if self._clock.monotonic() < self._not_before:
            return None
        try:
            if self._titles is None:
                from clickhouse.alerts import Titles
                from clickhouse.client import connect

                self._titles = Titles(connect(self._settings))
            return self._titles.of(tmdb_id)
        except CinepulseError:
            self._not_before = self._clock.monotonic() + AGAIN_SECONDS
            return None
