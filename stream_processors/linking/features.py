"""The numbers that the model judges a candidate by; each group's names stand beside the code that computes it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from stream_processors.linking import ranking
from stream_processors.linking.aliases import Kind
from stream_processors.linking.context import CLOSING, EMPHASIS, OPENING, ends_line, starts_line
from stream_processors.linking.facts import FACT_FEATURES, NameFacts
from stream_processors.linking.lexicon import word_group
from stream_processors.linking.scene import FILM_TALK
from stream_processors.linking.words import STOPWORDS, name_zipf, zipf

if TYPE_CHECKING:
    from stream_processors.linking.candidates import Candidate
    from stream_processors.linking.ranking import Meant, Year
    from stream_processors.linking.scene import Scene

BEFORE_GROUPS: Final = (
    "watching_verbs",
    "naming_words",
    "introducing_words",
    "joining_words",
    "determiners",
    "possessives",
    "greetings",
    "other_works",
    "given_names",
)
AFTER_GROUPS: Final = (
    "following_nouns",
    "franchise",
    "television",
    "predicates",
    "joining_words",
    "prepositions",
    "sequel_numbers",
    "given_names",
    "questions",
)
NEAR: Final = 4
"""Further words on either side in which talk of films is looked for."""
FAR: Final = 50.0
"""The age given to a film without a date, and the most an age counts."""
SENTENCE_ENDS: Final = frozenset(".!?:\n\u2026|")
PLAIN: Final = frozenset({"the", "a", "an", "i", "and", "or"})
"""Words whose capital does not show that a longer name goes on."""
NO_WORD: Final = 8.0
"""In place of a Zipf value where there is no neighbour."""


def _classes(groups: tuple[str, ...]) -> dict[str, tuple[float, ...]]:
    """Return each word's membership in the groups, as ones and zeros."""
    members = [word_group(group) for group in groups]
    return {word: tuple(float(word in group) for group in members) for word in frozenset().union(*members)}


BEFORE: Final = _classes(BEFORE_GROUPS)
AFTER: Final = _classes(AFTER_GROUPS)
GREETINGS: Final = word_group("greetings")
NONE_BEFORE: Final = (0.0,) * len(BEFORE_GROUPS)
NONE_AFTER: Final = (0.0,) * len(AFTER_GROUPS)

FILM_FEATURES: Final = (
    "film_kind",
    "film_full_title",
    "film_prior",
    "film_score",
    "film_lead",
    "film_age",
    "film_near",
    "film_undated",
    "film_popularity",
    "film_english",
    "film_share",
    "year_fit",
    "year_bracketed",
)


def film_features(meant: Meant, words: int, year: Year, now: float) -> tuple[float, ...]:
    """Describe the film that the name most likely means, and how its year fits the one written beside the name."""
    film = meant.film
    age = now - film.released
    return (
        ranking.WEIGHTS.kinds[meant.kind],
        float(meant.kind in (Kind.TITLE, Kind.ARTICLE)),
        film.prior,
        meant.score,
        meant.lead,
        FAR if math.isnan(age) else max(min(age, FAR), -5.0),
        float(abs(age) < 1.5),  # noqa: PLR2004 - years in which a film is news
        float(math.isnan(film.released)),
        math.log1p(film.popularity),
        float(film.english),
        min(words / max(film.words, 1), 1.5),
        meant.fit,
        meant.fit if year.bracketed else 0.0,
    )


CASE_FEATURES: Final = (
    "case_lower_share",
    "case_all_lower",
    "case_all_upper",
    "case_first_only",
    "case_as_title",
    "case_inner_capital",
)


def case_features(scene: Scene, candidate: Candidate, meant: Meant) -> tuple[float, ...]:
    """Describe how the name is capitalised."""
    text, capitals, words = scene.text, scene.capitals, scene.tokens.words
    content = lower = 0
    for place in range(candidate.first, candidate.last + 1):
        if words[place] not in STOPWORDS:
            content += 1
            lower += not capitals[place] and not words[place][0].isdigit()
    first = capitals[candidate.first]
    surface = text[candidate.start : candidate.end]
    share = lower / content if content else float(not first)
    return (
        share,
        float(surface.islower()),
        float(surface.isupper() and len(surface) > 1),
        float(first and share > 0 and candidate.last > candidate.first),
        float(surface == meant.film.title and not surface.islower()),
        float(first and not _starts_sentence(text, candidate.start)),
    )


