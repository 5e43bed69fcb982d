"""Judge messages by nothing that has seen them: for each part of the messages, everything is fitted on the others."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from stream_processors.linking import facts, gate, ranking
from stream_processors.linking.train.folds import train
from stream_processors.linking.train.gate import fit_gate, gate_rows
from stream_processors.linking.train.gold import FOLDS
from stream_processors.linking.train.ranking import choices_of, fit
from stream_processors.linking.train.rows import Rows, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.events import Movie
    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.train.forest import Settings
    from stream_processors.linking.train.gold import Example


@dataclass(slots=True)
class Judged:
    """Rows of messages, and the log odds that strangers to them gave."""

    rows: Rows = field(default_factory=Rows)
    odds: list[float] = field(default_factory=list)

    def log_odds(self) -> NDArray[np.float64]:
        """Return the log odds, one a row."""
        return np.array(self.odds)


@contextmanager
def in_use(catalog: Catalog, weights: Mapping[str, object], gate_values: Mapping[str, object]) -> Iterator[None]:
    """Link with other ranking weights and another gate than the packaged ones for a while."""
    kept = (ranking.WEIGHTS, dict(facts.GATE), gate.LEAST, gate.SIGN_WEIGHTS)
    try:
        _install(catalog, ranking.read_weights(weights), dict(gate_values))
        yield
    finally:
        vars(ranking)["WEIGHTS"] = kept[0]
        facts.GATE.update(kept[1])
        vars(gate).update(LEAST=kept[2], SIGN_WEIGHTS=kept[3])
        catalog.facts.clear()


def _install(catalog: Catalog, weights: ranking.Weights, gate_values: dict[str, object]) -> None:
    vars(ranking)["WEIGHTS"] = weights
    facts.GATE.update(gate_values)
    signs = facts.GATE["signs"]
    vars(gate).update(LEAST=facts.GATE["least"], SIGN_WEIGHTS=tuple(float(signs[name]) for name in gate.SIGNS))
    catalog.facts.clear()


def judge_by_strangers(
    examples: Sequence[Example],
    templates: Sequence[Example],
    catalog: Catalog,
    movies: Mapping[int, Movie],
    settings: Settings,
) -> Judged:
    """Return the rows of all examples with the log odds by ranking, gate and forest that were fitted without them."""
    judged = Judged()
    for fold in range(FOLDS):
        others = [one for one in examples if one.fold != fold]
        weights = fit(list(choices_of(others, catalog)))
        open_values = {**facts.GATE, "least": -np.inf}
        with in_use(catalog, weights, open_values):
            everything, _ = rows_of(others, catalog, movies, settings.seed, altered=False)
            gate_values = fit_gate(*gate_rows(everything, {one.identity: one for one in others}, catalog))
        with in_use(catalog, weights, gate_values):
            plain, altered = rows_of([*others, *templates], catalog, movies, settings.seed)
            forest = train(plain, altered, replace(settings, seed=settings.seed + fold))
            held_out, _ = rows_of(
                [one for one in examples if one.fold == fold], catalog, movies, settings.seed, altered=False
            )
        judged.odds += forest.log_odds(np.array(held_out.features)).tolist()
        for name in ("features", "labels", "weights", "folds", "owners"):
            getattr(judged.rows, name).extend(getattr(held_out, name))
    return judged
