"""How labelled messages and templates become rows."""

from __future__ import annotations

from stream_processors.linking import Catalog, Message
from stream_processors.linking.judging import cases_of
from stream_processors.linking.train.gold import Example, Label, example_of
from stream_processors.linking.train.rows import label_of, rows_of, without_film
from stream_processors.linking.train.templates import template_examples
from tests.stream_processors.linking.films import FILMS

CATALOG = Catalog.build(FILMS)
MOVIES = {movie.tmdb_id: movie for movie in FILMS}
TEXT = "Watched 'Alien' (1979) and then 'Parasite' (2019)"


def example(*labels: Label, whole: bool = True, ignored: tuple[tuple[int, int], ...] = ()) -> Example:
    """Return a labelled message in r/movies."""
    return Example("a", "reddit_hand_posts", 0, Message(TEXT, community="movies"), labels, ignored, whole)


def labels_by_name(labelled: Example) -> dict[str, int]:
    """Return the label of each candidate of the message."""
    return {case.candidate.name: label_of(labelled, case) for case in cases_of(labelled.message, CATALOG)}


def test_named_films_are_mentions_and_the_rest_is_none() -> None:
    """A labelled film is 1, another name in a wholly labelled message 0."""
    found = labels_by_name(example(Label(348, ((9, 14),), guessed=False)))

    assert (found["alien"], found["parasite"]) == (1, 0)


def test_wrong_and_missing_films_are_no_mentions() -> None:
    """A label with another film, or with a film that the catalogue lacks, makes the link wrong."""
    assert labels_by_name(example(Label(679, ((9, 14),), guessed=False)))["alien"] == 0
    assert labels_by_name(example(Label(None, ((9, 14),), guessed=False)))["alien"] == 0


def test_what_labels_do_not_tell_is_unknown() -> None:
    """Partly labelled messages and ignored spans teach nothing about their other names."""
    assert labels_by_name(example(whole=False))["alien"] == -1
    assert labels_by_name(example(ignored=((9, 14),)))["alien"] == -1


def test_film_is_back_in_the_index_after_its_absence() -> None:
    """Taking a film out for a while leaves the catalogue as it was."""
    before = dict(CATALOG.names)

    with without_film(CATALOG, MOVIES[841]):
        assert [film.tmdb_id for film, _ in CATALOG.meanings("dune")].count(841) == 0

    assert CATALOG.names == before


def test_rows_are_the_same_for_the_same_seed() -> None:
    """Alterations are drawn from the seed alone."""
    examples = [example(Label(348, ((9, 14),), guessed=False))]

    one, two = (rows_of(examples, CATALOG, MOVIES, 3) for _ in range(2))

    assert one[0].features == two[0].features
    assert one[1].features == two[1].features
    assert len(one[1].labels) > len(one[0].labels)


def test_templates_name_films_where_they_say() -> None:
    """A label of a filled sentence covers the film's title in any case."""
    for filled in template_examples(CATALOG, 1):
        for label in filled.labels:
            start, end = label.spans[0]
            title = CATALOG.films[CATALOG.by_tmdb[label.tmdb_id or 0]].title
            assert filled.message.text[start:end].lower() == title.lower()


def test_record_is_read_with_its_date_and_place() -> None:
    """A message's own date and community win over its source's."""
    record = {
        "id": "x-1",
        "source": "reddit_moviedetails",
        "text": "In Alien (1979)",
        "mentions": [{"tmdb_id": 348, "span": [3, 8], "id_source": "title_year"}],
        "complete": False,
        "meta": {"subreddit": "MovieDetails", "created_utc": 1_600_000_000},
    }

    found = example_of(record)

    assert (found.message.community, found.message.created_at) == ("MovieDetails", 1_600_000_000_000)
    assert found.labels == (Label(348, ((3, 8),), guessed=False),)
    assert not found.whole
