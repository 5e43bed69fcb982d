from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import Poison
from producers.tmdb.coerce import ALIASES_KEPT, CAST_KEPT, read_genres, read_movie, read_snapshot
from schemas.codec import Codec
from schemas.events import Movie, TitleSnapshot
from schemas.registry import ManifestIds
from tests.producers.anything import JSON, spoiled

CODEC = Codec(ManifestIds())
GENRES = {28: "Action", 878: "Science Fiction"}
NOW = 1_760_000_000_000

DETAILS: dict[str, Any] = {
    "id": 19995,
    "title": "Avatar",
    "original_title": "Avatar",
    "original_language": "en",
    "release_date": "2009-12-15",
    "genres": [{"id": 28, "name": "Action"}, {"id": 878, "name": "Science Fiction"}],
    "production_companies": [{"id": 1, "name": "Lightstorm"}],
    "belongs_to_collection": {"id": 87096, "name": "Avatar Collection"},
    "runtime": 162,
    "budget": 237_000_000,
    "revenue": 2_923_706_026,
    "imdb_id": "tt0499549",
    "status": "Released",
    "popularity": 45,
    "vote_count": 32_000,
    "vote_average": 7.6,
    "poster_path": "/poster.jpg",
    "alternative_titles": {"titles": [{"title": "James Cameron's Avatar"}, {"title": "Avatar"}]},
    "credits": {
        "cast": [{"name": "Sam Worthington"}, {"name": "Zoe Saldaña"}],
        "crew": [{"name": "James Cameron", "job": "Director"}, {"name": "James Horner", "job": "Composer"}],
    },
    "release_dates": {"results": []},
}
LISTED: dict[str, Any] = {
    "id": 603,
    "title": "The Matrix",
    "original_title": "The Matrix",
    "original_language": "en",
    "release_date": "1999-03-31",
    "genre_ids": [28, 878, 9999],
    "popularity": 80.5,
    "vote_count": 26_000,
    "vote_average": 8,
    "poster_path": None,
    "adult": False,
    "video": False,
}


def movie(raw: dict[str, Any], source: str = "list", **changes: Any) -> Movie:
    """Return the film that JSON with some fields changed reads as."""
    found = read_movie(raw | changes, source, NOW, GENRES)
    assert isinstance(found, Movie), found
    return found


