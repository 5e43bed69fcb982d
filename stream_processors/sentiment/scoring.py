"""One sentence to a number: VADER's rules over the lexicon of film talk.

Source of rules and lexicon: Hutto and Gilbert, VADER: a parsimonious rule-based model for sentiment analysis of social
media text, ICWSM 2014. vaderSentiment is their own package; its version is pinned, since its lexicon decides.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from stream_processors.sentiment.lexicon import lexicon

POSITIVE: Final = 0.05
NEGATIVE: Final = -0.05
"""From these on a compound counts as positive or negative, as VADER's authors propose."""

# What begins so and ends in a question mark asks for others' judgement and gives none.
ASKS: Final = re.compile(
    r"\W*(?:so |hey |ok |guys |and )*(?:is|was|are|were|does|did|do|has|have|can|could|should|would|will|where|when"
    r"|what|which|who|anyone|anybody|any)\b[^?]*\?+\W*",
    re.IGNORECASE,
)


# `Isn't it great?` says that it is.
RHETORICAL: Final = re.compile(r"\W*(?:is|was|are|were|do|does|did)n['\u2019]?t\b(?=[^?]*\?+\W*$)", re.IGNORECASE)


class FilmAnalyzer(SentimentIntensityAnalyzer):  # type: ignore[misc] # the package ships no types
    """VADER with another lexicon."""

    def __init__(self) -> None:  # the parent's would read its own lexicon
        self.lexicon = dict(lexicon().valences)
        self.emoji_full_filepath = files("vaderSentiment").joinpath("emoji_utf8_lexicon.txt").read_text("utf-8")
        self.emojis = self.make_emoji_dict()


@cache
def _analyzer() -> FilmAnalyzer:
    return FilmAnalyzer()


def score(sentence: str) -> float:
    """Return the compound sentiment of a sentence, -1 to 1; 0 for a question that asks for a judgement."""
    if ASKS.fullmatch(sentence):
        return 0.0
    compound: float = _analyzer().polarity_scores(lexicon().rewrite(RHETORICAL.sub("", sentence)))["compound"]
    return compound
