from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.suite.mention_stream import CODEC, MentionStream
from cinepulse.clock import MILLISECONDS_PER_DAY
from schemas.partitioning import film_partition
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from schemas.events import MentionKey


def test_the_keys_are_the_contracts_and_their_counts_are_those_that_are_told() -> None:
    """The stream writes its keys itself, for speed: read by the codec they are distinct, and as many as it says."""
    stream = MentionStream(3_000)
    keys: list[MentionKey] = []
    for piece in stream.pieces():
        for partition, records in piece.items():
            for record in records:
                key: MentionKey = CODEC.decode(MOVIE_MENTIONS.key_subject, record.key)
                assert CODEC.encode(MOVIE_MENTIONS.key_subject, key) == record.key
                assert film_partition(key.tmdb_id, len(piece)) == partition
                keys.append(key)

    assert len(set(keys)) == stream.mentions
    assert Counter((key.tmdb_id, key.created_at // MILLISECONDS_PER_DAY) for key in keys) == stream.counts()


def test_one_of_each_names_every_film_and_day_once_by_a_mention_that_is_there() -> None:
    """What asks a restored worker for its counts changes none of them, and leaves none out."""
    stream = MentionStream(3_000)
    known = {record.key for piece in stream.pieces() for records in piece.values() for record in records}

    asked = [record.key for record in stream.one_of_each()]

    assert set(asked) <= known
    keys = [CODEC.decode(MOVIE_MENTIONS.key_subject, key) for key in asked]
    assert sorted((key.tmdb_id, key.created_at // MILLISECONDS_PER_DAY) for key in keys) == sorted(stream.counts())
