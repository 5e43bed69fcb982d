"""The names under which films are spoken of."""

from __future__ import annotations

import pytest

from stream_processors.linking.aliases import Kind, names_of


def names(title: str, prior: float = 8.0, *, recent: bool = False) -> dict[str, Kind]:
    """Return the names of a film with one title, joined by spaces."""
    return {" ".join(words): kind for words, kind in names_of([(title, Kind.TITLE)], prior, recent=recent).items()}


@pytest.mark.parametrize(
    ("title", "name", "kind"),
    [
        ("The Matrix", "the matrix", Kind.TITLE),
        ("The Matrix", "matrix", Kind.ARTICLE),
        ("Gladiator II", "gladiator 2", Kind.NUMERAL),
        ("Ocean's Eleven", "oceans 11", Kind.NUMERAL),
        ("Se7en", "se7en", Kind.TITLE),
        ("Dune: Part Two", "dune part 2", Kind.NUMERAL),
        ("Dune: Part Two", "dune 2", Kind.PART),
        ("Dune: Part Two", "dune ii", Kind.PART),
        ("Mad Max: Fury Road", "fury road", Kind.TAIL),
        ("Borat: Cultural Learnings of America", "borat", Kind.HEAD),
        ("Will & Harper", "will harper", Kind.AND_DROPPED),
        ("Spider-Man", "spiderman", Kind.JOINED),
        ("WALL\u00b7E", "walle", Kind.JOINED),
        ("E.T. the Extra-Terrestrial", "e t", Kind.HEAD),
        ("Dr. Strangelove", "doctor strangelove", Kind.SHORTENED),
        ("Godzilla vs. Kong", "godzilla versus kong", Kind.SHORTENED),
        ("Sonic the Hedgehog 3", "sonic 3", Kind.PART),
        ("Harry Potter and the Goblet of Fire", "goblet of fire", Kind.FRANCHISE_TAIL),
        ("The Adventures of Tintin", "tintin", Kind.FRANCHISE_TAIL),
        ("Am\u00e9lie", "amelie", Kind.TITLE),
        ("\u0428\u0435\u0440\u043b\u043e\u043a", "\u0448\u0435\u0440\u043b\u043e\u043a", Kind.TITLE),
    ],
)
def test_derives_the_name(title: str, name: str, kind: Kind) -> None:
    """Each way people shorten and respell titles is a name of its kind."""
    assert names(title)[name] == kind


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Alien: Romulus", "alien"),
        ("Borat: Cultural Learnings of America", "borat"),
        ("The Assassination of Jesse James", "the assassination"),
        ("The Long Good Friday", "tlgf"),
    ],
)
def test_unknown_films_have_few_names(title: str, name: str) -> None:
    """A film that hardly anybody voted for is not recognised by a loose name."""
    assert name not in names(title, prior=1.0)


def test_initials_stand_for_famous_films_only() -> None:
    """TDK is The Dark Knight because everybody has seen it."""
    assert names("The Dark Knight", prior=10.0)["tdk"] == Kind.INITIALS
    assert "tdk" not in names("The Dark Knight", prior=8.0)


def test_title_without_words_has_no_name() -> None:
    """A title of punctuation cannot be found in text."""
    assert names("...") == {}
