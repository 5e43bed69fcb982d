"""One message to the films it names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stream_processors.linking.decoding import choose
from stream_processors.linking.judging import cases_of
from stream_processors.linking.links import linked_films
from stream_processors.linking.message import LinkedMention, Message
from stream_processors.linking.model import load_model
from stream_processors.linking.threads import NAMED_SHARE, SURE_TITLE, pointing

if TYPE_CHECKING:
    from schemas.events import MentionLocation
    from stream_processors.linking.catalog import Catalog

DEFAULT_THRESHOLD: Final = 0.5
MAX_TEXT: Final = 1_000_000
"""Characters read of one message; what stands behind is not linked."""
MAX_URL: Final = 2_000


def link(message: Message, catalog: Catalog, threshold: float = DEFAULT_THRESHOLD) -> list[LinkedMention]:
    """Return the films that a message names with at least `threshold` confidence, in the order of the text.

    Pure: the same message, catalogue and threshold give the same mentions. Spans of names do not overlap.
    """
    if len(message.text) > MAX_TEXT:
        message = replace(message, text=message.text[:MAX_TEXT])
    linked = _from_links(message, catalog)
    named = _from_names(message, catalog)
    found = [one for one in (*linked, *named) if one.confidence >= threshold]
    if not found and message.thread_title and threshold <= NAMED_SHARE:
        found = [one for one in _from_thread(message, message.thread_title, catalog) if one.confidence >= threshold]
    return sorted(found, key=lambda one: (one.start, one.end, one.tmdb_id))


def _from_links(message: Message, catalog: Catalog) -> list[LinkedMention]:
    found = [
        LinkedMention(catalog.films[place].tmdb_id, start, end, "link", alias, "link", confidence)
        for place, start, end, alias, confidence in linked_films(message.text, catalog)
    ]
    here = {one.tmdb_id for one in found}
    for place, _, _, alias, confidence in linked_films((message.url or "")[:MAX_URL], catalog):
        tmdb_id = catalog.films[place].tmdb_id
        if tmdb_id not in here:
            found.append(LinkedMention(tmdb_id, 0, 0, "link", alias, "link", confidence))
    return found


def _from_names(message: Message, catalog: Catalog) -> list[LinkedMention]:
    cases = cases_of(message, catalog)
    if not cases:
        return []
    found = []
    for case, probability in choose(cases, load_model().probabilities([case.features for case in cases])):
        candidate = case.candidate
        location: MentionLocation = "title" if candidate.start < message.title_end else "body"
        method = "misspelt" if candidate.misspelt else "name"
        tmdb_id = case.meant.film.tmdb_id
        found.append(
            LinkedMention(tmdb_id, candidate.start, candidate.end, location, candidate.name, method, probability)
        )
    return found


def _from_thread(message: Message, title: str, catalog: Catalog) -> list[LinkedMention]:
    """Return the one film of the thread's title, where the comment points at it without a name."""
    place = pointing(message.text)
    if place is None:
        return []
    start, end, share = place
    above = Message(title, len(title), community=message.community, created_at=message.created_at)
    sure = [one for one in _from_names(above, catalog) if one.confidence >= SURE_TITLE]
    if len({one.tmdb_id for one in sure}) != 1:
        return []
    best = max(sure, key=lambda one: one.confidence)
    return [LinkedMention(best.tmdb_id, start, end, "thread", best.alias, "thread", share * best.confidence)]
