"""Labelled messages to rows of features: what is a mention, what is none, what is not known."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

from stream_processors.linking.aliases import names_of
from stream_processors.linking.films import RECENT_FROM, titles_of
from stream_processors.linking.judging import Case, cases_of
from stream_processors.linking.meanings import KINDS, PREFIX, codes_of
from stream_processors.linking.train.gold import CORE, UNMAPPED_ELSEWHERE, Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.events import Movie
    from stream_processors.linking.catalog import Catalog

WEIGHTS: Final = {
    "reddit_technology_neg": 3.0,
    "reddit_other_neg": 3.0,
    "wnut16_tweets": 1.5,
    "redial": 0.15,
    "mit_movie_queries": 0.3,
    "inspired": 0.4,
    "reddit_moviedetails": 0.4,
    "reddit_shittymoviedetails": 0.4,
    "reddit_umbrae_year": 0.4,
    "template": 0.5,
    "template_common": 1.2,
}
"""How much a row counts by its source: the less like Reddit talk about films, the less."""
CORE_WEIGHT: Final = 6.0
OTHER_WEIGHT: Final = 0.6
SAME_SPAN: Final = 0.5
"""Share of the longer of two spans from which they are about the same words."""
UNKNOWN: Final = -1


@dataclass(slots=True)
class Rows:
    """Rows of features with label 1 (this film is named here), 0 (not) or -1 (not known), and their weights."""

    features: list[list[float]] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    owners: list[tuple[str, Case]] = field(default_factory=list)

    def add(self, example: Example, cases: Iterable[Case], weight: float) -> None:
        """Add a message's candidates."""
        for case in cases:
            self.features.append(case.features)
            self.labels.append(label_of(example, case))
            self.weights.append(weight)
            self.folds.append(example.fold)
            self.owners.append((example.identity, case))


def label_of(example: Example, case: Case) -> int:
    """Return 1 when the candidate's film is named there, 0 when it is not, -1 when the labels do not tell."""
    start, end = case.candidate.start, case.candidate.end
    touched = False
    for label in example.labels:
        for left, right in label.spans:
            shared = min(end, right) - max(start, left)
            if shared <= 0:
                continue
            touched = True
            if shared >= SAME_SPAN * max(right - left, end - start):
                if label.tmdb_id is None:
                    return UNKNOWN if example.source in UNMAPPED_ELSEWHERE else 0
                return int(label.tmdb_id == case.meant.film.tmdb_id)
    if touched:
        return 0 if example.whole else UNKNOWN
    if not example.whole or any(min(end, right) > max(start, left) for left, right in example.ignored):
        return UNKNOWN
    # A film named once is often named again without a label.
    return UNKNOWN if any(case.meant.film.tmdb_id == label.tmdb_id for label in example.labels) else 0


def base_weight(example: Example) -> float:
    """Return how much a row of the example counts."""
    return CORE_WEIGHT if example.source in CORE else WEIGHTS.get(example.source, OTHER_WEIGHT)


def variants_of(example: Example, source: Random) -> Iterator[tuple[Example, float]]:
    """Yield altered copies of a message and the share of its weight that each gets.

    People write in lower case, in capitals, and in places whose subject nobody has told.
    """
    text = example.message.text
    core = example.source in CORE
    lower = text.lower()
    if len(lower) == len(text) and (core or source.random() < 0.15):  # noqa: PLR2004 - a share of the rest
        yield example.with_message(text=lower), 0.2
    upper = text.upper()
    if len(upper) == len(text) and core and source.random() < 0.3:  # noqa: PLR2004 - capitals are rarer
        yield example.with_message(text=upper), 0.1
    if example.message.community is not None and (core or source.random() < 0.1):  # noqa: PLR2004 - a share
        yield example.with_message(community=None), 0.1


@contextmanager
def without_film(catalog: Catalog, movie: Movie) -> Iterator[None]:
    """Take a film out of the index for a while, as if the catalogue had not got it yet."""
    place = catalog.by_tmdb[movie.tmdb_id]
    film = catalog.films[place]
    names = [" ".join(words) for words in names_of(titles_of(movie), film.prior, recent=film.released > RECENT_FROM)]
    kept = {name: catalog.names[name] for name in names}
    for name, meanings in kept.items():
        others = tuple(code for code in codes_of(meanings) if code // KINDS != place)
        catalog.names[name] = PREFIX if not others else others[0] if len(others) == 1 else others
        catalog.facts.pop(name, None)
    try:
        yield
    finally:
        catalog.names.update(kept)
        for name in names:
            catalog.facts.pop(name, None)


def rows_of(
    examples: Iterable[Example],
    catalog: Catalog,
    movies: Mapping[int, Movie],
    seed: int,
    *,
    altered: bool = True,
) -> tuple[Rows, Rows]:
    """Return the rows of the messages as they are, and those of their altered copies, none unless `altered`."""
    source = Random(seed)  # noqa: S311 - no secret
    plain, copies = Rows(), Rows()
    for example in examples:
        weight = base_weight(example)
        plain.add(example, cases_of(example.message, catalog), weight)
        if not altered:
            continue
        for variant, share in variants_of(example, source):
            copies.add(variant, cases_of(variant.message, catalog), weight * share)
        for missing in _missing(example, source):
            with without_film(catalog, movies[missing]):
                copies.add(_unmapped(example, missing), cases_of(example.message, catalog), weight * ABSENT_SHARE)
    return plain, copies


ABSENT_SHARE: Final = 0.15
"""Of a message's weight, for its copy in which a film that it names is not in the catalogue."""


def _missing(example: Example, source: Random) -> list[int]:
    ids = sorted({label.tmdb_id for label in example.labels if label.tmdb_id is not None and not label.guessed})
    chance = 1.0 if example.source in CORE else 0.25
    return ids[:1] if ids and not example.source.startswith("template") and source.random() < chance else []


def _unmapped(example: Example, tmdb_id: int) -> Example:
    from dataclasses import replace

    labels = tuple(replace(label, tmdb_id=None) if label.tmdb_id == tmdb_id else label for label in example.labels)
    return replace(example, labels=labels, source="absent")
