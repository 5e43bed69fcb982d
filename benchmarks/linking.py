"""Quality and speed of the linker beside simpler ways, on the same labelled messages in one run.

Run: python benchmarks/linking.py ../shared/data --scorer ../shared/tools/evaluate_mentions.py

The linker's quality is cross-validated: ranking, gate and model that judge a message have not seen its thread. Its
speed is that of the packaged model through the public function.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import resource
from argparse import ArgumentParser
from itertools import cycle
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.linking_baselines import rules, substring, tokenising, word_boundary
from stream_processors.catalog_feed import rest, without_collector
from stream_processors.linking import DEFAULT_THRESHOLD, Catalog, link
from stream_processors.linking.decoding import choose
from stream_processors.linking.train.__main__ import LABELLED, SEED, examples_in, read_catalog
from stream_processors.linking.train.calibration import reliability
from stream_processors.linking.train.folds import calibrate
from stream_processors.linking.train.forest import Settings
from stream_processors.linking.train.gold import CORE, read_examples
from stream_processors.linking.train.held_out import judge_by_strangers
from stream_processors.linking.train.templates import template_examples

if TYPE_CHECKING:
    from types import ModuleType

    from schemas.events import Movie
    from stream_processors.linking.judging import Case
    from stream_processors.linking.train.gold import Example
    from stream_processors.linking.train.rows import Rows

THRESHOLDS: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
NEGATIVES: Final = frozenset({"reddit_technology_neg", "reddit_other_neg"})
ROUNDS: Final = 5
SLOW_SAMPLE: Final = 100
"""Messages on which the slowest baseline is timed."""

Predictions = dict[str, list[dict[str, Any]]]


def main() -> None:
    """Print the tables."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scorer", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, help="write the cross-validated predictions here, JSON lines")
    arguments = parser.parse_args()
    console = Console()
    scorer = _load(arguments.scorer)
    gold = [record for name in LABELLED for record in _records(arguments.folder / name)]
    core = [record for record in gold if record["source"] in CORE]

    movies = read_catalog(arguments.folder)
    before = _megabytes()
    started = perf_counter()
    catalog = Catalog.build(movies)
    built = perf_counter() - started
    size = f"+{_megabytes() - before:.0f} MB, {_megabytes():.0f} MB peak"
    console.print(f"index: {len(catalog)} films, {len(catalog.names)} names, {built:.2f} s, {size}")

    messages = {one.identity: one for one in read_examples(arguments.folder / LABELLED[0])}
    heads = ("system", "link P", "R", "F1", "detect F1", "id right", "false/1000 empty", "messages/s", "x tokenise")
    table = Table(*heads)
    tokenise_rate = _rate(tokenising, list(messages.values()))
    systems = {
        "substring, top 400": substring(catalog, 400),
        "substring, all": substring(catalog, None),
        "word boundary, any case": word_boundary(catalog, cased=False),
        "cased longest match": word_boundary(catalog, cased=True),
        "rules": rules(catalog),
    }
    for name, system in systems.items():
        found = {key: _as_predictions(system(one.message)) for key, one in messages.items()}
        sample = list(messages.values())[: SLOW_SAMPLE if name.startswith("substring") else None]
        _add(table, name, scorer.evaluate(core, found), _rate(system, sample), tokenise_rate)

    examples = examples_in(arguments.folder)
    templates = list(template_examples(catalog, SEED))
    by_id = {movie.tmdb_id: movie for movie in movies}
    judged = judge_by_strangers(examples, templates, catalog, by_id, Settings(seed=SEED))
    plain, odds = judged.rows, judged.log_odds()
    slope, shift = calibrate(plain, odds, {one.identity: one.source for one in examples})
    chances = 1 / (1 + np.exp(-(slope * odds + shift)))
    speed = _rate(lambda message: link(message, catalog), list(messages.values()))
    _add(table, "linker", scorer.evaluate(core, _decode(plain, chances, DEFAULT_THRESHOLD)), speed, tokenise_rate)
    console.print(table)
    console.print(_pace_while_building(catalog, movies, list(messages.values())))
    console.print(_operating_points(scorer, gold, core, plain, chances, examples))
    console.print(_reliability(plain, chances, examples))
    if arguments.predictions:
        lines = [
            json.dumps({"id": key, "mentions": value})
            for key, value in _decode(plain, chances, DEFAULT_THRESHOLD).items()
        ]
        arguments.predictions.write_text("\n".join(lines) + "\n", "utf-8")


