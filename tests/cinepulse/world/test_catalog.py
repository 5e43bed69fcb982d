"""The shipped films and catalogues from files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from cinepulse.errors import ConfigurationInvalid
from cinepulse.world.catalog import load_films
from cinepulse.world.tmdb_records import GENRES

SHARED = Path(__file__).parents[4] / "shared" / "data" / "catalog.csv.gz"


def test_the_shipped_films_are_whole() -> None:
    """Every shipped film has a title, an ISO date, known genres and a director; all decades since 1920 are there."""
    films = list(load_films().by_id.values())

    assert len(films) > 350
    assert all(film.title and film.director and film.genre_ids for film in films)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", film.release_date) for film in films)
    assert {genre for film in films for genre in film.genre_ids} <= GENRES.keys()
    assert {int(film.year) // 10 for film in films} == set(range(192, 203))


def test_titles_that_are_everyday_words_are_among_them() -> None:
    """The hard cases of linking are shipped, remakes of one title included."""
    films = load_films().by_id.values()
    titles = {film.title for film in films}
    hard = "It Us Up Her Joker Nope Prey Here After Kill Wish Trap Smile Flow Alien Dune Taken M 9 1917 300".split()  # noqa: SIM905 - a list

    assert set(hard) <= titles
    assert sorted(film.year for film in films if film.title == "Dune") == ["1984", "2021"]


def test_a_catalogue_is_read_tolerantly(tmp_path: Path) -> None:
    """Missing columns, empty and wrong numbers are read as unknown; a row without id or title is counted."""
    path = tmp_path / "films.csv.gz"
    rows = [
        "tmdb_id,title,original_title,release_date,popularity,vote_count,genre_ids,alt_titles,other",
        '603,The Matrix,,1999-03-31,85.5,26000,"[28, 878]",Matrix|La matrice,x',
        "604,Nothing Known,,,,,,,",
        "605,Wrong,,1999,many,3.0,[],,",
        ",No Id,,,,,,,",
        "606,,,,,,,,",
        "603,Twice,,,,,,,",
        "607",
    ]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))

    films = load_films(path)

    matrix, empty, wrong = (films.by_id[tmdb_id] for tmdb_id in (603, 604, 605))
    assert (matrix.title, matrix.genre_ids, matrix.aliases) == ("The Matrix", (28, 878), ("Matrix", "La matrice"))
    assert (empty.release_date, empty.popularity, empty.vote_count) == ("", 0.0, 0)
    assert (wrong.popularity, wrong.vote_count) == (0.0, 3)
    assert (len(films), films.skipped) == (3, 3)


@pytest.mark.parametrize(
    "content", [b"", b"name,year\nAlien,1979\n", b"\x1f\x8bnot gzip", b"tmdb_id,title\n1,\xff\xfe\n"]
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file, other columns, broken packing and another encoding each give one clear error."""
    path = tmp_path / "films.csv"
    path.write_bytes(content)

    with pytest.raises(ConfigurationInvalid, match=r"films\.csv"):
        load_films(path)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared catalogue is not at hand")
def test_the_large_catalogue_and_the_shipped_films_agree() -> None:
    """All 88,703 rows are read, and every shipped film has the id, title and date that the catalogue has."""
    large, shipped = load_films(SHARED), load_films()

    assert (len(large), large.skipped) == (88_703, 0)
    assert [
        film.title
        for film in shipped.by_id.values()
        if (film.title, film.release_date) != (large.by_id[film.tmdb_id].title, large.by_id[film.tmdb_id].release_date)
    ] == []
