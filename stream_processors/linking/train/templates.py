"""Sentences of our own about films and about things that only share their name, filled with titles of the catalogue.

They teach what the labelled messages are too few to show: common words as titles, greetings to a character, seasons of
a show, a franchise spoken of as one.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Final

from stream_processors.linking.facts import HEROES, HOLIDAYS
from stream_processors.linking.message import Message
from stream_processors.linking.tokens import fold, fold_name
from stream_processors.linking.train.gold import Example, Label
from stream_processors.linking.words import STOPWORDS, zipf

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
CUED: Final = (
    "I watched {} last night",
    "i watched {} yesterday and loved every minute",
    "Just saw {} in IMAX",
    "Have you seen {}?",
    "We finally watched {} on the plane.",
    "'{}' scared me as a kid",
    '"{}" is playing downtown',
    "\u201c{}\u201d made me cry",
    "*{}* is so underrated",
    "{} is a beautiful film",
    "{} is my favorite movie of that year",
    "{} was the best movie I saw this year",
    "{} ({year})",
    "'{}' ({year}) is great",
    "The movie {} deserved more",
    "The film {} changed my life",
    "Movies like {}",
    "The ending of {} confused me",
    "{} trailer",
    "New trailer for {}",
    "Official Discussion - {}",
    "My review of {}",
    "{} | Official Trailer",
    "Rewatching {} tonight",
    "the cinematography in {} is amazing",
    "{} was shot in one take",
    "{} was great",
    "{} was better than I thought it would be",
    "{} with the director's commentary is worth it",
    "I liked {} more than {other}",
    "{other} and {} are both on my list",
    "{}, {other}, and a documentary",
)
"""Places where even a common word must be a title."""
WEAK: Final = (
    "It was {}.",
    "That is so {}",
    "for {} and all that",
    "more than {} of them",
    "{} people came to the show",
    "there were {} people in line",
    "We said {} and went home",
    "she told {} about the movie",
    "{}, not for me.",
    "{} is the word I was looking for",
    "The {} department called again",
    "They made {} look easy in that movie",
)
"""Places where the words of a title stand for what they say."""
NUMBERED: Final = (
    "in {}",
    "It came out in {}",
    "back in {} we had no phones",
    "{} people live there",
    "since {}",
    "It cost {} dollars",
    "In {} he moved to Hollywood",
    "I have seen {} movies this year",
    "the summer of {}",
    "around {} or so",
    "page {}",
    "Released in {}, it flopped",
)
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
    "{}: The Next Generation is my favorite show",
    "Started watching {}: Origins with the kids",
    "{}: The Animated Series is on Netflix",
    "Has anyone read {}: Year One?",
    "{}: The Lost Chapters, season two bloopers",
    "The {} saga should end",
    "The {} TV show got cancelled",
    "I read the {} books as a kid",
    "The {} cinematic universe",
    "The {} video game was better",
)
HEROIC: Final = (
    "{} would win that fight",
    "who drew {} better?",
    "my {} costume is ready",
    "I like {} as a character",
    "{} and {other} team up in issue 5",
    "New {} cover by my favourite artist",
    "drawing of {} I made",
    "{} #{year}",
    "{} comics from the 80s",
    "{} toys at the store",
    "Origin of {} explained",
    "the {} comic run",
    "He dressed up as {}",
    "{} tattoo",
    "{} is stronger than {other}",
)
"""Places where a hero is meant and no film of his name."""
SEASONAL: Final = (
    "My son ready for {}",
    "what are you doing on {}?",
    "Happy {} everyone!",
    "{} is my favorite holiday",
    "We watch a scary one each {}",
    "{} party this weekend",
    "my {} costume",
    "{} decorations are up",
    "a movie a day until {}",
    "in time for {}",
    "built this for {}. How did I do?",
    "Best movies for {} night?",
    "Day 31 of the 31 movies of {}",
    "between {} and New Year",
)
"""Places where a holiday is meant."""
NOUNS: Final = (
    "movies that have {} in them",
    "since its {}",
    "Six years after {} came to town",
    "any actual {}, or the like",
    "a story about {} and people",
    "the {} of the whole thing",
    "he encountered {} there",
    "some {} in the background",
    "no {} at all in this movie",
    "their {} was well done",
    "a film with {} and a dog",
    "I want more {} in my movies",
)
"""Places where a noun in lower case is only a noun."""
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
    "It was raining when we left the theater",
    "It scared me",
    "Us three went to the cinema",
    "Her is spelled with three letters",
    "Her mother hated the film",
    "Up to you",
    "Up the road there is a cinema",
    "Nope, not for me",
    "Nope, never seen it",
    "Kill your darlings, as they say",
    "Here you go",
    "Here is the thing",
    "Here's my list",
    "After watching this I could not sleep",
    "After all these years, still good",
    "Wish I could forget it and watch it again",
    "Trap houses and all that",
    "Smile! You are on camera",
    "Taken together, the three make sense",
    "Taken from the interview",
    "Alien life may exist",
    "Alien abductions, ghosts, all nonsense",
    "Holes in the plot everywhere",
    "Crash course in editing",
    "Heat and humidity were terrible on set",
    "Signs point to yes",
    "Speed is everything in an edit",
    "Big if true",
    "Brave of them to release it now",
    "Tag your spoilers please",
    "Once you see it you cannot unsee it",
    "Frozen pizza and a movie",
    "Cars and planes explode the whole time",
    "Gravity does not work like that",
    "The joker in the deck",
    "Who plays the Joker better?",
    "Batman would win that fight",
    "I like Batman more than Superman as a character",
    "Halloween is my favorite holiday",
    "Saturday is movie night",
    "The whole time I kept laughing",
    "Anyone else?",
    "Never again",
    "Thank you for smoking outside",
    "I am legend at parties",
    "Them and their trailers",
    "Just like heaven in there",
    "Ray and Frank were funny",
    "Paul was great in it, so was Kate",
    "Steve and Bill wrote the script",
    "Frank said the same",
    "Does Anna come back?",
    "Grace Kelly was stunning",
    "Tom Hanks never disappoints",
    "Chaplin and Keaton are legends",
    "Hitchcock loved the story and wanted to direct it",
    "If you like Hitchcock, see this one",
    "Hitchcock, Kubrick and Lean on one set",
)
COMMON_PLACES: Final = frozenset((*CUED, *WEAK, *NUMBERED, *HEROIC, *SEASONAL, *NOUNS))
LOWERED: Final = frozenset((*WEAK[:-4], *NOUNS))
NOUN_ZIPF: Final = 3.2
KNOWN_PRIOR: Final = 6.5
HERO_WORDS: Final = 2
CHARACTER_PRIOR: Final = 7.0
COMMON_ZIPF: Final = 4.4
"""A title of one word more common than this must be taught with care."""
SAMPLES: Final = 700
LOWER_SHARE: Final = 0.2


def template_examples(catalog: Catalog, seed: int) -> Iterator[Example]:
    """Yield the filled sentences, the same for the same catalogue and seed."""
    source = random.Random(seed)  # noqa: S311 - no secret
    known = [film for film in catalog.films if film.prior >= KNOWN_PRIOR and film.released == film.released]
    heroes = [film for film in known if film.prior >= CHARACTER_PRIOR and film.words <= HERO_WORDS]
    common = [film for film in known if film.words == 1 and zipf(fold(film.title)) >= COMMON_ZIPF]
    number = [film for film in common if film.title.isdigit()]
    fabled = [film for film in known if "".join(fold_name(film.title)) in HEROES]
    festive = [film for film in known if "".join(fold_name(film.title)) in HOLIDAYS]
    nouns = [film for film in known if film.words == 1 and zipf(fold(film.title)) >= NOUN_ZIPF]
    stop = [film for film in common if fold(film.title) in STOPWORDS]
    for templates, films, named in (
        (CUED, stop, True),
        (CUED, fabled, True),
        (NAMED, fabled, True),
        (CUED, number, True),
        (HEROIC, fabled, False),
        (SEASONAL, festive, False),
        (NOUNS, nouns, False),
        (WEAK, stop, False),
        (NAMED, known, True),
        (NAMED, heroes, True),
        (CUED, common, True),
        (CUED, heroes, True),
        ((*ADDRESSED, *SERIES), heroes, False),
        (WEAK, common, False),
        (NUMBERED, number, False),
    ):
        if not films:
            continue
        for count in range(SAMPLES // (4 if films in (number, stop, festive) else 2)):
            film, other = source.choice(films), source.choice(known)
            yield _example(f"{named}-{count}", source, source.choice(templates), (film, other), named=named)
    for place, text in enumerate(COMMON):
        for community in ("movies", "movies", None):
            message = Message(text, community=community, created_at=_instant(2024.5))
            yield Example(f"template_common-{place}", "template_common", NO_FOLD, message, (), (), whole=True)


NO_FOLD: Final = -1
"""Templates are in no part of the messages: every forest may learn from them."""


def _example(identity: str, source: random.Random, template: str, films: tuple[Film, Film], *, named: bool) -> Example:
    film, other = films
    origin = "template_common" if template in COMMON_PLACES else "template"
    title, beside = film.title, other.title
    if (named and source.random() < LOWER_SHARE) or template in LOWERED:
        title, beside, template = title.lower(), beside.lower(), template[:1].lower() + template[1:]
    text = template.format(title, other=beside, year=int(film.released))
    community = source.choice(("movies", "movies", "horror", None)) if named else source.choice(("movies", None))
    now = max(film.released + source.uniform(-0.1, 4), 2008.0)
    host = template in ADDRESSED and source.random() < 0.5  # noqa: PLR2004 - half of them
    thread = f"Hello, I am {film.title}, ask me anything. AMA" if host else None
    message = Message(text, community=community, thread_title=thread, created_at=_instant(now))
    labels = tuple(_labels(text, ((film, title), (other, beside)))) if named else ()
    return Example(f"{origin}-{identity}", origin, NO_FOLD, message, labels, (), whole=True)


def _labels(text: str, films: tuple[tuple[Film, str], ...]) -> Iterator[Label]:
    for film, title in films:
        for match in re.finditer(rf"(?<!\w){re.escape(title)}(?!\w)", text):
            yield Label(film.tmdb_id, (match.span(),), guessed=False)


def _instant(year: float) -> int:
    return int((year - 1970) * 365.2425 * 86_400_000)
