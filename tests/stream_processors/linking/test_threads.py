"""Comments that point at their thread's film, and links to film pages."""

from __future__ import annotations

import pytest

from stream_processors.linking import DEFAULT_THRESHOLD, Catalog, LinkedMention, Message, link
from tests.stream_processors.linking.films import FILMS

CATALOG = Catalog.build(FILMS)
THREAD = "Official Discussion - Gladiator II (2024)"


def linked(text: str, threshold: float = 0.2, **fields: str) -> list[LinkedMention]:
    """Return the mentions of a comment in r/movies."""
    return link(Message(text, community="movies", **fields), CATALOG, threshold)  # type: ignore[arg-type] # text fields


@pytest.mark.parametrize("text", ["This movie rocks", "just saw it, wow", "It was fine", "loved it", "the film drags"])
def test_comment_inherits_the_film_of_its_thread(text: str) -> None:
    """Pointing words mean the thread's film, by a method of their own and under the default threshold."""
    found = linked(text, thread_title=THREAD)

    assert [(one.tmdb_id, one.method, one.location) for one in found] == [(558449, "thread", "thread")]
    assert found[0].confidence < DEFAULT_THRESHOLD
    assert linked(text, DEFAULT_THRESHOLD, thread_title=THREAD) == []


@pytest.mark.parametrize(
    ("text", "thread"),
    [
        ("Prediction: rain tomorrow", THREAD),
        ("This movie rocks", "What is your favourite film?"),
        ("This movie rocks", "Gladiator II (2024) or Dune: Part Two (2024)?"),
    ],
)
def test_comment_inherits_nothing_unclear(text: str, thread: str) -> None:
    """Without pointing words, or without exactly one film in the title, a comment names none."""
    assert [one for one in linked(text, thread_title=thread) if one.method == "thread"] == []


def test_comment_with_a_name_of_its_own_inherits_nothing() -> None:
    """A named film is what the comment is about."""
    found = linked("This movie is worse than 'Alien' (1979)", thread_title=THREAD)

    assert [one.tmdb_id for one in found] == [348]


@pytest.mark.parametrize(
    ("address", "tmdb_id"),
    [
        ("https://www.imdb.com/title/tt1396484/?ref_=x", 346364),
        ("https://m.imdb.com/de/title/tt1396484", 346364),
        ("https://www.themoviedb.org/movie/348-alien", 348),
        ("https://letterboxd.com/film/parasite/", 496243),
        ("https://letterboxd.com/somebody/film/dune-2021/", 438631),
        ("https://letterboxd.com/film/dune-1984/", 841),
        ("https://en.wikipedia.org/wiki/Dune_(1984_film)", 841),
    ],
)
def test_film_page_names_its_film(address: str, tmdb_id: int) -> None:
    """The address of a film's page is certain, in the text or as what a submission points at."""
    in_text = linked(f"see {address}", 0.9)
    outside = linked("see this", 0.9, url=address)

    assert [(one.tmdb_id, one.location) for one in in_text] == [(tmdb_id, "link")]
    assert [(one.tmdb_id, one.start, one.end) for one in outside] == [(tmdb_id, 0, 0)]


@pytest.mark.parametrize(
    "address", ["https://www.imdb.com/title/tt9999999/", "https://example.org/imdb.com", "imdb.com/title/"]
)
def test_unknown_page_names_nothing(address: str) -> None:
    """A page of no known film, or no film page, is no mention."""
    assert linked(address, 0.9) == []
