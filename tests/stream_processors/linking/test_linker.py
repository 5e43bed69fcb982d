"""The linker on a small hard catalogue: what it must find, and what it must leave alone."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.linking import LINKER_VERSION, Catalog, Message, link, message_of
from tests.stream_processors.linking.films import FILMS
from tests.stream_processors.linking.posts import post

NOVEMBER_2024 = int(datetime(2024, 11, 15, tzinfo=UTC).timestamp() * 1000)
CATALOG = Catalog.build(FILMS)


def linked(text: str, *, community: str | None = "movies", created_at: int | None = NOVEMBER_2024) -> list[int]:
    """Return the ids of the films linked in a text, in its order."""
    message = Message(text=text, community=community, created_at=created_at)
    return [mention.tmdb_id for mention in link(message, CATALOG)]


@pytest.mark.parametrize(
    ("text", "films"),
    [
        ("'It' (2017) is the better half of the story", [346364]),
        ('Official Discussion: "Us" (2019)', [458723]),
        ("I watched *Up* with my kids", [14160]),
        ('Angry review of "Here"', [940139]),
        ("Just watched Gladiator and loved it", [98]),
        ("Was the plot of Gladiator 2 written overnight?", [558449]),
        ("12 Angry Men\u2026 A Masterclass", [389]),
        ("Am\u00e9lie", [194]),
        ("amelie (2001) is charming", [194]),
        ("We saw Dune: Part Two in IMAX", [693134]),
        ("Dune (1984) deserves love", [841]),
        ("Dune (2021) deserves love", [438631]),
        ("I love The Fellowship of the Ring", [120]),
        ("Spiderman (2002) still holds up", [557]),
        ("https://www.imdb.com/title/tt1396484/ is the one", [346364]),
        ("\u200fPulp Fiction\u200e", [680]),
        ("**Pulp Fiction** and _Rear Window_", [680, 567]),
        ("Pulp Fiction's soundtrack", [680]),
    ],
)
def test_finds_the_film(text: str, films: list[int]) -> None:
    """Typography, years, cues and page links name a film, with the right one of a name chosen by its year."""
    assert linked(text) == films


@pytest.mark.parametrize(
    "text",
    [
        "it was here after all, let us go up to her",
        "The IT department will fix it",
        "IT is hiring",
        "They kill the power here after nine",
        "nope, I wish I could smile at 300 people in 1917",
        "Fargo season 2 is the best season",
        "the Alien franchise is tired",
        "u/Joker told r/Dune about it",
        "`Dune (2021)` in code",
        "",
    ],
)
def test_leaves_common_words_alone(text: str) -> None:
    """Common words used as such, franchises, shows, user names and code name no film."""
    assert linked(text) == []


def test_flair_is_context() -> None:
    """A flair that files a post under films makes a bare name count where it otherwise would not."""

    def films(flair: str | None) -> list[int]:
        message = Message("gladiator was a let down", community="AskReddit", flair=flair)
        return [one.tmdb_id for one in link(message, CATALOG)]

    assert (films(None), films("Sports"), films("Movies & TV")) == ([], [], [98])


@given(st.text(alphabet=st.characters(), max_size=200), st.integers(0, 2**42))
def test_any_text_links_within_itself(text: str, created_at: int) -> None:
    """Whatever the text, nothing is raised, spans lie inside it without overlap, and the result repeats."""
    message = Message(text=f"Dune {text} 'Alien'", created_at=created_at)

    mentions = link(message, CATALOG, 0.0)

    assert mentions == link(message, CATALOG, 0.0)
    assert all(0 <= one.start <= one.end <= len(message.text) for one in mentions)
    assert all(0 <= one.confidence <= 1 for one in mentions)
    named = [one for one in mentions if one.location != "link"]
    assert all(left.end <= right.start for left, right in pairwise(named))


def test_threshold_drops_less_certain_mentions() -> None:
    """A higher threshold keeps a subset of the mentions."""
    message = Message(text="Prey is fine, but 'Pulp Fiction' (1994) is better", community="movies")

    everything = link(message, CATALOG, 0.0)
    certain = link(message, CATALOG, max(one.confidence for one in everything))

    assert [one.tmdb_id for one in everything] == [766507, 680]
    assert [one.tmdb_id for one in certain] == [680]

    assert set(certain) < set(everything)


def test_post_becomes_title_above_body() -> None:
    """A submission's mentions know whether they stand in its title or in its body."""
    message = message_of(post(title="'Dune' (2021)", body="Better than 'Alien' (1979)?"))

    found = [(one.tmdb_id, one.location) for one in link(message, CATALOG)]

    assert found == [(438631, "title"), (348, "body")]


def test_catalog_does_not_depend_on_the_order_of_films() -> None:
    """The same films in another order are the same catalogue version and link alike."""
    other = Catalog.build(reversed(FILMS))

    assert (other.version, len(other)) == (CATALOG.version, len(FILMS))
    assert link(Message(text="Dune and 'Alien'"), other, 0.0) == link(Message(text="Dune and 'Alien'"), CATALOG, 0.0)


def test_building_rests_often() -> None:
    """A thread that builds an index can leave the interpreter to others, and the index is the same."""
    rests = []
    other = Catalog.build(FILMS, lambda: rests.append(1))

    assert len(rests) >= len(FILMS) / 16
    assert other.names == CATALOG.names


def test_linker_version_is_a_hash() -> None:
    """The version that rides on mentions is twelve hexadecimal digits."""
    assert len(LINKER_VERSION) == 12
    assert int(LINKER_VERSION, 16) >= 0


@pytest.mark.parametrize(
    "text",
    [
        "'" * 1_000_000,
        "a'" * 500_000,
        "](" * 500_000,
        "`a" * 500_000,
        "Alien " * 170_000,
        "(1984" * 200_000,
        "https://" * 9_000,
    ],
    ids=["quotes", "apostrophes", "brackets", "ticks", "names", "years", "addresses"],
)
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    """A megabyte that invites backtracking is linked well within the test's time limit."""
    mentions = link(Message(text=text, community="movies"), CATALOG)

    assert all(one.end <= len(text) for one in mentions)
