"""What becomes of a generated post: most stay, some are edited, deleted by their author or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from cinepulse.world import phrases
from cinepulse.world.naming import named
from cinepulse.world.odds import Odds
from cinepulse.world.post import Change

if TYPE_CHECKING:
    import random

    from cinepulse.world.catalog import Film
    from cinepulse.world.post import Post

Fate = Literal["stays", "deleted", "removed", "gone", "edited", "edited_then_deleted"]

# Shares within the first hours that were seen on Reddit, but that of removed submissions, which would leave few.
FATES: Final[Odds[Fate]] = Odds(
    {"stays": 0.897, "edited": 0.045, "deleted": 0.030, "removed": 0.020, "gone": 0.005, "edited_then_deleted": 0.003}
)
FILM_CHANGING_SHARE: Final = 0.5
"""Of all edits, those after which the text names another film; the others mend a typo."""
CATEGORIES: Final = Odds({"moderator": 0.5, "automod_filtered": 0.2, "reddit": 0.2, "copyright_takedown": 0.1})
# What happens to a post happens while the quickest schedule of re-checks still looks at it.
FROM_SECONDS: Final = 1.0
UNTIL_SECONDS: Final = 14.0


def changes_of(draw: random.Random, post: Post, title_films: frozenset[int], edited_in: Film) -> tuple[Change, ...]:
    """Return what happens to a post, in order.

    `title_films`: the films that its title names, which no edit can take away. `edited_in`: the film that an edit may
    bring in.
    """
    at = post.at + draw.uniform(FROM_SECONDS, UNTIL_SECONDS)
    match FATES.draw(draw):
        case "stays":
            return ()
        case "edited":
            return (_edit(draw, post, at, title_films, edited_in),)
        case "edited_then_deleted":
            before = draw.uniform(post.at + FROM_SECONDS / 2, at)
            return (_edit(draw, post, before, title_films, edited_in), Change(at, "deleted"))
        case "removed":
            return (Change(at, "removed", category=CATEGORIES.draw(draw)),)
        case ending:
            return (Change(at, ending),)


def _edit(draw: random.Random, post: Post, at: float, title_films: frozenset[int], film: Film) -> Change:
    if draw.random() < FILM_CHANGING_SHARE:
        text = draw.choice(phrases.BODIES_WITH_FILM).format(film=named(draw, film))
        return Change(at, "edited", text, tuple(sorted(title_films | {film.tmdb_id})))
    text = f"{post.text}{draw.choice(phrases.EDIT_MARKS)}"
    return Change(at, "edited", text, post.films or ())
