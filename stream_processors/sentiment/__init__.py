"""How a post speaks of a film: a number from -1 to 1, from the sentences that hold the film. Pure.

`sentiments_of` is asked while the text is there. VADER's rules and lexicon (Hutto and Gilbert, 2014) score a sentence
whose titles are masked, with words and phrases of film talk on top (`data/film.toml`).
"""

from __future__ import annotations

from stream_processors.sentiment.films import sentiments_of
from stream_processors.sentiment.scoring import NEGATIVE, POSITIVE, score

__all__ = ["NEGATIVE", "POSITIVE", "score", "sentiments_of"]
