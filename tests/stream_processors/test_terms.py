"""The words near a film: what is told of them and what is left out, for any text."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.terms import LONGEST, MOST_TERMS, STOP_WORDS, terms_of


@dataclass(frozen=True)
class Place:
    """What the linker finds."""

    tmdb_id: int
    start: int
    end: int
    location: str = "body"
    alias: str = "heat"


def terms(text: str, name: str = "Heat") -> tuple[str, ...]:
    """Return the terms near the first place of a name."""
    start = text.index(name)
    return terms_of(text, [Place(1, start, start + len(name), alias=name.lower())])[1]


def test_words_and_pairs_by_hand() -> None:
    """`the` and `saw` say nothing, `Heat` is the film; `bank robbery` stands together, `robbery, shootout` does not."""
    found = terms("Saw Heat: the bank robbery, shootout!")

    assert found == ("bank", "bank robbery", "robbery", "shootout")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Heat heat HEAT heat", ()),
        ("Heat https://example.org/leak.html www.example.org", ()),
        ("Heat u/somebody r/movies @somebody", ()),
        ("Heat `code` 1995 42", ()),
        ("Heat d\u00e9j\u00e0 vu", ("deja",)),
        ("Heat is a movie I watched", ()),
        ("Heat ending ending Ending", ("ending", "ending ending")),
        (f"Heat {'x' * (LONGEST + 1)}", ()),
        ("Heat stars Pacino &amp; Deniro", ("stars", "stars pacino", "pacino", "deniro")),
    ],
)
def test_what_counts(text: str, found: tuple[str, ...]) -> None:
    """The film's own words, links, accounts, code, numbers and stop words do not; accents and case do not matter."""
    assert terms(text) == found


def test_only_what_is_near_counts() -> None:
    """Words 200 characters away belong to something else."""
    text = f"faraway {'. ' * 150}shootout Heat robbery {'. ' * 150}distant"

    assert terms(text) == ("shootout", "robbery")


def test_a_film_named_outside_the_text_has_the_beginning_of_it() -> None:
    """A link or the thread's title says what the post is about: its first words are near."""
    text = f"terrific shootout {'. ' * 250}distant"

    assert terms_of(text, [Place(1, 0, 0, "link")]) == {1: ("terrific", "terrific shootout", "shootout")}


def test_each_film_has_its_own() -> None:
    """Another film's title is a term as any word is; one's own is not."""
    text = "Heat beats Ronin"

    assert terms_of(text, [Place(1, 0, 4), Place(2, 11, 16, alias="ronin")]) == {
        1: ("beats", "beats ronin", "ronin"),
        2: ("heat", "heat beats", "beats"),
    }


@given(st.text(max_size=600), st.lists(st.tuples(st.integers(0, 600), st.integers(0, 20)), min_size=1, max_size=5))
def test_any_text_has_terms_within_bounds(text: str, places: list[tuple[int, int]]) -> None:
    """Whatever the text: at most 32 distinct terms of one or two told words, the same each time."""
    found = [Place(1, min(start, len(text)), min(start + size, len(text))) for start, size in places]

    first = terms_of(text, found)[1]

    assert first == terms_of(text, found)[1]
    assert len(first) == len(set(first)) <= MOST_TERMS
    for term in first:
        words = term.split(" ")
        assert 1 <= len(words) <= 2
        assert all(3 <= len(word) <= LONGEST and word not in STOP_WORDS for word in words)


def test_a_long_text_has_few_terms() -> None:
    """A post at Reddit's limit tells no more than 32 terms."""
    assert len(terms("Heat " + " ".join(f"word{number}x" for number in range(9_000)))) == MOST_TERMS
