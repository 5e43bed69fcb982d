"""How people write a film's name: bare, with its year, in italics, quotes or bold, by another name, in lower case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.world.odds import Odds
from cinepulse.world.story import AMBIGUOUS_TITLES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from cinepulse.world.catalog import Film

    Style = Callable[[random.Random, Film], str]


def _bare(_draw: random.Random, film: Film) -> str:
    return film.title


def _with_year(_draw: random.Random, film: Film) -> str:
    return f"{film.title} ({film.year})" if film.year else f"*{film.title}*"


def _italic(_draw: random.Random, film: Film) -> str:
    return f"*{film.title}*"


def _quoted(_draw: random.Random, film: Film) -> str:
    return f'"{film.title}"'


def _bold(_draw: random.Random, film: Film) -> str:
    return f"**{film.title}**"


def _alias(draw: random.Random, film: Film) -> str:
    return draw.choice(film.aliases or (film.title,))


def _lower_case(_draw: random.Random, film: Film) -> str:
    return film.title.lower()


def _with_word(draw: random.Random, film: Film) -> str:
    return f"the {draw.choice(('movie', 'film'))} {film.title}"


def _with_director(_draw: random.Random, film: Film) -> str:
    return f"{film.director}'s {film.title}" if film.director else f"the movie {film.title}"


STYLES: Final[Odds[Style]] = Odds(
    {_bare: 0.48, _with_year: 0.15, _italic: 0.15, _quoted: 0.10, _bold: 0.04, _alias: 0.06, _lower_case: 0.02}
)
CUED_STYLES: Final[Odds[Style]] = Odds(
    {_with_year: 0.45, _italic: 0.20, _quoted: 0.15, _with_word: 0.10, _with_director: 0.10}
)


def named(draw: random.Random, film: Film) -> str:
    """Return a film as somebody writes it; a title that is an everyday word always comes with a cue."""
    styles = CUED_STYLES if film.title in AMBIGUOUS_TITLES else STYLES
    return styles.draw(draw)(draw, film)