def _starts_sentence(text: str, start: int) -> bool:
    while start and text[start - 1] in " \t\"'\u201c\u2018*_([":
        start -= 1
    return not start or text[start - 1] in SENTENCE_ENDS


MARK_FEATURES: Final = (
    "mark_quoted",
    "mark_half_quoted",
    "mark_emphasised",
    "mark_bracket_before",
    "mark_bracket_after",
    "mark_hyphen_before",
    "mark_hyphen_after",
    "mark_slash",
    "mark_tag",
    "mark_colon_after",
    "mark_comma_before",
    "mark_comma_after",
    "mark_ends_sentence",
    "mark_line_start",
    "mark_line_end",
    "mark_possessive",
    "mark_crosses",
)


def mark_features(scene: Scene, candidate: Candidate) -> tuple[float, ...]:
    """Describe the typography right around the name."""
    text, start, end = scene.text, candidate.start, candidate.end
    before = text[start - 1] if start else "\n"
    after = text[end] if end < len(text) else "\n"
    beyond = text[end + 1] if end + 1 < len(text) else "\n"
    closing = beyond if after in ",.!?" and beyond in CLOSING else after
    opened, closed = before in OPENING, closing in CLOSING and not candidate.possessive
    further = text[start - 2] if start > 1 else "\n"
    return (
        float(opened and closed),
        float(opened != closed),
        float(opened and closed and before in EMPHASIS),
        float(before in "([" or (before == " " and further == "(")),
        float(after in "([" or (after == " " and beyond in "([")),
        float(before == "-" or (before == " " and further in "-\u2013\u2014|")),
        float(after == "-"),
        float(before == "/" or after == "/"),
        float(before in "@#$" or after in "@_="),
        float(after == ":"),
        float(before == "," or (before == " " and further == ",")),
        float(after == ","),
        float(after in ".!?\n" and beyond in ' \n"'),
        float(starts_line(text, start)),
        float(ends_line(text, end)),
        float(candidate.possessive),
        float("," in text[start:end] and "," not in candidate.name),
    )


NEIGHBOUR_FEATURES: Final = (
    *(f"before_{group}" for group in BEFORE_GROUPS),
    "before_the",
    "before_capital",
    "before_digit",
    "before_zipf",
    "before_name_zipf",
    "before_far_verb",
    "before_film_near",
    *(f"after_{group}" for group in AFTER_GROUPS),
    "after_capital",
    "after_digit",
    "after_zipf",
    "after_name_zipf",
    "after_colon_capital",
    "after_film_near",
    "after_far_verb",
)


def neighbour_features(scene: Scene, candidate: Candidate) -> tuple[float, ...]:
    """Describe the words before and after the name, where nothing but a space, a mark or a hyphen parts them."""
    return (*_before(scene, candidate), *_after(scene, candidate))


def _before(scene: Scene, candidate: Candidate) -> tuple[float, ...]:
    tokens, place = scene.tokens, candidate.first - 1
    gap = scene.text[tokens.ends[place] : candidate.start] if place >= 0 else "\n"
    if "\n" in gap or ". " in gap or len(gap) > 6:  # noqa: PLR2004 - brackets, quotes and spaces
        return (*NONE_BEFORE, 0.0, 0.0, 0.0, NO_WORD, NO_WORD, 0.0, 0.0)
    word = tokens.words[place]
    inner = place > 0 and not _starts_sentence(scene.text, tokens.starts[place])
    capital = (
        scene.capitals[place] and gap in (" ", "-", "") and (word not in STOPWORDS or (inner and word not in PLAIN))
    )
    far = (word == "the" or word in BEFORE) and place > 0
    return (
        *BEFORE.get(word, NONE_BEFORE),
        float(word == "the"),
        (1.0 if inner else 0.5) if capital else 0.0,
        float(word.isdigit()),
        zipf(word),
        name_zipf(word),
        float(far and BEFORE.get(tokens.words[place - 1], NONE_BEFORE)[0]),
        float(not FILM_TALK.isdisjoint(tokens.words[max(place - NEAR, 0) : place + 1])),
    )


