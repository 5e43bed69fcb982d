"""Words one letter away from known words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.linking.spelling import corrections, is_one_edit, spelling_index

INDEX = spelling_index(["chungking", "inglourious", "interstellar", "hollow", "short"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("chunking", "chungking"),
        ("inglorious", "inglourious"),
        ("intersteller", "interstellar"),
        ("interstelar", "interstellar"),
        ("interstellarr", "interstellar"),
        ("intrestellar", "interstellar"),
        ("hallow", "hollow"),
    ],
)
def test_one_wrong_letter_is_recognised(word: str, meant: str) -> None:
    """A letter left out, doubled, replaced or exchanged with its neighbour is a misspelling."""
    assert corrections(word, INDEX) == [meant]


@pytest.mark.parametrize("word", ["hollow", "halow", "interstate", "x", ""])
def test_other_words_are_left_alone(word: str) -> None:
    """The word itself and words further away are no misspellings."""
    assert corrections(word, INDEX) == []


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_one_edit_is_symmetric(left: str, right: str) -> None:
    """Being one edit apart does not depend on the order."""
    assert is_one_edit(left, right) == is_one_edit(right, left)
