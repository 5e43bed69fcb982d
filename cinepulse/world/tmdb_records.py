"""TMDB's JSON of films, with the types and gaps that the real API has.

Shapes follow https://developer.themoviedb.org/reference/. An unknown date is "", null or absent, an unknown number 0,
a whole average an integer, money beyond 32 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cinepulse.world.catalog import Film

GENRES: Final[Mapping[int, str]] = {
    28: "Action",
    12: "Adventure",
    16: "Animation",
    35: "Comedy",
    80: "Crime",
    99: "Documentary",
    18: "Drama",
    10751: "Family",
    14: "Fantasy",
    36: "History",
    27: "Horror",
    10402: "Music",
    9648: "Mystery",
    10749: "Romance",
    878: "Science Fiction",
    10770: "TV Movie",
    53: "Thriller",
    10752: "War",
    37: "Western",
}
# Worldwide grosses as TMDB lists them: the first does not fit 32 bits.
REVENUES: Final[Mapping[int, int]] = {
    19995: 2_923_706_026,
    299534: 2_799_439_100,
    76600: 2_353_096_253,
    597: 2_264_162_353,
    24428: 1_518_815_515,
    361743: 1_495_696_292,
    346698: 1_447_138_421,
    155: 1_004_558_444,
    27205: 839_030_630,
    603: 463_517_383,
}
BUDGETS: Final[Mapping[int, int]] = {
    19995: 237_000_000,
    299534: 356_000_000,
    597: 200_000_000,
    155: 185_000_000,
    27205: 160_000_000,
    603: 63_000_000,
}


def whole_or_decimal(number: float) -> float:
    """Return an integer where the number is whole, as TMDB's JSON does."""
    return int(number) if number == int(number) else number


def list_record(film: Film, popularity: float, votes: int) -> dict[str, Any]:
    """Return a film as lists show it: genre ids, and sometimes no date at all."""
    record: dict[str, Any] = {
        "adult": False,
        "backdrop_path": None,
        "genre_ids": list(film.genre_ids),
        "id": film.tmdb_id,
        "original_language": film.original_language,
        "original_title": film.original_title,
        "overview": "",
        "popularity": popularity,
        "poster_path": None,
        "title": film.title,
        "video": False,
        "vote_average": whole_or_decimal(film.vote_average) if votes else 0,
        "vote_count": votes,
    }
    date = _date(film)
    if film.release_date or film.tmdb_id % 3:
        record["release_date"] = date
    return record


def detail_record(film: Film, popularity: float, votes: int, today: str) -> dict[str, Any]:
    """Return a film's details; `today` decides whether it is released."""
    record = list_record(film, popularity, votes)
    del record["genre_ids"]
    return record | {
        "belongs_to_collection": None,
        "budget": BUDGETS.get(film.tmdb_id, 0),
        "genres": [{"id": genre, "name": GENRES.get(genre, "")} for genre in film.genre_ids],
        "homepage": "",
        "imdb_id": film.imdb_id or None,
        "origin_country": ["US"] if film.original_language == "en" else [],
        "production_companies": [],
        "production_countries": [],
        "release_date": _date(film),
        "revenue": REVENUES.get(film.tmdb_id, 0),
        "runtime": None if film.tmdb_id % 2 else 0,
        "softcore": False,
        "spoken_languages": [],
        "status": "Released" if film.release_date and film.release_date <= today else "Post Production",
        "tagline": "",
    }


def export_record(film: Film, popularity: float) -> dict[str, Any]:
    """Return a film's line of the daily export."""
    return {
        "adult": False,
        "id": film.tmdb_id,
        "original_title": film.original_title,
        "popularity": popularity,
        "video": False,
    }


def null_record(tmdb_id: int) -> dict[str, Any]:
    """Return details in which every field is null, even the id: what a client must survive."""
    film = null_film(tmdb_id)
    record = detail_record(film, 0.0, 0, "")
    return dict.fromkeys([*record, *APPENDABLE])


def null_film(tmdb_id: int) -> Film:
    """Return a film of which only the id is known."""
    from cinepulse.world.catalog import Film

    return Film(tmdb_id, "", "", "", "", (), "", 0.0, 0, 0.0, "", ())


def _date(film: Film) -> str | None:
    return film.release_date or (None if film.tmdb_id % 2 else "")


def _alternative_titles(film: Film) -> dict[str, Any]:
    return {"titles": [{"iso_3166_1": "US", "title": title, "type": ""} for title in film.aliases]}


def _credits(film: Film) -> dict[str, Any]:
    crew = {
        "adult": False,
        "credit_id": f"{film.tmdb_id:024x}",
        "department": "Directing",
        "gender": 0,
        "id": film.tmdb_id + 10_000_000,
        "job": "Director",
        "known_for_department": "Directing",
        "name": film.director,
        "original_name": film.director,
        "popularity": 1,
        "profile_path": None,
    }
    return {"cast": [], "crew": [crew] if film.director else []}


def _external_ids(film: Film) -> dict[str, Any]:
    others = dict.fromkeys(("wikidata_id", "facebook_id", "instagram_id", "twitter_id"))
    return {"imdb_id": film.imdb_id or None, **others}


def _release_dates(film: Film) -> dict[str, Any]:
    if not film.release_date:
        return {"results": []}
    first = {
        "certification": "",
        "descriptors": [],
        "iso_639_1": "",
        "note": "",
        "release_date": f"{film.release_date}T00:00:00.000Z",
        "type": 3,
    }
    return {"results": [{"iso_3166_1": "US", "release_dates": [first]}]}


def _translations(film: Film) -> dict[str, Any]:
    if film.original_language == "en":
        return {"translations": []}
    data = {"homepage": "", "overview": "", "runtime": 0, "tagline": "", "title": film.title}
    english = {"iso_3166_1": "US", "iso_639_1": "en", "name": "English", "english_name": "English", "data": data}
    return {"translations": [english]}


APPENDABLE: Final[Mapping[str, Callable[[Film], dict[str, Any]]]] = {
    "alternative_titles": _alternative_titles,
    "credits": _credits,
    "external_ids": _external_ids,
    "images": lambda _film: {"backdrops": [], "logos": [], "posters": []},
    "keywords": lambda _film: {"keywords": []},
    "release_dates": _release_dates,
    "reviews": lambda _film: {"page": 1, "results": [], "total_pages": 0, "total_results": 0},
    "translations": _translations,
    "videos": lambda _film: {"results": []},
}
