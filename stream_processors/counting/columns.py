"""Reads a slice's mentions column by column: what each record needs done is done once for all of them, by numpy.

Record by record in Python, reading a key and looking over a value takes longer than counting. Here both are read in the
form that nearly all have: a Reddit post with a numeric id, short texts, an instant of the usual width. A row of any
other form is left unread, and whoever folds it reads it by itself, through the contract's codec where need be.

Avro's integers are zigzag varints, texts follow their length, a union's branch is its number:
https://avro.apache.org/docs/1.12.0/specification/#binary_encoding
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from cinepulse.clock import MILLISECONDS_PER_DAY
from schemas.codec import HEADER
from stream_processors.identity import COMMENT, KIND_BITS, MAX_DIGITS, SUBMISSION

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_BITS: Final = 22
"""A film-day is one number: the film's TMDB id above, the day since 1970-01-01 UTC in the low bits."""

UNREAD: Final = -1
"""A film-day that is none: the row has to be read by itself."""

# Avro writes the platform as its length, doubled, and its letters; behind it comes the length of the post's name.
PLATFORM: Final = int.from_bytes(b"\x0creddit", "little")
PLATFORM_BYTES: Final = 7
PREFIX_BYTES: Final = 3
PREFIXES: Final = ((int.from_bytes(b"t3_", "little"), SUBMISSION), (int.from_bytes(b"t1_", "little"), COMMENT))
BASE: Final = 36
NO_DIGIT: Final = -1
# Lengths of a byte: their double stays below the bit that says that more follows.
SHORT: Final = 0x81
# Instants between 2004 and 2039 take six bytes: all but the last have that bit.
INSTANT_BYTES: Final = 6
INSTANT_MORE: Final = 0x8080_8080_8080
INSTANT_FORM: Final = 0x0080_8080_8080
# Ids below 2^27 take up to four bytes.
FILM_BYTES: Final = 4
NUMBER_BYTES: Final = 8
# What takes no more bytes fits 32 bits, or the 16 of an author's sketch and a few more.
INT_BYTES: Final = 4
SKETCH_BYTES: Final = 3
SECOND_BRANCH: Final = 2
# Behind the last text: reading a broken row runs so far over its end at most.
MARGIN: Final = bytes(1_024)

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

