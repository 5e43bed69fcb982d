"""Records that should not be: put straight into the topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import Producer

from cinepulse.kafka import producer_config
from schemas.codec import Codec
from schemas.registry import schema_ids
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS, REDDIT_POSTS

if TYPE_CHECKING:
    import random

    from cinepulse.settings import Settings
    from tests.chaos.rig import Rig

TOPICS: Final = (REDDIT_POSTS, MOVIE_MENTIONS, MOVIE_MENTION_COUNTS)


def send_poison(settings: Settings, rng: random.Random) -> int:
    """Send bytes that no schema reads to each stage's input, and return how many dead letters they make."""
    producer = Producer(producer_config(settings, "chaos"))
    key = Codec(schema_ids(settings.schema_registry_url)).encode(REDDIT_POSTS.key_subject, "t3_poison")
    letters = 0
    for topic in TOPICS:
        for value in (b"", b"\x00\x00\x00\x00\x00", rng.randbytes(40), rng.randbytes(4_000)):
            producer.produce(topic.name, value, key, partition=rng.randrange(settings.partitions))
            # A poisoned mention is a letter of the count stage and one of the sink.
            letters += 2 if topic is MOVIE_MENTIONS else 1
    producer.flush(30)
    return letters


def dead_letters(rig: Rig) -> int:
    """Return how many dead letters are stored."""
    with rig.client() as client:
        return int(client.command("SELECT count() FROM dead_letters FINAL"))
