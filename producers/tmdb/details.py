"""Films' details: one request each, with alternative titles, credits and release dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.errors import InvalidRecord, SourceRefused, SourceUnavailable
from producers.tmdb.coerce import read_movie, read_snapshot
from producers.tmdb.together import together
from schemas.events import Movie, TitleSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from producers.tmdb.client import Answer
    from producers.tmdb.parts import Parts

LISTING: Final = "details"
APPENDED: Final = "alternative_titles,credits,release_dates"

# Films asked for between two confirmations: what a kill makes us ask again.
BATCH: Final = 64


async def read_details(parts: Parts, tmdb_ids: Sequence[int]) -> int:
    """Ask for films' details, publish what differs, and return how many films answered.

    A film that fails while others answer is left for the next round.

    Raises:
        SourceUnavailable: no film of a batch answered.
        ConfigurationInvalid: the token is wrong.
    """
    answered = 0
    for start in range(0, len(tmdb_ids), BATCH):
        batch = tmdb_ids[start : start + BATCH]
        answers = await together(_ask(parts, tmdb_id) for tmdb_id in batch)
        failures = [answer for answer in answers if isinstance(answer, SourceUnavailable)]
        if len(failures) == len(batch):
            raise failures[0]
        asked = [tmdb_id for tmdb_id, answer in zip(batch, answers, strict=True) if answer not in failures]
        found = {tmdb_id: answer for tmdb_id, answer in zip(batch, answers, strict=True) if isinstance(answer, dict)}
        _publish(parts, found)
        await parts.confirm()
        parts.state.save_asked(asked, parts.clock.now_ms())
        answered += len(found)
    return answered


async def _ask(parts: Parts, tmdb_id: int) -> Answer | SourceUnavailable | SourceRefused:
    try:
        return await parts.client.get(f"movie/{tmdb_id}", append_to_response=APPENDED)
    except (SourceUnavailable, SourceRefused) as error:
        return error


def _publish(parts: Parts, answers: dict[int, Answer]) -> None:
    movies: list[Movie] = []
    for tmdb_id, raw in answers.items():
        now = parts.clock.now_ms()
        read = read_movie(raw, LISTING, now, parts.genres, parts.wrong)
        if isinstance(read, Movie) and read.tmdb_id != tmdb_id:
            read = InvalidRecord(f"asked for film {tmdb_id}, got {read.tmdb_id}", reason="wrong_film")
        movie = parts.usable(read, LISTING, {"asked": tmdb_id, "answer": raw})
        if movie is None:
            continue
        movies.append(movie)
        snapshot = read_snapshot(raw, LISTING, now)
        if isinstance(snapshot, TitleSnapshot):
            parts.send_snapshot(snapshot)
    parts.films.send(movies, LISTING)
