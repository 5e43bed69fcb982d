"""Which film of one name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stream_processors.linking import Catalog, Message
from stream_processors.linking.candidates import find_candidates
from stream_processors.linking.ranking import rank, year_beside
from stream_processors.linking.scene import scene_of
from stream_processors.linking.tokens import blank, tokenise
from tests.stream_processors.linking.films import FILMS

CATALOG = Catalog.build(FILMS)


def chosen(text: str, year: int = 2024) -> int:
    """Return the film that the longest name in the text is taken for."""
    created_at = int(datetime(year, 7, 1, tzinfo=UTC).timestamp() * 1000)
    text = blank(text)
    tokens = tokenise(text)
    candidate = max(find_candidates(text, tokens, CATALOG.names), key=lambda one: one.end - one.start)
    facts = CATALOG.facts_of(candidate.name, candidate.meanings)
    scene = scene_of(Message(text, created_at=created_at), text, tokens)
    beside = year_beside(text, candidate.start, candidate.end)
    return rank(CATALOG.films, candidate, facts.standings, scene, beside).film.tmdb_id


@pytest.mark.parametrize(
    ("text", "tmdb_id"),
    [
        ("Dune (1984)", 841),
        ("Dune (2021)", 438631),
        ("Dune, 1984", 841),
        ("the 1984 Dune", 841),
        ("1984's Dune", 841),
        ("Lynch made Dune", 841),
        ("Villeneuve made Dune", 438631),
        ("The Lion King (1994)", 8587),
        ("The Lion King (2019)", 420818),
    ],
)
def test_year_and_names_choose(text: str, tmdb_id: int) -> None:
    """The year beside a name decides, and so do the surnames of director and cast where the catalogue has them."""
    assert chosen(text) == tmdb_id


def test_unreleased_remake_is_not_meant() -> None:
    """A message from before a remake was thought of means the older film."""
    assert chosen("Dune", 2009) == 841
    assert chosen("Dune", 2021) == 438631


@pytest.mark.parametrize(
    ("text", "number", "bracketed"),
    [
        ("Dune (2021)", 2021, True),
        ("Dune [2021]", 2021, True),
        ("'Dune' (2021)", 2021, True),
        ("Dune 2021", 2021, False),
        ("Dune, 2021", 2021, False),
        ("Dune in 2021", 0, False),
        ("Dune 20210", 0, False),
        ("Dune 1980s", 0, False),
    ],
)
def test_reads_the_year_beside_a_name(text: str, number: int, bracketed: bool) -> None:  # noqa: FBT001 - a case
    """A year counts right behind the name, in brackets or not, and decades do not."""
    start = text.index("Dune")
    year = year_beside(text, start, start + 4)

    assert (year.number, year.bracketed) == (number, bracketed)
