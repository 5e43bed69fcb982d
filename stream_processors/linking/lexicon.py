"""Groups of words that matter around a film's name, from the packaged `data/lexicon.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def _groups() -> dict[str, frozenset[str]]:
    text = files("stream_processors.linking").joinpath("data", "lexicon.toml").read_text("utf-8")
    return {name: frozenset(words.split()) for name, words in tomllib.loads(text).items()}


def word_group(name: str) -> frozenset[str]:
    """Return the folded words of a group."""
    return _groups()[name]
