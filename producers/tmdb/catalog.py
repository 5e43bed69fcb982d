"""The whole catalogue: the export for ids and popularity, `discover` for titles and dates, details for the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.errors import Poison, SourceUnavailable
from cinepulse.logging import get_logger
from producers.tmdb.coerce import read_genres, read_movie
from producers.tmdb.details import read_details
from producers.tmdb.discover import discover
from producers.tmdb.export import MostPopular, export_rows, latest_export
from schemas.events import Movie, TitleSnapshot

if TYPE_CHECKING:
    from datetime import date

    from producers.tmdb.export import Export, Row
    from producers.tmdb.parts import Parts

log = get_logger(__name__)

CATALOG: Final = "catalog"
EXPORT: Final = "export"
DISCOVER: Final = "discover"

# Names of facts in the producer's memory: ISO days.
EXPORT_DAY: Final = "export_day"
CATALOG_DAY: Final = "catalog_day"

# Records between two confirmations.
BATCH: Final = 4_000

# A file with more bad lines than this is not the export.
MAX_BAD_LINES: Final = 100


class CatalogPass:
    """One pass over the catalogue; its steps run in order and each may be tried again.

    Args:
        parts: what it works with.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._top: dict[int, Row] = {}
        self._observed_at = 0

    async def read_export(self, after: date | None = None) -> bool:
        """Publish every title's popularity from the newest export later than `after`; False when there is none.

        Raises SourceUnavailable.
        """
        parts, begun = self._parts, self._parts.begin()
        export = await latest_export(parts.client, parts.today(), after=after)
        if export is None:
            return False
        count, top = await self._publish_export(export)
        self._top = {row.tmdb_id: row for row in top}
        self._observed_at = export.observed_at
        await parts.report(EXPORT, begun, items=count)
        parts.state.save_popularity(((row.tmdb_id, row.popularity) for row in top), replace=True)
        parts.state.remember(EXPORT_DAY, export.day.isoformat())
        log.info("tmdb.export_read", day=export.day.isoformat(), titles=count)
        return True

    async def read_lists(self) -> None:
        """Publish the catalogue's films from `discover`. Raises SourceUnavailable, SourceRefused."""
        parts, begun = self._parts, self._parts.begin()
        parts.genres.update(read_genres(await parts.client.get("genre/movie/list")))
        size = parts.settings.tmdb_catalog_titles
        full = len(self._top) >= size
        least = min((row.popularity for row in self._top.values()), default=0.0) if full else 0.0
        covered: set[int] = set()
        async for page in discover(parts.client, parts.clock, parts.today(), least, windows=bool(self._top)):
            movies: list[Movie] = []
            for raw in page.films:
                read = read_movie(raw, "list", page.received_at, parts.genres, parts.wrong)
                movie = parts.usable(read, DISCOVER, raw)
                if movie is not None and self._wanted(movie):
                    movies.append(movie)
            covered.update(movie.tmdb_id for movie in movies)
            if not self._top:
                known = ((movie.tmdb_id, movie.popularity) for movie in movies if movie.popularity is not None)
                parts.state.save_popularity(known, replace=False)
            parts.films.send(movies, DISCOVER)
            if parts.films.waiting >= BATCH:
                await parts.confirm()
        await parts.report(DISCOVER, begun, items=len(covered))
        await self._send_uncovered(covered)

    async def read_tracked(self) -> None:
        """Publish the details of the most popular films that have none yet. Raises SourceUnavailable."""
        parts, begun = self._parts, self._parts.begin()
        tracked = parts.settings.tmdb_tracked_titles
        missing = parts.state.without_details(tracked, tracked, 1)
        await parts.report("details", begun, items=await read_details(parts, missing))

    def _wanted(self, movie: Movie) -> bool:
        return not self._top or movie.tmdb_id in self._top

    async def _publish_export(self, export: Export) -> tuple[int, list[Row]]:
        parts, most_popular, count, bad = self._parts, MostPopular(self._parts.settings.tmdb_catalog_titles), 0, 0
        for row in export_rows(export.body, parts.wrong):
            if row is None:
                continue
            if isinstance(row, Poison):
                bad += 1
                if bad > MAX_BAD_LINES:
                    raise SourceUnavailable(f"the export has more than {MAX_BAD_LINES} bad lines")
                parts.outbox.dead_letter(EXPORT, row, key=None, thing={"day": export.day.isoformat()})
                continue
            most_popular.show(row)
            parts.send_snapshot(
                TitleSnapshot(
                    tmdb_id=row.tmdb_id, observed_at=export.observed_at, source=EXPORT, popularity=row.popularity
                )
            )
            count += 1
            if count % BATCH == 0:
                await parts.confirm()
        return count, most_popular.rows()

    async def _send_uncovered(self, covered: set[int]) -> None:
        """Publish, by what the export tells, the films that no list showed: those without a release date."""
        rows = [row for tmdb_id, row in self._top.items() if tmdb_id not in covered]
        for start in range(0, len(rows), BATCH):
            movies = (row.movie(self._observed_at) for row in rows[start : start + BATCH])
            self._parts.films.send(movies, EXPORT)
            await self._parts.confirm()
