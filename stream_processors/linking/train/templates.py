"""Sentences of our own about films and about things that only share their name, filled with titles of the catalogue.

They teach what the labelled messages are too few to show: common words as titles, greetings to a character, seasons of
a show, a franchise spoken of as one.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from stream_processors.linking.message import Message
from stream_processors.linking.train.gold import Example, Label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.films import Film

NAMED: Final = (
    "I watched {} last night and it was great.",
    "Just saw {} for the first time, what a ride",
    "Just watched {}.",
    "{} is one of the best films of its decade.",
    "Is {} worth watching?",
    "Have you seen {}?",
    "The ending of {} still gets me",
    "My favourite scene in {} is the last one",
    "We loved {}, but my wife fell asleep.",
    "I prefer the book to {}, honestly",
    "'{}' is better than I remembered",
    'What did you think of "{}"?',
    "\u201c{}\u201d is a masterpiece",
    "\u2018{}\u2019 Trailer",
    "*{}* deserved an Oscar",
    "**{}**",
    "{}",
    "Movies like {}?",
    "{}, easily.",
    "{} ({year})",
    "{} ({year}) is underrated",
    "What are your thoughts on {} ({year})?",
    "Rewatched {} today",
    "The soundtrack of {} slaps",
    "{}'s cinematography is stunning",
    "- {}\n- The other one",
    "Official Discussion - {} [SPOILERS]",
    "First poster for {}",
    "I cried at the end of {}",
    "Nothing beats the opening of {}!",
)
WEAK: Final = (
    "It was {}.",
    "That is so {}",
    "for {} and all that",
    "more than {} of them",
    "{} people came to the show",
)
"""Places where the words of a title stand for what they say."""
ADDRESSED: Final = (
    "Hey {}, what is your favourite food?",
    "Hi {}! How do you stay so calm?",
    "{}, I love you so much!",
    "{} where do you go on Sundays?",
    "Hello {}. Do you like the rain?",
    "{}! If you could go anywhere, where would you go?",
    "Dear {}, thank you for being here with us",
    "Good morning {}, how was your flight?",
    "Hello there {}! What do you think of tea?",
    "Thanks for doing this, {}!",
)
SERIES: Final = (
    "{} season 2 was a mess",
    "{} Season 3 Episode 4 made me cry",
    "The {} franchise is tired",
    "every {} movie ranked",
    "All the {} movies are on sale",
    "{} S02E05 discussion",
    "The {} series on HBO is slow",
    "The {} saga should end",
    "The {} TV show got cancelled",
    "I read the {} books as a kid",
    "The {} cinematic universe",
    "The {} video game was better",
)
COMMON: Final = (
    "The IT department closed my ticket again",
    "let us know what you think",
    "it is what it is",
    "Here we go again",
    "After that I went home",
    "They kill him off in the end",
    "I wish I could see her smile again",
    "Nope. Not for me.",
    "It's a trap!",
    "Up next: dinner",
    "This is a joker in the pack",
    "She has taken up running",
    "There were 300 people in line",
    "Born in 1917, he never saw the sea",
    "9 out of 10, would go again",
    "He plays Joker in that one",
    "I gave her the keys, and she drove us up here",
    "Wish you were here",
    "The flow of the script is off",
    "Prey animals have eyes on the side of the head",
    "Us and them",
    "Her performance was great",
    "IT guys of Reddit, what is the worst ticket?",
    "M is the thirteenth letter",
    "Up and down, up and down",
    "Heat the oven to 200",
    "After the movie we got food",
    "Here is a list of everything I have watched",
    "The movie had good music but the script was bad",
    "The score, the cast, the plot: all of it",
    "Happy Thanksgiving everyone",
    "Merry Christmas, see you on Saturday night",
    "In the end it does not even matter",
    "First of all, thank you",
    "The sequel is worse than the original",
    "True story, this happened to my brother",
    "Yes man, that is right",
    "20 years later I still think about it",
)
KNOWN_PRIOR: Final = 6.5
CHARACTER_PRIOR: Final = 7.0
SAMPLES: Final = 500
YEAR_AHEAD: Final = 30


def template_examples(catalog: Catalog, seed: int) -> Iterator[Example]:
    """Yield the filled sentences, the same for the same catalogue and seed."""
    source = random.Random(seed)  # noqa: S311 - no secret
    known = [film for film in catalog.films if film.prior >= KNOWN_PRIOR and film.released == film.released]
    heroes = [film for film in known if film.prior >= CHARACTER_PRIOR and film.words <= 2]  # noqa: PLR2004
    for number in range(SAMPLES):
        film = source.choice(known if number % 2 else heroes)
        yield _example(f"template-named-{number}", source, source.choice(NAMED), film, named=True)
    for number in range(SAMPLES):
        film = source.choice(heroes)
        template = source.choice((*ADDRESSED, *ADDRESSED, *SERIES, *SERIES, *WEAK))
        yield _example(f"template-other-{number}", source, template, film, named=False)
    for number, text in enumerate(COMMON):
        for community in ("movies", None):
            message = Message(text, community=community, created_at=_instant(2024.5))
            yield Example(f"template-common-{number}", "template", -1, message, (), (), whole=True)


def _example(identity: str, source: random.Random, template: str, film: Film, *, named: bool) -> Example:
    title = film.title.lower() if not named and template in WEAK else film.title
    text = template.format(title, year=int(film.released))
    start = template.index("{}")
    community = source.choice(("movies", "movies", "horror", None)) if named else source.choice(("movies", None))
    now = max(film.released + source.uniform(-0.1, 4), 2008.0)
    host = template in ADDRESSED and source.random() < 0.5  # noqa: PLR2004 - half of them
    thread = f"Hello, I am {film.title}, ask me anything. AMA" if host else None
    message = Message(text, community=community, thread_title=thread, created_at=_instant(now))
    labels = (Label(film.tmdb_id, ((start, start + len(title)),), guessed=False),) if named else ()
    return Example(identity, "template", -1, message, labels, (), whole=True)


def _instant(year: float) -> int:
    return int((year - 1970) * 365.2425 * 86_400_000)
