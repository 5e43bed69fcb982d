"""TMDB's daily export: every film's id and popularity, a gzip file of JSON lines.

See https://developer.themoviedb.org/docs/daily-id-exports: written from 07:00 UTC, there by 08:00, kept three months.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from cinepulse.clock import MILLISECONDS_PER_SECOND
from cinepulse.world.tmdb_records import export_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from cinepulse.clock import Clock
    from cinepulse.world.catalog import Film
    from cinepulse.world.popularity import Popularity

WRITTEN_HOUR: Final = 7
READY_HOUR: Final = 8
KEPT_DAYS: Final = 90
CACHED_FILES: Final = 8
NAME: Final = re.compile(r"movie_ids_(\d\d)_(\d\d)_(\d{4})\.json\.gz")


@dataclass(slots=True)
class Exports:
    """The export files of a catalogue."""

    films: Mapping[int, Film]
    popularity: Popularity
    clock: Clock
    _files: dict[date, bytes] = field(default_factory=dict)

    async def serve(self, request: Request) -> Response:
        """Answer with a day's file, 404 where there is none."""
        day = self.day_of(request.path_params["name"])
        if day is None:
            return Response("Not Found", status_code=404)
        if day not in self._files:
            content = await asyncio.to_thread(self.content, day)
            if len(self._files) >= CACHED_FILES:
                self._files.pop(next(iter(self._files)), None)
            self._files[day] = content
        return Response(self._files[day], media_type="application/gzip")

    def day_of(self, name: str) -> date | None:
        """Return the day of a file that is there now, None for any other name."""
        match = NAME.fullmatch(name)
        if match is None:
            return None
        month, day, year = (int(digits) for digits in match.groups())
        try:
            ready = datetime(year, month, day, READY_HOUR, tzinfo=UTC)
        except ValueError:
            return None
        age = datetime.fromtimestamp(self.clock.now_ms() / MILLISECONDS_PER_SECOND, UTC) - ready
        return ready.date() if timedelta(0) <= age <= timedelta(days=KEPT_DAYS) else None

    def content(self, day: date) -> bytes:
        """Return a day's file, the same bytes whenever it is made."""
        at = datetime(day.year, day.month, day.day, WRITTEN_HOUR, tzinfo=UTC).timestamp()
        factors = self.popularity.factors(at)
        lines = (
            json.dumps(
                export_record(film, self.popularity.at(film, at, factors)), ensure_ascii=False, separators=(",", ":")
            )
            for film in self.films.values()
        )
        return gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=1, mtime=0)
