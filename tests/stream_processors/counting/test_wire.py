from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import CorruptRecord, UnknownSchemaId
from schemas.codec import Codec
from schemas.events import Mention, MentionCount, MentionCountKey, MentionKey
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS
from stream_processors.counting.wire import (
    CountColumns,
    CountRecords,
    MentionKeys,
    MentionValues,
    varint,
)
from stream_processors.identity import pack_post

IDS = ManifestIds()
CODEC = Codec(IDS)
longs = st.integers(-(2**63), 2**63 - 1)
small = st.integers(0, 10_000)
names = st.text(max_size=70)

keys = st.builds(
    MentionKey,
    tmdb_id=longs | st.integers(0, 2_000_000),
    platform=st.sampled_from(["reddit", "lemmy"]) | names,
    post_id=st.sampled_from(["t3_1abc234", "t1_k2", "t1_creddit", "t3_0abc"]) | names,
    created_at=longs | st.integers(1_000_000_000_000, 2_000_000_000_000),
)
mentions = st.builds(
    Mention,
    community=names,
    kind=st.sampled_from(["submission", "comment", "unknown"]),
    location=st.sampled_from(["title", "body", "link", "thread", "unknown"]),
    method=names,
    confidence=st.floats(0, 1),
    score=longs | small,
    observed_at=longs | st.integers(1_000_000_000_000, 2_000_000_000_000),
    linker_version=names,
    thread_id=st.none() | names,
    num_comments=st.none() | longs | small,
    origin=st.sampled_from(["live", "backfill"]),
    sentiment=st.none() | st.floats(-1, 1),
    author_sketch=st.none() | st.integers(0, 65_535) | st.integers(-(2**31), 2**31 - 1),
)


@given(st.lists(keys, min_size=1, max_size=4))
def test_keys_are_read_as_the_codec_reads_them(some: list[MentionKey]) -> None:
    """The direct way and the codec's agree on every key, also when a film is met again."""
    reader = MentionKeys(CODEC, IDS)

    for key in some * 2:
        read = reader.read(CODEC.encode(MOVIE_MENTIONS.key_subject, key))

        assert read == (key.tmdb_id, pack_post(key.platform, key.post_id), key.created_at)


@given(keys, st.data())
def test_a_broken_key_is_poison_or_read_as_the_codec_reads_it(key: MentionKey, data: st.DataObject) -> None:
    """However a key is cut or altered, it is refused as the codec refuses it, and never read as something else."""
    reader = MentionKeys(CODEC, IDS)
    whole = CODEC.encode(MOVIE_MENTIONS.key_subject, key)
    reader.read(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = data.draw(st.sampled_from([whole[:place], whole[:place] + b"\x0c" + whole[place + 1 :], whole + b"\0"]))

    try:
        decoded = CODEC.decode(MOVIE_MENTIONS.key_subject, broken)
    except (CorruptRecord, UnknownSchemaId) as refused:
        with pytest.raises(type(refused)):
            reader.read(broken)
    else:
        expected = (decoded.tmdb_id, pack_post(decoded.platform, decoded.post_id), decoded.created_at)
        assert reader.read(broken) == expected


@given(mentions, st.data())
def test_values_are_refused_where_the_codec_refuses_them(mention: Mention, data: st.DataObject) -> None:
    """A whole mention passes; one that is cut short is refused as the codec refuses it."""
    values = MentionValues(CODEC, IDS)
    whole = CODEC.encode(MOVIE_MENTIONS.value_subject, mention)

    values.check(whole)
    with pytest.raises((CorruptRecord, UnknownSchemaId)):
        values.check(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(longs)
def test_varints_are_avro_longs(number: int) -> None:
    """Every 64-bit integer is written as Avro writes a long."""
    encoded = CODEC.encode("tmdb.movies-key", number)

    assert varint(number) == encoded[5:]


@given(st.lists(st.tuples(longs, st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=5))
def test_count_keys_are_the_codecs_bytes(film_days: list[tuple[int, int]]) -> None:
    """Counts' keys are byte for byte what the contract's codec writes, however long each of them is."""
    expected = [
        CODEC.encode(MOVIE_MENTION_COUNTS.key_subject, MentionCountKey(tmdb_id=tmdb_id, day=day))
        for tmdb_id, day in film_days
    ]

    assert CountRecords(IDS).keys(*np.array(film_days, np.int64).T) == expected


counts = st.builds(
    MentionCount,
    mentions=small | longs,
    submissions=small,
    comments=small,
    revision=longs,
    state=st.sampled_from(["provisional", "final"]),
    watermark=st.just(0),
    oldest_observed_at=longs,
    newest_observed_at=longs,
    closed_revision=longs,
)


@given(st.lists(counts, min_size=1, max_size=5), longs)
def test_count_values_are_the_codecs_bytes(some: list[MentionCount], watermark: int) -> None:
    """Counts' values are byte for byte what the contract's codec writes."""
    expected = [CODEC.encode(MOVIE_MENTION_COUNTS.value_subject, replace(count, watermark=watermark)) for count in some]
    counted = [[one.mentions, one.submissions, one.comments, one.revision, one.state == "final"] for one in some]
    timed = [[one.oldest_observed_at, one.newest_observed_at, one.closed_revision] for one in some]
    numbers = [*np.array(counted, np.int64).T, *np.array(timed, np.int64).T]

    assert CountRecords(IDS).values(CountColumns._make(numbers), watermark) == expected


def test_no_counts_are_no_records() -> None:
    """A flush in which nothing is to be told writes nothing."""
    none = np.zeros(0, np.int64)

    assert CountRecords(IDS).keys(none, none) == []
    assert CountRecords(IDS).values(CountColumns._make([none] * 8), 0) == []
