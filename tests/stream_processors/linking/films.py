"""A small catalogue of real titles, years and ids, chosen to be hard, for the linker's tests."""

from __future__ import annotations

from typing import Any

from schemas.events import Movie


def film(tmdb_id: int, title: str, year: int, votes: int, **more: Any) -> Movie:
    """Return a film with the fields that linking reads."""
    fields = {"release_date": f"{year}-06-01", "vote_count": votes, "popularity": votes / 500, **more}
    return Movie(tmdb_id=tmdb_id, title=title, observed_at=0, source="details", **fields)


FILMS = (
    film(346364, "It", 2017, 19000, imdb_id="tt1396484"),
    film(458723, "Us", 2019, 7000),
    film(14160, "Up", 2009, 20000),
    film(152601, "Her", 2013, 14000),
    film(475557, "Joker", 2019, 26000),
    film(762504, "Nope", 2022, 4500),
    film(766507, "Prey", 2022, 6500),
    film(940139, "Here", 2024, 600),
    film(637920, "After", 2019, 7000),
    film(1010581, "Kill", 2024, 400),
    film(1022796, "Wish", 2023, 1200),
    film(1032823, "Trap", 2024, 2300),
    film(882598, "Smile", 2022, 6500),
    film(823219, "Flow", 2024, 1500),
    film(348, "Alien", 1979, 14500),
    film(679, "Aliens", 1986, 9800),
    film(8077, "Alien\u00b3", 1992, 5600, alternative_titles=("Alien 3",)),
    film(945961, "Alien: Romulus", 2024, 3300),
    film(438631, "Dune", 2021, 12500, directors=("Denis Villeneuve",)),
    film(841, "Dune", 1984, 3000, directors=("David Lynch",)),
    film(693134, "Dune: Part Two", 2024, 7000),
    film(8681, "Taken", 2009, 11000),
    film(832, "M", 1931, 2200),
    film(12244, "9", 2009, 3600),
    film(530915, "1917", 2019, 12500),
    film(1271, "300", 2007, 13500),
    film(98, "Gladiator", 2000, 19000),
    film(558449, "Gladiator II", 2024, 3500),
    film(389, "12 Angry Men", 1957, 8900),
    film(496243, "Parasite", 2019, 18500, original_title="\uae30\uc0dd\ucda9", original_language="ko"),
    film(194, "Am\u00e9lie", 2001, 11500, original_title="Le Fabuleux Destin d'Am\u00e9lie Poulain"),
    film(
        120,
        "The Lord of the Rings: The Fellowship of the Ring",
        2001,
        25000,
    ),
    film(557, "Spider-Man", 2002, 19000),
    film(601, "E.T. the Extra-Terrestrial", 1982, 11500),
    film(8587, "The Lion King", 1994, 18000),
    film(420818, "The Lion King", 2019, 10000),
    film(935, "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", 1964, 5600),
    film(275, "Fargo", 1996, 8000),
    film(567, "Rear Window", 1954, 6500),
    film(680, "Pulp Fiction", 1994, 28000),
    film(11104, "Chungking Express", 1994, 3300),
    film(245891, "John Wick", 2014, 19500),
)
