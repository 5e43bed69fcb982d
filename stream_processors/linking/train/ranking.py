"""Fit the weights that choose among the films of one name: a conditional logit on mentions whose film is known."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from stream_processors.linking.candidates import find_candidates
from stream_processors.linking.meanings import KINDS, codes_of
from stream_processors.linking.ranking import Weights, message_score, standing, year_beside
from stream_processors.linking.scene import scene_of
from stream_processors.linking.tokens import blank, tokenise
from stream_processors.linking.train.gold import CORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from stream_processors.linking.candidates import Candidate
    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.films import Film
    from stream_processors.linking.ranking import Year
    from stream_processors.linking.scene import Scene
    from stream_processors.linking.train.gold import Example

    Floats = NDArray[np.float64]

KIND_COUNT: Final = 14
SCALARS: Final = tuple(name for name in Weights._fields if name != "kinds")
FIXED: Final = {"people": 4.0}
"""Weights that the development catalogue cannot teach: it names no directors and no cast."""
SOURCE_WEIGHTS: Final = {
    "redial": 0.15,
    "reddit_moviedetails": 0.3,
    "reddit_shittymoviedetails": 0.3,
    "inspired": 0.5,
}
CORE_WEIGHT: Final = 3.0
RIDGE: Final = 0.5
STEPS: Final = 600
PACE: Final = 0.1
MOST_MEANINGS: Final = 40
SPAN_SLACK: Final = 5
"""Characters by which a name may start after its label, which may begin with an article."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A name's meanings as rows of what each weight multiplies, and which row is right."""

    rows: Floats
    right: int
    weight: float


def choices_of(examples: Iterable[Example], catalog: Catalog) -> Iterator[Choice]:
    """Yield the labelled mentions whose name several films have and whose film is not itself a guess."""
    for example in examples:
        if not any(label.tmdb_id is not None and not label.guessed for label in example.labels):
            continue
        text = blank(example.message.text)
        tokens = tokenise(text)
        scene = scene_of(example.message, text, tokens)
        candidates = find_candidates(text, tokens, catalog.names)
        for label in example.labels:
            if label.tmdb_id is None or label.guessed:
                continue
            candidate = _spoken(candidates, label.spans[0])
            if candidate is not None:
                yield from _choice(scene, candidate, label.tmdb_id, catalog, _weight(example.source))


def _weight(source: str) -> float:
    return CORE_WEIGHT if source in CORE else SOURCE_WEIGHTS.get(source, 1.0)


def _spoken(candidates: list[Candidate], span: tuple[int, int]) -> Candidate | None:
    start, end = span
    same = [one for one in candidates if start <= one.start <= start + SPAN_SLACK and abs(one.end - end) <= 1]
    return max(same, key=lambda one: one.end - one.start, default=None)


def _choice(scene: Scene, candidate: Candidate, tmdb_id: int, catalog: Catalog, weight: float) -> Iterator[Choice]:
    codes = codes_of(candidate.meanings)[:MOST_MEANINGS]
    ids = [catalog.films[code // KINDS].tmdb_id for code in codes]
    if len(codes) > 1 and tmdb_id in ids:
        year = year_beside(scene.text, candidate.start, candidate.end)
        words = candidate.name.count(" ") + 1
        rows = np.array([_row(catalog.films[code // KINDS], code % KINDS, words, scene, year) for code in codes])
        yield Choice(rows, ids.index(tmdb_id), weight)


def _row(film: Film, kind: int, words: int, scene: Scene, year: Year) -> list[float]:
    """Return what each weight multiplies: the score under weights that are one in one place and zero elsewhere."""
    kinds = [float(place == kind) for place in range(KIND_COUNT)]
    return kinds + [standing(film, kind, words, probe) + message_score(film, scene, year, probe) for probe in PROBES]


def _weights(values: Sequence[float]) -> Weights:
    numbers = dict(zip(SCALARS, values[KIND_COUNT:], strict=True))
    return Weights(kinds=tuple(values[:KIND_COUNT]), **numbers)


PROBES: Final = tuple(
    _weights([0.0] * KIND_COUNT + [float(place == at) for at in range(len(SCALARS))]) for place in range(len(SCALARS))
)


def fit(choices: Sequence[Choice]) -> dict[str, object]:
    """Return the weights with the greatest penalised likelihood, as the file holds them."""
    rows = np.concatenate([choice.rows for choice in choices])
    sizes = np.array([len(choice.rows) for choice in choices])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    group = np.repeat(np.arange(len(choices)), sizes)
    truth = np.zeros(len(rows))
    truth[starts + np.array([choice.right for choice in choices])] = 1
    weight = np.array([choice.weight for choice in choices])
    scale = rows.std(axis=0) + 1e-6
    scaled = rows / scale

    def slope(point: Floats) -> Floats:
        scores = scaled @ point
        shares = np.exp(scores - np.maximum.reduceat(scores, starts)[group])
        shares /= np.add.reduceat(shares, starts)[group]
        gradient: Floats = (scaled.T @ ((shares - truth) * weight[group]) + RIDGE * point) / weight.sum()
        return gradient

    values = np.round(_descend(slope, rows.shape[1]) / scale, 3).tolist()
    scalars = dict(zip(SCALARS, values[KIND_COUNT:], strict=True)) | FIXED
    return {"kinds": values[:KIND_COUNT], **scalars}


def _descend(slope: object, size: int) -> Floats:
    """Follow the slope down with Adam (Kingma and Ba, 2014)."""
    assert callable(slope)  # noqa: S101 - narrows the type
    point, mean, square = np.zeros(size), np.zeros(size), np.zeros(size)
    for step in range(1, STEPS + 1):
        gradient = slope(point)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        point -= PACE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return point


def write_weights(path: Path, weights: dict[str, object]) -> None:
    """Write the weights' file."""
    path.write_text(json.dumps(weights, indent=1) + "\n", "utf-8")


def accuracy(choices: Iterable[Choice], weights: dict[str, object]) -> float:
    """Return the weighted share of choices in which the right film scores most; NaN without choices."""
    kinds = weights["kinds"]
    assert isinstance(kinds, list)  # noqa: S101 - narrows the type
    point = np.array([*kinds, *(weights[name] for name in SCALARS)], dtype=float)
    right = total = 0.0
    for choice in choices:
        total += choice.weight
        right += choice.weight * (int(np.argmax(choice.rows @ point)) == choice.right)
    return right / total if total else math.nan