def _after(scene: Scene, candidate: Candidate) -> tuple[float, ...]:
    tokens, place = scene.tokens, candidate.last + 1
    gap = scene.text[tokens.ends[place - 1] : tokens.starts[place]] if place < len(tokens.words) else "\n"
    if "\n" in gap or ". " in gap or len(gap) > 6:  # noqa: PLR2004 - brackets, quotes and spaces
        return (*NONE_AFTER, 0.0, 0.0, NO_WORD, NO_WORD, 0.0, 0.0, 0.0)
    word = tokens.words[place]
    capital = scene.capitals[place]
    return (
        *AFTER.get(word, NONE_AFTER),
        float(capital and gap in (" ", "-") and word not in STOPWORDS),
        float(word.isdigit() and gap in (" ", "-", " #")),
        zipf(word),
        name_zipf(word),
        float(capital and gap in (": ", " - ")),
        float(not FILM_TALK.isdisjoint(tokens.words[place : place + NEAR + 1])),
        AFTER.get(tokens.words[place + 1], NONE_AFTER)[0] if place + 1 < len(tokens.words) else 0.0,
    )


MESSAGE_FEATURES: Final = (
    "message_film_community",
    "message_film_talk",
    "message_news",
    "message_words",
    "message_capital_share",
    "message_upper_share",
    "message_headline",
    "message_lower",
    "message_thread_names_it",
    "message_has_thread",
    "message_only_name",
    "message_production",
    "message_addressing",
    "message_interview",
    "message_misspelt",
    "message_thread_talk",
    "message_thread_asks",
    "message_greets",
)


def message_features(scene: Scene, candidate: Candidate) -> tuple[float, ...]:
    """Describe the message around the name."""
    count = len(scene.tokens.words)
    return (
        scene.film_community,
        float(scene.film_talk),
        float(scene.news),
        math.log1p(count),
        scene.capital_share,
        scene.upper_share,
        float(scene.headline),
        float(scene.lower),
        float(_is_named_beside(scene, candidate)),
        float(bool(scene.thread)),
        float(count == candidate.last - candidate.first + 1),
        float(scene.production),
        float(scene.addressing),
        float(scene.interview),
        float(candidate.misspelt),
        float(scene.thread_talk),
        float(scene.thread_asks),
        _greeted(scene, candidate),
    )


def _is_named_beside(scene: Scene, candidate: Candidate) -> bool:
    """Return whether the thread's title or the post's flair has the name too."""
    if not scene.thread and not scene.flair:
        return False
    name = f" {candidate.name} "
    return name in scene.thread or name in scene.flair


def _greeted(scene: Scene, candidate: Candidate) -> float:
    """Return how much it looks as if somebody of that name was spoken to: 1 greeted, 0.5 called at the start."""
    before = scene.tokens.words[max(candidate.first - 2, 0) : candidate.first]
    if not GREETINGS.isdisjoint(before):
        return 1.0
    after = scene.text[candidate.end : candidate.end + 2]
    called = scene.addressing and not before and (after[:1] in (",", "!") or after == " w")
    return 0.5 if called else 0.0


OVERLAP_FEATURES: Final = ("overlap_inside", "overlap_contains", "overlap_others", "overlap_marked")

NAMES: Final = (
    *FACT_FEATURES,
    *FILM_FEATURES,
    *CASE_FEATURES,
    *MARK_FEATURES,
    *NEIGHBOUR_FEATURES,
    *MESSAGE_FEATURES,
    *OVERLAP_FEATURES,
)


def features_of(
    scene: Scene,
    candidate: Candidate,
    facts: NameFacts,
    found: tuple[Meant, Year],
    overlaps: tuple[float, ...],
) -> list[float]:
    """Return a candidate's features in the order of `NAMES`."""
    meant, year = found
    return [
        *facts.features,
        *film_features(meant, facts.words, year, scene.now),
        *case_features(scene, candidate, meant),
        *mark_features(scene, candidate),
        *neighbour_features(scene, candidate),
        *message_features(scene, candidate),
        *overlaps,
    ]