def _records(path: Path) -> list[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("scorer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rate(system: Any, examples: list[Example]) -> float:
    """Return messages a second, the best of a few rounds: other work on the machine only ever slows."""
    for one in examples:
        system(one.message)
    best = 0.0
    for _ in range(ROUNDS):
        started = perf_counter()
        for one in examples:
            system(one.message)
        best = max(best, len(examples) / (perf_counter() - started))
    return best


def _pace_while_building(catalog: Catalog, movies: list[Movie], examples: list[Example]) -> str:
    """Return how linking goes on while another thread builds an index, as it does when the catalogue changes."""

    def build() -> None:
        with without_collector():
            Catalog.build(movies, rest)

    builder = Thread(target=build)
    linked, longest, began = 0, 0.0, perf_counter()
    last = began
    builder.start()
    for one in cycle(examples):
        link(one.message, catalog)
        now = perf_counter()
        linked, longest, last = linked + 1, max(longest, now - last), now
        if not builder.is_alive():
            break
    rate = linked / (last - began)
    return f"while an index is built beside it: {rate:,.0f} messages/s, longest pause {longest * 1_000:.0f} ms"


def _as_predictions(found: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
    return [{"tmdb_id": tmdb_id, "span": [start, end]} for start, end, tmdb_id in found]


def _decode(plain: Rows, chances: Any, threshold: float) -> Predictions:
    grouped: dict[str, list[tuple[Case, float]]] = {}
    for (identity, case), chance in zip(plain.owners, chances.tolist(), strict=True):
        grouped.setdefault(identity, []).append((case, chance))
    found: Predictions = {}
    for identity, judged in grouped.items():
        chosen = choose([case for case, _ in judged], [chance for _, chance in judged])
        found[identity] = _as_predictions(
            [
                (case.candidate.start, case.candidate.end, case.meant.film.tmdb_id)
                for case, chance in chosen
                if chance >= threshold
            ]
        )
    return found


def _add(table: Table, name: str, result: dict[str, Any], rate: float, tokenise_rate: float) -> None:
    linking = result["linking"]
    table.add_row(
        name,
        *(f"{linking[key]:.3f}" for key in ("p", "r", "f1")),
        f"{result['detection']['f1']:.3f}",
        f"{result['link_accuracy_given_detected']:.3f}",
        f"{result['fp_per_1000_complete_neg']:.0f}",
        f"{rate:,.0f}",
        f"{tokenise_rate / rate:.1f}",
    )


def _operating_points(  # noqa: PLR0913, PLR0917 - what the table is made of
    scorer: ModuleType, gold: list[Any], core: list[Any], plain: Rows, chances: Any, examples: list[Example]
) -> Table:
    used = {one.identity for one in examples}
    negatives = [record for record in gold if record["source"] in NEGATIVES]
    tweets = [record for record in gold if record["source"] == "wnut16_tweets"]
    talk = [
        record
        for record in gold
        if record["id"] in used
        and record["source"] in {*CORE, "redial", "mit_movie_queries"}
        and not record["mentions"]
    ]
    table = Table("threshold", "link P", "R", "F1", "detect F1", "false/1000: film talk", "other forums", "tweets")
    for threshold in THRESHOLDS:
        found = _decode(plain, chances, threshold)
        result = scorer.evaluate(core, found)
        linking = result["linking"]
        table.add_row(
            f"{threshold:.2f}",
            *(f"{linking[key]:.3f}" for key in ("p", "r", "f1")),
            f"{result['detection']['f1']:.3f}",
            f"{scorer.evaluate(talk, found)['fp_per_1000_complete_neg']:.1f}",
            f"{scorer.evaluate(negatives, found)['fp_per_1000_presumed_neg']:.1f}",
            f"{scorer.evaluate(tweets, found)['fp_per_1000_complete_neg']:.1f}",
        )
    return table


def _reliability(plain: Rows, chances: Any, examples: list[Example]) -> Table:
    sources = {one.identity: one.source for one in examples}
    labels = np.array(plain.labels)
    core = np.array([sources.get(identity) in CORE for identity, _ in plain.owners])
    used = core & (labels >= 0)
    table = Table("confidence", "candidates", "mean confidence", "right")
    for low, high, count, mean, right in reliability(chances[used], labels[used].astype(float)):
        table.add_row(f"{low:.2f}-{high:.2f}", str(count), f"{mean:.3f}", f"{right:.3f}")
    return table


if __name__ == "__main__":
    main()
