"""Count how recorded posts use the names of films into `data/names.tsv`: only names seen at least four times."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from stream_processors.linking.candidates import find_candidates
from stream_processors.linking.scene import scene_of
from stream_processors.linking.tokens import blank, tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stream_processors.linking.catalog import Catalog
    from stream_processors.linking.message import Message

MIN_COUNT = 4
FILM, OTHER, CAPITAL, LOWER = range(4)


def count_names(messages: Iterable[Message], catalog: Catalog) -> tuple[dict[str, list[int]], list[int]]:
    """Return each name's counts in film communities, elsewhere, with a capital and without, and the words in all.

    Capitals count only inside sentences of texts that are not headlines.
    """
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    words = [0, 0]
    for message in messages:
        text = blank(message.text)
        tokens = tokenise(text)
        scene = scene_of(message, text, tokens)
        place = FILM if scene.film_community > 0 else OTHER
        words[place] += len(tokens.words)
        for candidate in find_candidates(text, tokens, catalog.names):
            count = counts[candidate.name]
            count[place] += 1
            if not scene.headline and candidate.start and text[: candidate.start].rstrip(" ")[-1:].isalpha():
                count[CAPITAL if scene.capitals[candidate.first] else LOWER] += 1
    return counts, words


def write_names(path: Path, counts: dict[str, list[int]], words: list[int]) -> int:
    """Write the table, names in order, and return how many it has."""
    lines = []
    for name, (film, other, capital, lower) in sorted(counts.items()):
        if film + other < MIN_COUNT:
            continue
        seen = math.log1p(film + other)
        lean = math.log((film + 0.5) / words[FILM]) - math.log((other + 0.5) / words[OTHER])
        capitals = math.log((capital + 0.5) / (lower + 0.5))
        lines.append(f"{name}\t{round(10 * seen)}\t{round(10 * lean)}\t{round(10 * capitals)}\n")
    path.write_text("".join(lines), "utf-8")
    return len(lines)