DIGITS: Final[Numbers] = np.full(256, NO_DIGIT, np.int64)
DIGITS[np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", np.uint8)] = np.arange(BASE)


class Columns(NamedTuple):
    """A slice's mentions, one row a record: film-day (`UNREAD` where it is), packed post, creation in milliseconds."""

    film_days: Sequence[int]
    posts: Sequence[int]
    created: Sequence[int]


class Laid:
    """Texts laid end to end, with a view on the eight bytes from any place on."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        data = b"".join((*texts, MARGIN))
        self.ends: Numbers = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        self.starts: Numbers = np.concatenate((np.zeros(1, np.int64), self.ends[:-1]))
        self.bytes: Numbers = np.frombuffer(data, np.uint8)
        self._words: Numbers = np.ndarray((len(data) - NUMBER_BYTES + 1,), "<u8", data, strides=(1,))

    def words(self, places: Numbers) -> Numbers:
        """Return the eight bytes from each place on as a little-endian number."""
        words: Numbers = self._words[places].astype(np.int64)
        return words

    def begins_with(self, header: bytes) -> Numbers:
        """Return which texts begin with five given bytes."""
        known = int.from_bytes(header, "little")
        same: Numbers = (self.words(self.starts) & _low(HEADER.size)) == known
        return same


def read_columns(keys: Sequence[bytes], header: bytes) -> Columns:
    """Return the mentions of some keys of `movie.mentions`.

    `header`: the five bytes that a key of today begins with.
    """
    if not keys:
        return Columns((), (), ())
    laid = Laid(keys)
    read = laid.begins_with(header)
    film_field = laid.words(laid.starts + HEADER.size)
    length = varint_lengths(film_field, FILM_BYTES)
    film = varints(film_field, length)
    read &= (length <= FILM_BYTES) & (film >= 0)
    platform = laid.words(laid.starts + HEADER.size + length)
    double = platform >> 8 * PLATFORM_BYTES & 0xFF
    read &= ((platform & _low(PLATFORM_BYTES)) == PLATFORM) & ((double & SHORT) == 0)
    name = laid.starts + HEADER.size + length + PLATFORM_BYTES + 1
    digits = (double >> 1) - PREFIX_BYTES
    instant = laid.words(name + (double >> 1)) & _low(INSTANT_BYTES)
    read &= (instant & INSTANT_MORE) == INSTANT_FORM
    read &= name + (double >> 1) + INSTANT_BYTES == laid.ends
    created = varints(instant, np.full(len(keys), INSTANT_BYTES))
    post, known = _packed_posts(laid, name, digits)
    read &= known & (created >= 0)
    film_days = np.where(read, film << DAY_BITS | created // MILLISECONDS_PER_DAY, UNREAD)
    return Columns(film_days.tolist(), post.tolist(), created.tolist())


def _packed_posts(laid: Laid, names: Numbers, digits: Numbers) -> tuple[Numbers, Numbers]:
    """Return the packed post of each fullname, and which could be read; see `identity.pack_fullname`."""
    prefixes = laid.words(names) & _low(PREFIX_BYTES)
    kinds: Numbers = np.zeros(len(names), np.int64)
    for prefix, kind in PREFIXES:
        kinds[prefixes == prefix] = kind
    first = names + PREFIX_BYTES
    word = laid.words(first)
    read = (kinds > 0) & (digits >= 1) & (digits <= MAX_DIGITS) & (DIGITS[word & 0xFF] != 0)
    number: Numbers = np.zeros(len(names), np.int64)
    # Reddit's ids have 6 or 7 digits: longer ones take a second word.
    for place in range(int(np.max(digits, where=read, initial=0))):
        if place == NUMBER_BYTES:
            word = laid.words(first + NUMBER_BYTES)
        digit, there = DIGITS[word >> 8 * (place % NUMBER_BYTES) & 0xFF], place < digits
        read &= (digit >= 0) | ~there
        number = np.where(there, number * BASE + digit, number)
    return number << KIND_BITS | kinds, read


class Cursor:
    """Goes through the fields of many records at once; `sound` says of which it can still be told."""

    def __init__(self, laid: Laid, header: bytes) -> None:
        self._laid = laid
        self.sound = laid.begins_with(header)
        self.place = laid.starts + HEADER.size

    def skip(self, size: int, where: Numbers | None = None) -> None:
        """Go over a field of a known size, in the records where it is."""
        self.place = self.place + (size if where is None else np.where(where, size, 0))

    def skip_text(self, where: Numbers | None = None) -> None:
        """Go over a short text."""
        double = self._laid.bytes[self.place].astype(np.int64)
        self._go(1 + (double >> 1), (double & SHORT) == 0, where)

    def skip_int(self, most: int, where: Numbers | None = None) -> None:
        """Go over an integer of so many bytes at most."""
        length = varint_lengths(self._laid.words(self.place), most)
        self._go(length, length <= most, where)

    def skip_instant(self) -> None:
        """Go over an instant between 2004 and 2039."""
        self.sound &= (self._laid.words(self.place) & INSTANT_MORE) == INSTANT_FORM
        self.skip(INSTANT_BYTES)

    def is_there(self) -> Numbers:
        """Go over the branch of a union of null and another; return where it is the other."""
        branch: Numbers = self._laid.bytes[self.place]
        self.sound &= (branch == 0) | (branch == SECOND_BRANCH)
        self.skip(1)
        there: Numbers = branch == SECOND_BRANCH
        return there

    def ended(self) -> Numbers:
        """Return which records were sound and have no byte left."""
        ended: Numbers = self.sound & (self.place == self._laid.ends)
        return ended

    def _go(self, size: Numbers, sound: Numbers, where: Numbers | None) -> None:
        self.sound &= sound if where is None else sound | ~where
        self.place = self.place + (size if where is None else np.where(where, size, 0))


def have_mention_shape(values: Sequence[bytes], header: bytes) -> Numbers:
    """Return of each value of `movie.mentions` whether its fields end where its bytes end.

    False as well for uncommon forms, such as long texts. `header`: the five bytes that a value of today begins with.
    """
    if not values:
        return np.zeros(0, np.bool_)
    cursor = Cursor(Laid(values), header)
    cursor.skip_text()  # community
    cursor.skip(2)  # kind, location
    cursor.skip_text()  # method
    cursor.skip(NUMBER_BYTES)  # confidence
    cursor.skip_text(cursor.is_there())  # thread_id
    cursor.skip_int(INT_BYTES)  # score
    cursor.skip_int(INT_BYTES, cursor.is_there())  # num_comments
    cursor.skip_instant()  # observed_at
    cursor.skip_text()  # linker_version
    cursor.skip_text()  # origin
    cursor.skip(NUMBER_BYTES, cursor.is_there())  # sentiment
    cursor.skip_int(SKETCH_BYTES, cursor.is_there())  # author_sketch
    return cursor.ended()


def varint_lengths(words: Numbers, most: int) -> Numbers:
    """Return how many bytes the varint at the start of each word takes, `most` + 1 where it takes more than `most`."""
    length = np.ones(len(words), np.int64)
    going = np.ones(len(words), np.bool_)
    for place in range(most):
        going &= (words >> 8 * place & 0x80) != 0
        length += going
    return length


def varints(words: Numbers, lengths: Numbers) -> Numbers:
    """Return the zigzag varints of up to seven bytes at the start of each word; `lengths` in bytes."""
    zigzag = np.zeros(len(words), np.int64)
    for place in range(int(lengths.max(initial=0))):
        zigzag |= np.where(place < lengths, (words >> 8 * place & 0x7F) << 7 * place, 0)
    return zigzag >> 1 ^ -(zigzag & 1)


def _low(count: int) -> int:
    """Return a mask of so many low bytes."""
    return (1 << 8 * count) - 1
