from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioning import film_partition, partition_of, post_partition, text_partition
from schemas.topics import TOPICS, Topic
from tests.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable


# The published check values of CRC-32 (ISO-HDLC) for the ASCII digits.
CRC_OF_1_TO_9 = 0xCBF43926
CRC_OF_1_TO_8 = 0x9AE0DAAF


@pytest.mark.parametrize("partitions", [1, 4, 7, 1024])
def test_partitions_never_move(partitions: int) -> None:
    """Records already in Kafka lie where today's code looks: the function, CRC-32, is part of the contract."""
    digits = int.from_bytes(b"12345678", "big")

    assert post_partition("123456789", partitions) == CRC_OF_1_TO_9 % partitions
    assert text_partition("123456789", partitions) == CRC_OF_1_TO_9 % partitions
    assert film_partition(digits, partitions) == CRC_OF_1_TO_8 % partitions


@given(tmdb_id=st.integers(-(2**63), 2**63 - 1), partitions=st.integers(1, 1024))
def test_any_film_has_a_partition(tmdb_id: int, partitions: int) -> None:
    """Every id that fits the schema's long is within range, negative ones included."""
    assert 0 <= film_partition(tmdb_id, partitions) < partitions


@pytest.mark.parametrize("place", [post_partition, text_partition])
@given(text=st.text(), partitions=st.integers(1, 1024))
def test_any_text_has_a_partition(place: Callable[[str, int], int], text: str, partitions: int) -> None:
    """Every key that is a text is within range."""
    assert 0 <= place(text, partitions) < partitions


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_its_rule(topic: Topic) -> None:
    """Films decide for all about films, posts for posts, a listing or a topic's name for the rest."""
    expected = {
        "reddit.posts": post_partition("t3_1abcde", 1024),
        "tmdb.popularity": film_partition(693_134, 1024),
        "tmdb.movies": film_partition(693_134, 1024),
        "movie.mentions": film_partition(693_134, 1024),
        "movie.terms": film_partition(693_134, 1024),
        "movie.mention_counts": film_partition(693_134, 1024),
        "tmdb.rankings": text_partition("popular", 1024),
        "trend.alerts": film_partition(693_134, 1024),
        "pipeline.coverage": text_partition("reddit/new:movies+boxoffice", 1024),
        "pipeline.dead_letters": text_partition("reddit.posts", 1024),
    }

    assert partition_of(topic, SAMPLES[topic.key_subject], 1024) == expected[topic.name]


def test_neighbouring_films_spread_evenly() -> None:
    """Consecutive ids, as TMDB gives them, do not pile up in one partition."""
    sizes = [0] * 4
    for tmdb_id in range(100_000):
        sizes[film_partition(tmdb_id, 4)] += 1

    assert max(sizes) < 1.05 * min(sizes)
