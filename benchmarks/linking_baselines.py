"""The ways of finding films in text that the linker is measured against, each as message -> predictions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from benchmarks.linking_rules import Facts, judge
from stream_processors.linking.candidates import Candidate, find_candidates
from stream_processors.linking.context import CLOSING, OPENING
from stream_processors.linking.meanings import KINDS, codes_of
from stream_processors.linking.ranking import rank, year_beside
from stream_processors.linking.scene import scene_of
from stream_processors.linking.tokens import blank, tokenise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stream_processors.linking import Catalog, Message

    Prediction = tuple[int, int, int]
    System = Callable[[Message], list[Prediction]]

TOP: Final = 400
TITLE_KINDS: Final = frozenset({0, 1, 2})
NEWS_YEARS: Final = 1.0
LEAST: Final = 0.5


def substring(catalog: Catalog, most: int | None) -> System:
    """Return the oldest way: a title's letters anywhere in the text's letters, of the most voted films or of all."""
    films = sorted(catalog.films, key=lambda film: -film.prior)[:most]
    titles: dict[str, int] = {}
    for film in films:
        titles.setdefault(film.title.lower(), film.tmdb_id)

    def find(message: Message) -> list[Prediction]:
        text = message.text.lower()
        found = []
        for title, tmdb_id in titles.items():
            start = text.find(title)
            if start >= 0:
                found.append((start, start + len(title), tmdb_id))
        return found

    return find


def word_boundary(catalog: Catalog, *, cased: bool) -> System:
    """Return the longest titles on word boundaries, in any case or only with the title's own capitals."""

    def find(message: Message) -> list[Prediction]:
        text = blank(message.text)
        found = []
        for candidate in find_candidates(text, tokenise(text), catalog.names):
            codes = [code for code in codes_of(candidate.meanings) if code % KINDS in TITLE_KINDS]
            if not codes:
                continue
            film = max((catalog.films[code // KINDS] for code in codes), key=lambda film: film.prior)
            if not cased or text[candidate.start : candidate.end] == film.title:
                found.append((candidate, film.tmdb_id))
        return _longest(found)

    return find


def rules(catalog: Catalog) -> System:
    """Return hand-written rules over the same names and the same choice between films of one name."""

    def find(message: Message) -> list[Prediction]:
        text = blank(message.text)
        tokens = tokenise(text)
        scene = scene_of(message, text, tokens)
        found = []
        for candidate in find_candidates(text, tokens, catalog.names):
            year = year_beside(text, candidate.start, candidate.end)
            known = catalog.facts_of(candidate.name, candidate.meanings)
            meant = rank(catalog.films, candidate, known.standings, scene, year)
            before, after = text[candidate.start - 1 : candidate.start], text[candidate.end : candidate.end + 1]
            facts = Facts(
                quoted=before in OPENING and after in CLOSING,
                bracketed_year=year.bracketed,
                kind=meant.kind,
                prior=meant.film.prior,
                year_matches=meant.fit > 0,
                recent=abs(scene.now - meant.film.released) < NEWS_YEARS,
                headline=scene.headline,
            )
            if judge(text, tokens, candidate, facts) >= LEAST:
                found.append((candidate, meant.film.tmdb_id))
        return _longest(found)

    return find


def _longest(found: Iterable[tuple[Candidate, int]]) -> list[Prediction]:
    """Return predictions without overlap, longer ones first."""
    taken: set[int] = set()
    kept = []
    for candidate, tmdb_id in sorted(found, key=lambda one: (one[0].first - one[0].last, one[0].first)):
        places = range(candidate.first, candidate.last + 1)
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append((candidate.start, candidate.end, tmdb_id))
    return kept


def tokenising(message: Message) -> list[Prediction]:
    """Find nothing: what splitting a text into words alone costs."""
    re.findall(r"\w+", message.text.lower())
    return []
