"""A stream of distinct mentions with film-like skew, as large as memory lets it be, and what is exactly in it.

Films are drawn by Zipf's law with exponent 1 over 20,000 of them; event time runs evenly over 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from cinepulse.clock import MILLISECONDS_PER_DAY
from schemas.codec import Codec
from schemas.events import Mention, MentionKey
from schemas.partitioning import film_partition
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

IDS: Final = ManifestIds()
CODEC: Final = Codec(IDS)
PARTITIONS: Final = 4
FILMS: Final = 20_000
DAYS: Final = 30
FIRST_DAY: Final = 20_000
SEED: Final = 1
OBSERVED_AFTER_MS: Final = 2_000
FIRST_POST: Final = 36**6
"""Reddit's ids have seven digits in base 36 today."""
SUBMISSION_EVERY: Final = 4
PIECE: Final = 40_000
DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"

VALUE: Final = CODEC.encode(
    MOVIE_MENTIONS.value_subject,
    Mention(
        community="movies",
        kind="comment",
        location="body",
        method="name",
        confidence=0.9,
        score=12,
        observed_at=FIRST_DAY * MILLISECONDS_PER_DAY,
        linker_version="bc569081beda",
        thread_id="t3_1abcde",
        sentiment=0.25,
        author_sketch=123,
    ),
)


class Record(NamedTuple):
    """A record of `movie.mentions`, as a consumer gives it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


@dataclass(slots=True)
class MentionStream:
    """So many mentions; the same number gives the same ones."""

    mentions: int
    _films: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        shares = 1 / np.arange(1, FILMS + 1)
        reached = np.cumsum(shares / shares.sum())
        draws = np.random.default_rng(SEED).random(self.mentions)
        self._films = np.minimum(np.searchsorted(reached, draws), FILMS - 1) + 1

    def pieces(self) -> Iterator[dict[int, list[Record]]]:
        """Yield the records in their order, some at a time, by partition; offsets follow each other from 0."""
        heads = {film: self._head(film) for film in range(1, FILMS + 1)}
        partitions = {film: film_partition(film, PARTITIONS) for film in heads}
        ends = [0] * PARTITIONS
        for start in range(0, self.mentions, PIECE):
            found: dict[int, list[Record]] = {number: [] for number in range(PARTITIONS)}
            for place, film in enumerate(self._films[start : start + PIECE].tolist(), start):
                partition, created_at = partitions[film], self.created_at(place)
                fullname = self.fullname(place).encode()
                key = b"".join((heads[film], bytes((len(fullname) << 1,)), fullname, _instant(created_at)))
                found[partition].append(Record(ends[partition], created_at + OBSERVED_AFTER_MS, key, VALUE))
                ends[partition] += 1
            yield found

    def counts(self) -> dict[tuple[int, int], int]:
        """Return how many mentions each film and day has."""
        film_days, counts = np.unique(self._film_days(), return_counts=True)
        return {
            (number // DAYS, FIRST_DAY + number % DAYS): count
            for number, count in zip(film_days.tolist(), counts.tolist(), strict=True)
        }

    def one_of_each(self) -> Iterator[Record]:
        """Yield one mention of each film and day, all with offset 0."""
        _, places = np.unique(self._film_days(), return_index=True)
        for place in places.tolist():
            created_at = self.created_at(place)
            fullname = self.fullname(place)
            key = MentionKey(
                tmdb_id=int(self._films[place]), platform="reddit", post_id=fullname, created_at=created_at
            )
            encoded = CODEC.encode(MOVIE_MENTIONS.key_subject, key)
            yield Record(0, created_at + OBSERVED_AFTER_MS, encoded, VALUE)

    def created_at(self, place: int) -> int:
        """Return when the post of a mention was written, milliseconds since 1970-01-01 UTC."""
        return FIRST_DAY * MILLISECONDS_PER_DAY + place * DAYS * MILLISECONDS_PER_DAY // self.mentions

    def fullname(self, place: int) -> str:
        """Return the post of a mention."""
        return ("t1_" if place % SUBMISSION_EVERY else "t3_") + _base36(FIRST_POST + place)

    def _film_days(self) -> NDArray[np.int64]:
        days = np.arange(self.mentions) * DAYS // self.mentions
        return self._films * DAYS + days

    def _head(self, film: int) -> bytes:
        """Return a key's bytes up to the post's name."""
        sample = MentionKey(tmdb_id=film, platform="reddit", post_id="t3_a", created_at=0)
        encoded = CODEC.encode(MOVIE_MENTIONS.key_subject, sample)
        return encoded[: -len("t3_a") - 2]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def _instant(milliseconds: int) -> bytes:
    """Return an instant as Avro writes it: six bytes between 2004 and 2039."""
    rest = milliseconds << 1
    return bytes(
        (
            rest & 0x7F | 0x80,
            rest >> 7 & 0x7F | 0x80,
            rest >> 14 & 0x7F | 0x80,
            rest >> 21 & 0x7F | 0x80,
            rest >> 28 & 0x7F | 0x80,
            rest >> 35,
        )
    )
