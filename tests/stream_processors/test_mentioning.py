"""A post's mentions say what has to be told while the text is there."""

from __future__ import annotations

from cinepulse.authors import author_sketch
from stream_processors.linking import LINKER_VERSION, Catalog
from stream_processors.mentioning import Mentioner, mention_films
from tests.stream_processors.linking.films import film
from tests.stream_processors.linking.posts import post

CATALOG = Catalog.build([film(1, "Parasite", 2019, 9_000), film(2, "Whiplash", 2014, 9_000)])


def test_a_mention_says_sentiment_and_observation_of_its_film_alone() -> None:
    """Two films in two sentences, one praised and one not: each has its own sentiment and its author's observation."""
    text = 'I loved "Parasite" (2019), a masterpiece. "Whiplash" (2014) is the most boring film I have seen.'

    found = mention_films(post(title="Watched two films", body=text, author="spez"), CATALOG, 0.5)

    assert set(found) == {1, 2}
    assert (found[1].sentiment or 0) > 0.05
    assert (found[2].sentiment or 0) < -0.05
    assert [found[number].author_sketch for number in (1, 2)] == [author_sketch(number, "spez") for number in (1, 2)]
    assert {one.linker_version for one in found.values()} == {LINKER_VERSION}


def test_a_post_without_films_has_no_mentions() -> None:
    """Nothing is scored where nothing is named."""
    assert mention_films(post(title="What should I watch tonight?"), CATALOG, 0.5) == {}


def test_a_film_named_by_a_link_alone_has_no_sentiment() -> None:
    """No sentence holds it, so that nothing is known: null and not neutral."""
    linked = film(3, "Heat", 1995, 9_000, imdb_id="tt0113277")
    page = post(title="This is wonderful", url="https://www.imdb.com/title/tt0113277/")

    found = mention_films(page, Catalog.build([linked]), 0.5)

    assert {number: one.sentiment for number, one in found.items()} == {3: None}


def test_terms_are_those_of_the_post_that_is_asked_for() -> None:
    """A post that was read before another one has its own terms all the same."""
    mentioner = Mentioner(lambda: CATALOG, 0.5)
    first, second = post(title='"Parasite" (2019) basement'), post(title='"Whiplash" (2014) drums')

    mentioner.mentions(first)
    mentioner.mentions(second)

    assert mentioner.terms(second) == {2: ("drums",)}
    assert mentioner.terms(first) == {1: ("basement",)}
