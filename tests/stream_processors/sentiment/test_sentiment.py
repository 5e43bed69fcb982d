"""What a post says of a film: hard cases by hand, what holds for any text, and the bars on labelled sentences."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.sentiment import NEGATIVE, POSITIVE, score, sentiments_of

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Place:
    """What the linker finds."""

    tmdb_id: int
    start: int
    end: int
    location: str = "body"


def said(marked: str) -> dict[int, str]:
    """Return the class of each film of a text, numbered from 1, whose films stand in double brackets."""
    text, places = "", []
    for number, part in enumerate(re.split(r"\[\[(.+?)\]\]", marked)):
        if number % 2:
            places.append(Place(number // 2 + 1, len(text), len(text) + len(part)))
        text += part
    return {film: class_of(compound) for film, compound in sentiments_of(text, places).items()}


def class_of(compound: float) -> str:
    """Return + - or 0."""
    return "+" if compound >= POSITIVE else "-" if compound <= NEGATIVE else "0"


@pytest.mark.parametrize(
    ("text", "films"),
    [
        # A title says nothing, whatever its words are.
        ("[[Die Hard]]", "0"),
        ("[[Kill Bill]] is a masterpiece", "+"),
        ("[[The Ugly Truth]] is on at nine", "0"),
        ("[[It's a Wonderful Life]] is on at nine", "0"),
        ("[[Good Luck Chuck]] is terrible", "-"),
        ("[[Nope]] was insanely good", "+"),
        # Negation.
        ("[[Heat]] is not bad", "+"),
        ("[[Heat]] isn't good", "-"),
        ("[[Heat]] isn\u2019t good", "-"),
        ("I don't like [[Heat]]", "-"),
        ("[[Heat]] is not a masterpiece but it is fun", "+"),
        ("[[Heat]] wasn't bad at all", "+"),
        ("Isn't [[Heat]] great?", "+"),
        # Words that mean something else about a film.
        ("It's mid, that [[Wish]]", "-"),
        ("[[Heat]] is peak cinema", "+"),
        ("[[Heat]] slaps", "+"),
        ("[[Heat]] is a snoozefest", "-"),
        ("[[Heat]] is pretty boring", "-"),
        ("[[Alien: Romulus]] is terrifying and brutal", "+"),
        ("[[Hereditary]] gave me the creeps", "+"),
        ("[[Heat]] looks like a film about cops", "0"),
        ("In [[Heat]] the killer dies at the airport", "0"),
        ("[[Heat]] won best picture", "0"),
        ("[[Heat]]: 9/10", "+"),
        ("[[Heat]] is a 3/10", "-"),
        ("[[Heat]] would be great if it were shorter", "-"),
        # Emphasis and signs.
        ("[[Heat]] is GREAT", "+"),
        ("[[HEAT]] WAS THE WORST", "-"),
        ("[[Heat]] \U0001f525", "+"),
        ("[[Heat]] \u2764\ufe0f", "+"),
        ("[[Heat]] \U0001f44d\U0001f3fd", "+"),
        ("[[Cats]] \U0001f92e", "-"),
        ("**[[Heat]]** is *amazing*", "+"),
        (">!the twist in [[Heat]] is amazing!<", "+"),
        # Questions ask.
        ("Is [[Heat]] any good?", "0"),
        ("Has anyone seen [[Heat]]? I love cheese", "0"),
        # Two films.
        ("[[Alien]] is better than [[Aliens]]", "+-"),
        ("[[Alien]] is worse than [[Aliens]]", "-+"),
        ("I prefer [[Heat]] to [[Ronin]]", "+-"),
        ("I loved [[Heat]] but hated [[Ronin]]", "+-"),
        ("[[Mean Girls]] was terrible, [[Clueless]] is great", "-+"),
        ("[[Barbie]], [[Oppenheimer]] and [[Tenet]] were great", "+++"),
        # Only the sentences that hold the film.
        ("What a terrible day. Then [[Heat]] was wonderful. My dinner was awful.", "+"),
        ("[[Guardians of the Galaxy Vol. 3]] is wonderful. The weather is awful", "+"),
        ("I disagree with all of that garbage.\n[[Heat]] is wonderful", "+"),
        ("I loved the book.\n\n[[Heat]] is a mess.", "-"),
    ],
)
def test_hard_cases(text: str, films: str) -> None:
    """Cases by hand: a sign for each film, in the order in which they are named."""
    assert "".join(said(text).values()) == films


@pytest.mark.parametrize(
    ("text", "found", "meant"),
    [
        ("Oh great, another [[Transformers]] sequel, just what we needed", "+", "-"),
        ("I never said [[Heat]] was bad", "-", "0"),
        ("nobody hates [[Heat]]", "-", "+"),
        ("[[Napoleon]] isn't good, and I like Ridley Scott", "+", "-"),
    ],
)
def test_known_limits(text: str, found: str, meant: str) -> None:
    """Sarcasm, reported speech, who it is that hates, praise of something else nearby: read wrongly, and documented."""
    assert found != meant
    assert said(text) == {1: found}


def test_lines_quoted_from_somebody_else_do_not_count() -> None:
    """A film that is named in a quotation alone has no sentiment; what the author says below it has."""
    assert said("> [[Heat]] is garbage") == {}
    assert said("> that film is garbage\n\n[[Heat]] is wonderful") == {1: "+"}


def test_links_and_threads_have_no_sentence() -> None:
    """A film found through a link or the thread's title is held by no sentence of the post."""
    places = [Place(1, 0, 0, "link"), Place(2, 0, 4, "thread"), Place(3, 0, 4, "title")]

    assert set(sentiments_of("This is great", places)) == {3}


