"""Keys of `movie.mentions` in, records of `movie.mention_counts` out, at the speed of the count stage.

The contract's codec takes about 8 microseconds a record in each direction, which is more than counting takes. Here the
common forms are read and written directly; every other form goes through the codec, and tests hold the bytes equal.
Avro's integers are zigzag varints: https://avro.apache.org/docs/1.12.0/specification/#primitive-types-1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.codec import HEADER, MAGIC
from schemas.partitioning import post_partition
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.counting.avro_rows import joined, varint_column
from stream_processors.counting.columns import have_mention_shape, read_columns
from stream_processors.identity import pack_fullname, pack_post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.codec import Codec
    from schemas.registry import SchemaIds
    from stream_processors.counting.avro_rows import Numbers
    from stream_processors.counting.columns import Columns

MORE: Final = 0x80
BITS: Final = 0x7F

# Avro writes the platform as its length, doubled, and its letters.
REDDIT_FIELD: Final = b"\x0creddit"
# Instants between 2004 and 2039 take six bytes.
INSTANT_BYTES: Final = 6
SECOND_BRANCH: Final = 2
# An author's observation is below 2^16; what is longer may be no int.
SKETCH_BYTES: Final = 3
CACHED_FILMS: Final = 1_000_000


def varint(number: int) -> bytes:
    """Return a 64-bit signed integer as Avro writes it."""
    rest = number << 1 ^ number >> 63
    encoded = bytearray()
    while rest > BITS:
        encoded.append(rest & BITS | MORE)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


class MentionKeys:
    """Reads mention keys: the film, the packed post and the instant it was written."""

    def __init__(self, codec: Codec, schema_ids: SchemaIds) -> None:
        self._codec = codec
        self._header = HEADER.pack(MAGIC, schema_ids.latest(MOVIE_MENTIONS.key_subject).schema_id)
        self._films: dict[bytes, int] = {}

    def read(self, key: bytes) -> tuple[int, int, int]:
        """Return the TMDB id, the packed post and its creation, milliseconds since 1970-01-01 UTC.

        Raises CorruptRecord or UnknownSchemaId for bytes that are no mention key.
        """
        platform = key.find(REDDIT_FIELD, HEADER.size + 1)
        if 0 < platform < len(key) - len(REDDIT_FIELD) and key.startswith(self._header):
            film = self._films.get(key[HEADER.size : platform])
            double = key[platform + len(REDDIT_FIELD)]
            start = platform + len(REDDIT_FIELD) + 1
            fullname, instant = key[start : start + (double >> 1)], key[start + (double >> 1) :]
            # A name below 64 bytes in plain letters, and behind it an instant of the usual width.
            if film is not None and not double & 0x81 and len(instant) == INSTANT_BYTES and fullname.isascii():
                a, b, c, d, e, f = instant
                if a & b & c & d & e & MORE and f < MORE:
                    zigzag = (
                        a & BITS | (b & BITS) << 7 | (c & BITS) << 14 | (d & BITS) << 21 | (e & BITS) << 28 | f << 35
                    )
                    return film, pack_fullname(fullname), zigzag >> 1 ^ -(zigzag & 1)
        return self._read_any(key)

    def read_all(self, keys: Sequence[bytes]) -> Columns:
        """Return the mentions of some keys, as far as they have the usual form; `read` reads the rest."""
        return read_columns(keys, self._header)

    def _read_any(self, key: bytes) -> tuple[int, int, int]:
        decoded = self._codec.decode(MOVIE_MENTIONS.key_subject, key)
        if key.startswith(self._header) and len(self._films) < CACHED_FILMS:
            self._films[varint(decoded.tmdb_id)] = decoded.tmdb_id
        return decoded.tmdb_id, pack_post(decoded.platform, decoded.post_id), decoded.created_at

    def source_partition(self, key: bytes, partitions: int) -> int:
        """Return which partition of the source, of so many, the post of a key lay in; raises as `read` does."""
        decoded = self._codec.decode(MOVIE_MENTIONS.key_subject, key)
        return post_partition(decoded.post_id, partitions)


class MentionValues:
    """Tells whether a mention's value is whole, without decoding it."""

    def __init__(self, codec: Codec, schema_ids: SchemaIds) -> None:
        self._codec = codec
        self._header = HEADER.pack(MAGIC, schema_ids.latest(MOVIE_MENTIONS.value_subject).schema_id)

    def are_whole(self, values: Sequence[bytes]) -> Numbers:
        """Return which values are mentions of the usual form; `check` tells of the rest."""
        return have_mention_shape(values, self._header)

    def check(self, value: bytes) -> None:
        """Return if the value is a mention; raises CorruptRecord or UnknownSchemaId if not.

        The sink refuses a broken value, so it must not be counted here either.
        """
        if not (value.startswith(self._header) and _has_mention_shape(value)):
            self._codec.decode(MOVIE_MENTIONS.value_subject, value)


def _has_mention_shape(value: bytes) -> bool:
    """Return whether the fields end where the bytes end; False as well for uncommon forms, such as long texts."""
    try:
        place = HEADER.size + 1 + (value[HEADER.size] >> 1)  # community
        place += 2  # kind, location
        place += 9 + (value[place] >> 1)  # method, confidence
        place += 2 + (value[place + 1] >> 1) if value[place] == SECOND_BRANCH else 1  # thread_id
        while value[place] & MORE:  # score
            place += 1
        place += 1
        if value[place] == SECOND_BRANCH:  # num_comments
            place += 1
            while value[place] & MORE:
                place += 1
        place += 1 + INSTANT_BYTES  # observed_at
        place += 1 + (value[place] >> 1)  # linker_version
        place += 1 + (value[place] >> 1)  # origin
        place += 9 if value[place] == SECOND_BRANCH else 1  # sentiment
        if value[place] == SECOND_BRANCH:  # author_sketch
            return _is_short_varint(value[place + 1 :])
        return place + 1 == len(value)
    except IndexError:
        return False


def _is_short_varint(rest: bytes) -> bool:
    return len(rest) <= SKETCH_BYTES and rest[-1] < MORE and (len(rest) == 1 or min(rest[:-1]) >= MORE)


class CountColumns(NamedTuple):
    """Counts to be told, one row a film-day; the fields of a MentionCount as its schema has them.

    `final`: 1 for a closed day, else 0. `closed`: the revision that closed the day, 0 while it is open.
    """

    mentions: Numbers
    submissions: Numbers
    comments: Numbers
    revisions: Numbers
    final: Numbers
    oldest: Numbers
    newest: Numbers
    closed: Numbers


class CountRecords:
    """Writes the keys and values of `movie.mention_counts`."""

    def __init__(self, schema_ids: SchemaIds) -> None:
        self._key_header = HEADER.pack(MAGIC, schema_ids.latest(MOVIE_MENTION_COUNTS.key_subject).schema_id)
        self._value_header = HEADER.pack(MAGIC, schema_ids.latest(MOVIE_MENTION_COUNTS.value_subject).schema_id)

    def keys(self, tmdb_ids: Numbers, days: Numbers) -> list[bytes]:
        """Return the wire bytes of MentionCountKeys; days count from 1970-01-01."""
        return joined(len(days), [self._key_header, varint_column(tmdb_ids), varint_column(days)])

    def values(self, counts: CountColumns, watermark: int) -> list[bytes]:
        """Return the wire bytes of MentionCounts, which share the watermark."""
        before = [varint_column(column) for column in counts[:5]]
        behind = [varint_column(column) for column in counts[5:]]
        return joined(len(counts.final), [self._value_header, *before, varint(watermark), *behind])
