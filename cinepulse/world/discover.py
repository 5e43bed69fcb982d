"""The filters of TMDB's discover."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cinepulse.world.catalog import Film


def chosen(films: Iterable[Film], query: Mapping[str, str]) -> list[Film]:
    """Return the films that pass every filter of a query; parameters that are no known filter do not count."""
    tests = [test for name, text in query.items() if (test := _test(name, text)) is not None]
    return [film for film in films if all(test(film) for test in tests)]


def _test(name: str, text: str) -> Callable[[Film], bool] | None:  # noqa: PLR0911 - one return a filter
    match name:
        case "primary_release_date.gte" | "release_date.gte":
            return lambda film: film.release_date >= text
        case "primary_release_date.lte" | "release_date.lte":
            return lambda film: "" < film.release_date <= text
        case "primary_release_year" | "year":
            return lambda film: film.year == text
        case "with_original_language":
            return lambda film: film.original_language == text
        case "with_genres":
            wanted = {int(part) for part in text.replace("|", ",").split(",") if part.isdecimal()}
            any_of = "|" in text
            return lambda film: bool(wanted & {*film.genre_ids}) if any_of else wanted <= {*film.genre_ids}
        case "vote_count.gte" | "vote_average.gte" if _is_number(text):
            least, field = float(text), name.partition(".")[0]
            return lambda film: float(getattr(film, field)) >= least
        case _:
            return None


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
