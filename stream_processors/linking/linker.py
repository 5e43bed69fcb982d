"""One message to the films it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stream_processors.linking.candidates import Candidate, find_candidates
from stream_processors.linking.context import around
from stream_processors.linking.links import linked_films
from stream_processors.linking.message import LinkedMention, Message
from stream_processors.linking.ranking import rank, year_beside
from stream_processors.linking.rules import Facts, judge
from stream_processors.linking.scene import scene_of
from stream_processors.linking.tokens import blank, tokenise

if TYPE_CHECKING:
    from schemas.events import MentionLocation
    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.scene import scene_of
from stream_processors.linking.tokens import Tokens

DEFAULT_THRESHOLD: Final = 0.5
MAX_TEXT: Final = 1_000_000
"""Characters read of one message; what stands behind is not linked."""


def link(message: Message, catalog: Catalog, threshold: float = DEFAULT_THRESHOLD) -> list[LinkedMention]:
    """Return the films that a message names with at least `threshold` confidence, in the order of the text.

    Pure: the same message, catalogue and threshold give the same mentions. Spans do not overlap.
    """
    raw = message.text[:MAX_TEXT]
    found = _from_links(message, raw, catalog)
    text = blank(raw)
    tokens = tokenise(text)
    candidates = find_candidates(text, tokens, catalog.names)
    if candidates:
        found += _from_names(message, text, tokens, candidates, catalog)
    return sorted((one for one in found if one.confidence >= threshold), key=lambda one: (one.start, one.end))


def _from_links(message: Message, raw: str, catalog: Catalog) -> list[LinkedMention]:
    found = [
        LinkedMention(catalog.films[place].tmdb_id, start, end, "link", alias, "link", confidence)
        for place, start, end, alias, confidence in linked_films(raw, catalog)
    ]
    here = {one.tmdb_id for one in found}
    for place, _, _, alias, confidence in linked_films((message.url or "")[:2000], catalog):
        tmdb_id = catalog.films[place].tmdb_id
        if tmdb_id not in here:
            found.append(LinkedMention(tmdb_id, 0, 0, "link", alias, "link", confidence))
    return found


def _from_names(
    message: Message, text: str, tokens: Tokens, candidates: list[Candidate], catalog: Catalog
) -> list[LinkedMention]:
    scene = scene_of(message, text, tokens)
    judged = []
    for candidate in candidates:
        nearby = around(text, candidate.start, candidate.end)
        facts = catalog.facts_of(candidate.name, candidate.meanings)
        year = year_beside(text, candidate.start, candidate.end)
        meant = rank(catalog.films, candidate, facts.standings, scene, year)
        recent = abs(scene.now - meant.film.released) < 1.0
        known = Facts(nearby, meant.kind, meant.film.prior, meant.fit > 0, recent, scene.headline)
        confidence = judge(text, tokens, candidate, known)
        if confidence > 0:
            judged.append((candidate.first - candidate.last, candidate.first, -confidence, candidate, meant))
    judged.sort(key=lambda one: one[:3])
    taken: set[int] = set()
    found = []
    for _, _, negative, candidate, meant in judged:
        places = range(candidate.first, candidate.last + 1)
        if not taken.isdisjoint(places):
            continue
        taken.update(places)
        location: MentionLocation = "title" if candidate.start < message.title_end else "body"
        found.append(
            LinkedMention(
                meant.film.tmdb_id, candidate.start, candidate.end, location, candidate.name, "rules", -negative
            )
        )
    return found
