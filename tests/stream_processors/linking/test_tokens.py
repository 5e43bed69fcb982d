"""Text to words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.linking.tokens import blank, tokenise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("'Candyman' star", ["candyman", "star"]),
        ("Cat\u2019s Eye", ["cats", "eye"]),
        ("Le Fabuleux Destin d'Am\u00e9lie", ["le", "fabuleux", "destin", "damelie"]),
        ("Ame\u0301lie", ["amelie"]),
        ("Will & Harper", ["will", "and", "harper"]),
        ("_Dune_ **Dune** ~~Dune~~", ["dune", "dune", "dune"]),
        ("\u200fDune\u200e", ["dune"]),
        ("Du\u00adne", ["dune"]),
        ("10,000 BC", ["10", "000", "bc"]),
        ("\U0001f3acDune\U0001f3ac", ["dune"]),
        ("", []),
    ],
)
def test_splits_into_folded_words(text: str, words: list[str]) -> None:
    """Quotes, emphasis, emoji, marks and accents do not hide a word."""
    assert tokenise(text).words == words


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see https://example.org/Dune now", "see  now"),
        ("[Dune](https://example.org/x) rules", "[Dune rules"),
        ("r/Dune and u/Joker and /r/Us", " and  and "),
        ("`Dune` and ```\nAlien\n``` end", " and  end"),
        ("mail @Joker", "mail "),
        ("Q&amp;A", "Q&A"),
    ],
)
def test_blanks_what_is_not_prose(text: str, left: str) -> None:
    """Links, code, communities and users are blanked without moving anything else."""
    blanked = blank(text)

    assert len(blanked) == len(text)
    assert blanked.replace(" ", "") == left.replace(" ", "")


@given(st.text())
def test_words_lie_in_the_text_in_order(text: str) -> None:
    """Places are inside the text, in order, and never overlap."""
    tokens = tokenise(blank(text))
    bounds = [bound for pair in zip(tokens.starts, tokens.ends, strict=True) for bound in pair]

    assert bounds == sorted(bounds)
    assert all(0 <= bound <= len(text) for bound in bounds)