def test_several_sentences_are_averaged() -> None:
    """VADER gives `great` 3.1: 3.1 / sqrt(3.1^2 + 15) = 0.6249. The other sentence has 0, the mean is 0.31245."""
    text = "Heat is great. I saw Heat."

    assert score("it is great.") == 0.6249
    assert sentiments_of(text, [Place(1, 0, 4), Place(1, 21, 25)]) == {1: pytest.approx(0.3125, abs=1e-4)}


def test_a_comparison_by_hand() -> None:
    """1.9 of `better` is 1.9 / sqrt(1.9^2 + 15) = 0.4404, and against the other film half as much."""
    assert sentiments_of("Alien is better than Ronin", [Place(1, 0, 5), Place(2, 21, 26)]) == {1: 0.4404, 2: -0.2202}


texts = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["Heat", "is", "great", "not", "bad", ".", "?", "\n", ">", "than", "better", ",", "but", "\U0001f525"]
    ),
    max_size=40,
).map(" ".join)


@given(texts, st.lists(st.tuples(st.integers(1, 3), st.integers(0, 299), st.integers(0, 20)), max_size=6))
def test_any_text_has_a_sentiment_within_bounds(text: str, places: list[tuple[int, int, int]]) -> None:
    """Whatever the text and wherever the films: numbers from -1 to 1, of known films alone, the same each time."""
    found = [Place(film, min(start, len(text)), min(start + length, len(text))) for film, start, length in places]

    first = sentiments_of(text, found)

    assert first == sentiments_of(text, list(reversed(found)))
    assert set(first) <= {one.tmdb_id for one in found}
    assert all(-1 <= compound <= 1 for compound in first.values())


@given(st.sampled_from(["Murder Death Kill", "Happy Happy Joy Joy", "Bad", "Love, Hate and Awful!"]))
def test_a_title_never_counts(title: str) -> None:
    """Whatever a film is called, a sentence about it says the same."""
    assert sentiments_of(f"I saw {title} today", [Place(1, 6, 6 + len(title))]) == {1: 0}


def test_a_long_text_is_read_around_the_film_alone() -> None:
    """A post at Reddit's limit, without a full stop, costs no more than some hundred characters."""
    text = "awful " * 6_000 + "Heat is wonderful " + "boring " * 6_000
    start = text.index("Heat")

    near = sentiments_of(text, [Place(1, start, start + 4)])

    assert near == sentiments_of(text[start - 400 : start + 404], [Place(1, 400, 404)])


def test_the_bars_are_reached() -> None:
    """The benchmark ends with 0: macro-F1 0.70 and 0.10 above plain VADER, over all and over the held-out half."""
    ran = subprocess.run(
        [sys.executable, "benchmarks/sentiment.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "both bars are reached" in ran.stdout
