"""Which partition a record goes to, computed the same way by every producer.

Kafka clients differ in their default partitioners (librdkafka hashes with CRC-32, Java and aiokafka with murmur2), and
a mention must lie in the partition of its film, not of its whole key. So each producer asks here and names the
partition itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from schemas.topics import (
    MOVIE_MENTION_COUNTS,
    MOVIE_MENTIONS,
    MOVIE_TERMS,
    PIPELINE_COVERAGE,
    REDDIT_POSTS,
    TMDB_MOVIES,
    TMDB_POPULARITY,
    TREND_ALERTS,
)

if TYPE_CHECKING:
    from schemas.topics import Topic


def post_partition(fullname: str, partitions: int) -> int:
    """Return the partition of a post's observations, 0 to `partitions` - 1: all states of a post stay in order."""
    return crc32(fullname.encode()) % partitions


def film_partition(tmdb_id: int, partitions: int) -> int:
    """Return the partition of everything about a film, 0 to `partitions` - 1."""
    return crc32(tmdb_id.to_bytes(8, "big", signed=True)) % partitions


def text_partition(key: str, partitions: int) -> int:
    """Return the partition of a record keyed by other text, for example a listing, 0 to `partitions` - 1."""
    return crc32(key.encode()) % partitions


def partition_of(topic: Topic, key: Any, partitions: int) -> int:
    """Return the partition of a record by its topic and its key as the topic's contract has it."""
    if topic == REDDIT_POSTS:
        return post_partition(key, partitions)
    if topic in {TMDB_POPULARITY, TMDB_MOVIES}:
        return film_partition(key, partitions)
    if topic in {MOVIE_MENTIONS, MOVIE_TERMS, MOVIE_MENTION_COUNTS, TREND_ALERTS}:
        return film_partition(key.tmdb_id, partitions)
    if topic == PIPELINE_COVERAGE:
        return text_partition(f"{key.source}/{key.listing}", partitions)
    return text_partition(key, partitions)
