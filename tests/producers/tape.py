"""What a test's own records look like on the shared broker."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from cinepulse.kafka import client_config, consumer_config
from schemas.codec import Codec
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_COVERAGE, PIPELINE_DEAD_LETTERS, TOPICS

if TYPE_CHECKING:
    from cinepulse.settings import Settings
    from schemas.events import CoverageKey, DeadLetter, PollReport
    from schemas.topics import Topic

CODEC = Codec(ManifestIds())
SETTLE_SECONDS = 20
TOPICS_BY_NAME = {topic.name: topic for topic in TOPICS}


class Tape:
    """Records that arrived since the last `rewind`, per topic in the order of arrival within each partition."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AdminClient(client_config(settings, "tape"))
        config = {"group.id": "tape-no-group", "fetch.wait.max.ms": 10}
        self._consumer = Consumer(consumer_config(settings, "tape") | config)
        self._partitions = [
            TopicPartition(name, number) for name in TOPICS_BY_NAME for number in range(settings.partitions)
        ]
        self._next: dict[tuple[str, int], int] = {}
        self._records: dict[str, list[tuple[Any, Any]]] = defaultdict(list)

    def rewind(self) -> None:
        """Begin anew: forget what has arrived."""
        self._next = self._ends()
        self._records.clear()
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in self._next.items()])

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def read(self, topic: Topic) -> list[tuple[Any, Any]]:
        """Return all keys and values of a topic so far."""
        ends = self._ends()
        while any(self._next[place] < end for place, end in ends.items()):
            for message in self._consumer.consume(1_000, 0.05):
                assert message.error() is None, message.error()
                name, key, value = str(message.topic()), message.key(), message.value()
                self._next[name, message.partition() or 0] = (message.offset() or 0) + 1
                its = TOPICS_BY_NAME[name]
                record = None if value is None else CODEC.decode(its.value_subject, bytes(value))
                self._records[name].append((CODEC.decode(its.key_subject, bytes(key or b"")), record))
        return self._records[topic.name]

    def keys(self, topic: Topic) -> list[Any]:
        """Return all keys of a topic so far."""
        return [key for key, _ in self.read(topic)]

    def reports(self, listing: str) -> list[PollReport]:
        """Return the reports of one listing, or of all whose name begins so when it ends in a colon."""
        reports: list[tuple[CoverageKey, PollReport]] = self.read(PIPELINE_COVERAGE)
        return [
            report
            for key, report in reports
            if key.listing == listing or (listing.endswith(":") and key.listing.startswith(listing))
        ]

    def dead_letters(self) -> list[DeadLetter]:
        """Return all dead letters so far."""
        return [letter for _, letter in self.read(PIPELINE_DEAD_LETTERS)]

    def _ends(self) -> dict[tuple[str, int], int]:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            answers = self._admin.list_offsets({partition: OffsetSpec.latest() for partition in self._partitions})
            try:
                return {(where.topic, where.partition): answer.result(10).offset for where, answer in answers.items()}
            except KafkaException:
                # A broker that has just started has no leaders yet, and a client remembers that for long.
                assert time.monotonic() < deadline
                time.sleep(0.1)
                self._admin = AdminClient(client_config(self._settings, "tape"))
