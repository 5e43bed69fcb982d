"""Addresses of film pages, which name a film for certain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stream_processors.linking.meanings import KINDS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_processors.linking.catalog import Catalog

PAGE: Final = re.compile(
    r"imdb\.com/(?:[a-z]{2}/)?title/(?P<imdb>tt\d{6,10})"
    r"|themoviedb\.org/movie/(?P<tmdb>\d{1,9})"
    r"|letterboxd\.com/(?:[\w-]{1,40}/)?film/(?P<slug>[a-z0-9-]{1,120})"
    r"|wikipedia\.org/wiki/(?P<article>[^\s()#?]{1,120}_\((?:\d{4}_)?film\))",
    re.IGNORECASE,
)
SLUG_YEAR: Final = re.compile(r"^(?P<name>.+?)[- ]\(?(?P<year>(?:19|20)\d\d)?(?: film\))?$")
CERTAIN: Final = 0.99
BY_NAME: Final = 0.95
HINTS: Final = ("imdb.com", "themoviedb.org", "letterboxd.com", "wikipedia.org")


def linked_films(text: str, catalog: Catalog) -> Iterator[tuple[int, int, int, str, float]]:
    """Yield (place among the films, start, end, what was linked, confidence) for each address of a known film."""
    if "/" not in text or not any(hint in text.lower() for hint in HINTS):
        return
    for match in PAGE.finditer(text):
        place, confidence = _resolve(match, catalog)
        if place is not None:
            yield place, match.start(), match.end(), match[match.lastgroup or 0].lower(), confidence


def _resolve(match: re.Match[str], catalog: Catalog) -> tuple[int | None, float]:
    if match["imdb"]:
        return catalog.by_imdb.get(match["imdb"].lower()), CERTAIN
    if match["tmdb"]:
        return catalog.by_tmdb.get(int(match["tmdb"])), CERTAIN
    return _named((match["slug"] or match["article"]).lower(), catalog), BY_NAME


def _named(slug: str, catalog: Catalog) -> int | None:
    """Return the film of a page whose address holds its name, and its year where several share the name."""
    spaced = slug.replace("-", " ").replace("_", " ").strip()
    for name, year in _readings(spaced):
        found = catalog.names.get(name, PREFIX)
        codes = found if isinstance(found, tuple) else (found,)
        for code in codes:
            if code != PREFIX and (year is None or catalog.films[code // KINDS].released // 1 == year):
                return code // KINDS
    return None


def _readings(spaced: str) -> Iterator[tuple[str, int | None]]:
    yield spaced, None
    match = re.fullmatch(r"(.+?) \(?(?:((?:19|20)\d\d) ?|\d )?(?:film\))?", spaced)
    if match:
        yield match[1], int(match[2]) if match[2] else None
