"""Make the linker's data files from labelled messages, recorded posts and a catalogue: `make train`.

Each stage reads the files that the stages before it wrote, so each runs in a process of its own.
"""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zlib import crc32

from stream_processors.linking.catalog import Catalog
from stream_processors.linking.catalog_csv import read_movies
from stream_processors.linking.message import Message
from stream_processors.linking.train.gold import Example, read_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.events import Movie

DATA: Final = Path(__file__).parents[1] / "data"
LABELLED: Final = ("mentions_reddit_dev.jsonl.gz", "mentions_other_dev.jsonl.gz")
POSTS: Final = "reddit_posts_dev.jsonl.gz"
FILMS: Final = "catalog.csv.gz"
SEED: Final = 7
REDIAL_PART: Final = 3
"""One in so many of the ReDial messages is used: they are many, and alike."""


def main() -> int:
    """Run one stage, or all in order."""
    parser = ArgumentParser(prog="python -m stream_processors.linking.train", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the labelled messages, the posts and the catalogue")
    parser.add_argument("--stage", choices=list(STAGES), help="only this stage")
    arguments = parser.parse_args()
    if arguments.stage:
        STAGES[arguments.stage](arguments)
        return 0
    for stage in STAGES:
        command = [sys.executable, "-m", "stream_processors.linking.train", str(arguments.folder), "--stage", stage]
        subprocess.run(command, check=True)
    return 0


def read_catalog(folder: Path) -> list[Movie]:
    """Return the films of the development catalogue."""
    with gzip.open(folder / FILMS, "rt", encoding="utf-8", newline="") as lines:
        return list(read_movies(lines))


def examples_in(folder: Path) -> list[Example]:
    """Return the labelled messages that training uses."""
    every = [example for name in LABELLED for example in read_examples(folder / name)]
    return [one for one in every if one.source != "redial" or crc32(one.identity.encode()) % REDIAL_PART == 0]


def posts_in(folder: Path) -> Iterator[Message]:
    """Yield titles and bodies of the recorded posts, without those that labelled messages were taken from."""
    with gzip.open(folder / POSTS, "rt", encoding="utf-8") as lines:
        for line in lines:
            post = json.loads(line)
            if post["subreddit"] == "movies" and post["source"] == "crowdpulse2024":
                continue
            yield Message(post["title"], community=post["subreddit"])
            if post["selftext"]:
                yield Message(post["selftext"], community=post["subreddit"])


def _words(arguments: Namespace) -> None:
    from stream_processors.linking.train.words import count_words, write_words

    texts = (line for message in posts_in(arguments.folder) for line in message.text.split("\n"))
    print(f"words: {write_words(DATA / 'words.tsv', *count_words(texts))}")  # noqa: T201 - a script's report


def _names(arguments: Namespace) -> None:
    from stream_processors.linking.train.names import count_names, write_names

    catalog = Catalog.build(read_catalog(arguments.folder))
    counts, words = count_names(posts_in(arguments.folder), catalog)
    print(f"names: {write_names(DATA / 'names.tsv', counts, words)}")  # noqa: T201 - a script's report


def _ranking(arguments: Namespace) -> None:
    from stream_processors.linking.train.ranking import accuracy, choices_of, fit, write_weights

    catalog = Catalog.build(read_catalog(arguments.folder))
    choices = list(choices_of(examples_in(arguments.folder), catalog))
    weights = fit(choices)
    write_weights(DATA / "ranking.json", weights)
    print(f"ranking: {len(choices)} choices, {accuracy(choices, weights):.3f} right")  # noqa: T201 - a script's report


def _model(arguments: Namespace) -> None:
    from stream_processors.linking.model import write_model
    from stream_processors.linking.train.folds import calibrate, model_of, train
    from stream_processors.linking.train.forest import Settings
    from stream_processors.linking.train.held_out import judge_by_strangers
    from stream_processors.linking.train.rows import rows_of
    from stream_processors.linking.train.templates import template_examples

    movies = read_catalog(arguments.folder)
    catalog = Catalog.build(movies)
    by_id = {movie.tmdb_id: movie for movie in movies}
    examples, templates = examples_in(arguments.folder), list(template_examples(catalog, SEED))
    settings = Settings(seed=SEED)
    judged = judge_by_strangers(examples, templates, catalog, by_id, settings)
    line = calibrate(judged.rows, judged.log_odds(), {one.identity: one.source for one in examples})
    plain, altered = rows_of([*examples, *templates], catalog, by_id, SEED)
    model = model_of(train(plain, altered, settings), line)
    (DATA / "model.json").write_text(write_model(model), "utf-8")
    print(f"model: {len(plain.labels)} rows and {len(altered.labels)} altered ones")  # noqa: T201 - a script's report


def _open_gate() -> None:
    """Let every candidate through, so that the gate is fitted on those that it will drop as well."""
    from stream_processors.linking import gate

    gate.LEAST = -math.inf  # type: ignore[misc] # final for everybody but this process


def _gate(arguments: Namespace) -> None:
    from stream_processors.linking.train.gate import fit_gate, gate_rows, write_gate
    from stream_processors.linking.train.rows import rows_of

    _open_gate()
    movies = read_catalog(arguments.folder)
    catalog = Catalog.build(movies)
    examples = examples_in(arguments.folder)
    plain, _ = rows_of(examples, catalog, {movie.tmdb_id: movie for movie in movies}, SEED)
    gate = fit_gate(*gate_rows(plain, {one.identity: one for one in examples}, catalog))
    write_gate(DATA / "gate.json", gate)
    print(f"gate: passes {gate['passed_of_others']} of what is no film")  # noqa: T201 - a script's report


STAGES: Final = {"words": _words, "names": _names, "ranking": _ranking, "gate": _gate, "model": _model}

if __name__ == "__main__":
    sys.exit(main())