class TestMovies:
    """Details and list entries."""

    def test_details(self) -> None:
        """Every field finds its place; the revenue is beyond 32 bits and exact."""
        assert movie(DETAILS, "details") == Movie(
            tmdb_id=19995,
            title="Avatar",
            observed_at=NOW,
            source="details",
            original_title="Avatar",
            original_language="en",
            alternative_titles=("James Cameron's Avatar",),
            release_date="2009-12-15",
            genres=("Action", "Science Fiction"),
            companies=("Lightstorm",),
            directors=("James Cameron",),
            cast=("Sam Worthington", "Zoe Saldaña"),
            collection="Avatar Collection",
            runtime_minutes=162,
            budget_usd=237_000_000,
            revenue_usd=2_923_706_026,
            imdb_id="tt0499549",
            status="Released",
            popularity=45.0,
            vote_count=32_000,
            vote_average=7.6,
            poster_path="/poster.jpg",
        )

    def test_a_list_entry(self) -> None:
        """Genre ids become names, an unknown id is left out, a whole average is a number."""
        found = movie(LISTED)

        assert found.genres == ("Action", "Science Fiction")
        assert (found.vote_average, found.directors, found.runtime_minutes) == (8.0, (), None)

    @pytest.mark.parametrize(
        ("changes", "field", "expected"),
        [
            ({"release_date": ""}, "release_date", None),
            ({"release_date": None}, "release_date", None),
            ({"release_date": "2024-02-30"}, "release_date", None),
            ({"release_date": "soon"}, "release_date", None),
            ({"release_date": 2009}, "release_date", None),
            ({"release_date": "1962"}, "release_date", "1962-01-01"),
            ({"runtime": 0}, "runtime_minutes", None),
            ({"runtime": None}, "runtime_minutes", None),
            ({"runtime": "162"}, "runtime_minutes", 162),
            ({"budget": 0}, "budget_usd", None),
            ({"revenue": 0}, "revenue_usd", None),
            ({"revenue": -5}, "revenue_usd", None),
            ({"imdb_id": ""}, "imdb_id", None),
            ({"imdb_id": "nm0000116"}, "imdb_id", None),
            ({"vote_average": 0.0, "vote_count": 0}, "vote_average", None),
            ({"vote_average": 7.6, "vote_count": None}, "vote_average", None),
            ({"vote_average": 76}, "vote_average", None),
            ({"popularity": "high"}, "popularity", None),
            ({"title": None}, "title", "Avatar"),
            ({"title": "  "}, "title", "Avatar"),
            ({"title": ["Avatar"]}, "title", "Avatar"),
            ({"original_title": None}, "original_title", None),
            ({"genres": None}, "genres", ()),
            ({"genres": "Action"}, "genres", ()),
            ({"genres": [None, {"name": 7}, {"name": "War"}]}, "genres", ("War",)),
            ({"credits": None}, "cast", ()),
            ({"credits": {"cast": {}, "crew": 7}}, "directors", ()),
            ({"belongs_to_collection": None}, "collection", None),
            ({"alternative_titles": []}, "alternative_titles", ()),
        ],
    )
    def test_traps(self, changes: dict[str, Any], field: str, expected: object) -> None:
        """Empty texts, zeros, nulls and other types are unknown, never a number; the film stays."""
        assert getattr(movie(DETAILS, "details", **changes), field) == expected

    def test_a_date_that_only_the_countries_know(self) -> None:
        """Without a release date the earliest of the countries' counts."""
        dates = [
            {"iso_3166_1": "US", "release_dates": [{"release_date": "2010-07-16T00:00:00.000Z"}]},
            {"iso_3166_1": "GB", "release_dates": [{"release_date": "2010-07-08T00:00:00.000Z"}, {"release_date": ""}]},
        ]

        assert movie(DETAILS, release_date="", release_dates={"results": dates}).release_date == "2010-07-08"

    def test_long_lists_are_cut(self) -> None:
        """Only as many names and titles are kept as serve a purpose, in their order."""
        crowd = [{"name": f"Actor {number}"} for number in range(500)]
        titles = [{"title": f"Title {number}"} for number in range(500)]

        found = movie(DETAILS, credits={"cast": crowd}, alternative_titles={"titles": titles})

        assert found.cast == tuple(f"Actor {number}" for number in range(CAST_KEPT))
        assert len(found.alternative_titles) == ALIASES_KEPT

    def test_unusable_fields_are_told(self) -> None:
        """The caller hears of each field of another type; unknown ones in TMDB's own spelling are not among them."""
        said: list[str] = []

        read_movie(DETAILS | {"runtime": [], "budget": 0, "release_date": ""}, "details", NOW, GENRES, said.append)

        assert said == ["runtime"]

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (dict.fromkeys(DETAILS), "missing_id"),
            (DETAILS | {"id": None}, "missing_id"),
            (DETAILS | {"id": -3}, "missing_id"),
            (DETAILS | {"id": 2**40}, "missing_id"),
            (dict.fromkeys(DETAILS) | {"id": 7}, "missing_title"),
            ([], "missing_id"),
            (None, "missing_id"),
        ],
    )
    def test_poison(self, raw: object, reason: str) -> None:
        """Without an id or any title there is no film, and the reason says which."""
        found = read_movie(raw, "details", NOW, GENRES)

        assert isinstance(found, Poison)
        assert found.reason == reason


class TestSnapshots:
    """Popularity and votes of the moment."""

    def test_a_list_entry(self) -> None:
        """The rank comes from the list, the numbers from the entry."""
        assert read_snapshot(LISTED, "popular", NOW, rank=3) == TitleSnapshot(
            tmdb_id=603,
            observed_at=NOW,
            source="popular",
            rank=3,
            popularity=80.5,
            vote_count=26_000,
            vote_average=8.0,
        )

    def test_no_numbers_no_snapshot(self) -> None:
        """A film with neither popularity nor votes nor rank tells nothing; with a rank it does."""
        bare = dict.fromkeys(LISTED) | {"id": 603}

        found = read_snapshot(bare, "details", NOW)
        ranked = read_snapshot(bare, "popular", NOW, rank=1)

        assert isinstance(found, Poison)
        assert isinstance(ranked, TitleSnapshot)


def test_genres() -> None:
    """Names by id; entries without either are left out."""
    raw = {"genres": [{"id": 28, "name": "Action"}, {"id": None, "name": "x"}, {"id": 12}, 7]}

    assert read_genres(raw) == {28: "Action"}
    assert read_genres(None) == {}


@given(raw=spoiled(DETAILS) | spoiled(LISTED) | JSON, source=st.sampled_from(["list", "details"]))
def test_any_json_is_a_film_or_poison(raw: object, source: str) -> None:
    """Whatever TMDB answers, reading it raises nothing, and what reads as a record fits the contract."""
    film = read_movie(raw, source, NOW, GENRES)
    snapshot = read_snapshot(raw, "popular", NOW)

    if not isinstance(film, Poison):
        assert CODEC.decode("tmdb.movies-value", CODEC.encode("tmdb.movies-value", film)) == film
    if not isinstance(snapshot, Poison):
        assert CODEC.encode("tmdb.popularity-value", replace(snapshot, rank=1))
