"""From a message to its candidates with everything that decides about them: shared by the linker and its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from stream_processors.linking.candidates import Candidate, find_candidates
from stream_processors.linking.context import CLOSING, OPENING
from stream_processors.linking.features import features_of
from stream_processors.linking.gate import passes
from stream_processors.linking.ranking import Meant, rank, year_beside
from stream_processors.linking.scene import Scene, about_films, scene_of
from stream_processors.linking.tokens import blank, tokenise
from stream_processors.linking.typos import find_misspelt

if TYPE_CHECKING:
    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.facts import NameFacts
    from stream_processors.linking.message import Message

MOST: Final = 2_000
"""Candidates judged in one message: a longer list is no message, and its end is left out."""


INTRODUCTIONS: Final = ("i am", "im", "my name is")


class Case(NamedTuple):
    """A candidate, the film it means, and its features."""

    candidate: Candidate
    meant: Meant
    features: list[float]


def cases_of(message: Message, catalog: Catalog) -> list[Case]:
    """Return the candidates of a message that the gate lets through, in the order of the text."""
    text = blank(message.text)
    tokens = tokenise(text)
    community = about_films(message)
    kept: list[tuple[Candidate, NameFacts]] = []
    for candidate in (*find_candidates(text, tokens, catalog.names), *find_misspelt(text, tokens, catalog)):
        facts = catalog.facts_of(candidate.name, candidate.meanings)
        if passes(text, tokens, candidate, facts, community):
            kept.append((candidate, facts))
            if len(kept) == MOST:
                break
    if not kept:
        return []
    scene = scene_of(message, text, tokens)
    if scene.thread:
        kept = [one for one in kept if not _is_host(scene, one[0])]
    return [
        _case(scene, catalog, candidate, facts, around)
        for (candidate, facts), around in zip(kept, _overlaps(text, kept), strict=True)
    ]


def _is_host(scene: Scene, candidate: Candidate) -> bool:
    """Return whether the thread's author introduced himself by that name, so that comments talk to him."""
    named = any(f" {words} {candidate.name} " in scene.thread for words in INTRODUCTIONS)
    return named and not _is_quoted(scene.text, candidate)


def _case(scene: Scene, catalog: Catalog, candidate: Candidate, facts: NameFacts, overlaps: tuple[float, ...]) -> Case:
    year = year_beside(scene.text, candidate.start, candidate.end)
    meant = rank(catalog.films, candidate, facts.standings, scene, year)
    return Case(candidate, meant, features_of(scene, candidate, facts, (meant, year), overlaps))


def _overlaps(text: str, kept: list[tuple[Candidate, NameFacts]]) -> list[tuple[float, ...]]:
    """Return how candidates lie to each other.

    For each: words by which a longer one contains it, whether it contains a shorter one, how many others there are that
    no longer one contains, and how many of those are quoted.
    """
    if len(kept) == 1:
        return [(0.0, 0.0, 0.0, 0.0)]
    longest: dict[int, int] = {}
    shortest: dict[int, int] = {}
    for candidate, _ in kept:
        length = candidate.last - candidate.first
        for place in range(candidate.first, candidate.last + 1):
            longest[place] = max(longest.get(place, 0), length)
            shortest[place] = min(shortest.get(place, length), length)
    outer = [
        candidate
        for candidate, _ in kept
        if longest[candidate.first] == longest[candidate.last] == candidate.last - candidate.first
    ]
    quoted = {candidate for candidate in outer if _is_quoted(text, candidate)}
    outermost = set(outer)
    found: list[tuple[float, ...]] = []
    for candidate, _ in kept:
        length = candidate.last - candidate.first
        places = range(candidate.first, candidate.last + 1)
        found.append(
            (
                float(min(max(longest[place] for place in places) - length, 3)),
                float(min(shortest[place] for place in places) < length),
                float(min(len(outer) - (candidate in outermost), 6)),
                float(min(len(quoted) - (candidate in quoted), 4)),
            )
        )
    return found


def _is_quoted(text: str, candidate: Candidate) -> bool:
    before, after = text[candidate.start - 1 : candidate.start], text[candidate.end : candidate.end + 1]
    return before in OPENING and after in CLOSING
