"""How common a word is in ordinary writing: small packaged statistics of forum posts.

`data/words.tsv` has a word a line: the word, and ten times its Zipf value (log10 of its count per 10^9 words) written
in lower case and written with a capital inside a sentence. `train/words.py` makes it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from stream_processors.linking.lexicon import word_group

UNKNOWN_ZIPF = 2.6
"""For a word that the statistics have never seen: rarer than any they hold."""
DIGIT_ZIPF = 5.3
"""For a number: any one is rare, but one is nearly always a number and not a title."""


@cache
def _table() -> dict[str, tuple[float, float]]:
    text = files("stream_processors.linking").joinpath("data", "words.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {word: (int(lower) / 10, int(capital) / 10) for word, lower, capital in rows}


def zipf(word: str) -> float:
    """Return how common a folded word is in lower case: about 7.7 for `the`, 2.6 for a word never seen."""
    found = _table().get(word)
    if found is not None:
        return found[0]
    return DIGIT_ZIPF if word[:1].isdigit() else UNKNOWN_ZIPF


@cache
def words_above(least: float) -> frozenset[str]:
    """Return the words that are more common than `least`."""
    return frozenset(word for word, (lower, _) in _table().items() if lower > least)


def name_zipf(word: str) -> float:
    """Return how common a folded word is with a capital inside a sentence, as names are."""
    found = _table().get(word)
    return UNKNOWN_ZIPF if found is None else found[1]


STOPWORDS: Final = word_group("stopwords")
"""Words that carry no information about a film; a name made only of them needs typography or a cue."""
