"""Sends observations of posts through the live pipeline once more, as Kafka's redelivery would.

A promotion must not write mentions itself: the link stage keeps each post's films, and retracts exactly those when the
post is edited or deleted. A mention that it does not know of would outlive its post.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cinepulse.errors import OffsetsExpired
from cinepulse.kafka import producer_config
from schemas.reader import TopicReader
from schemas.topics import REDDIT_POSTS
from stream_processors.outbox import Outbox, Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cinepulse.settings import Settings
    from schemas.reader import RawRecord
    from stream_processors.replaying import Observation


class Resender:
    """Sends the latest observations of posts again, bytes and time as they were.

    The link stage takes the same observation again for what it is: it sends all that the observation leads to, and
    nothing when it knows a later one. A post that names no film leaves no trace there, so a later observation that
    came between is sent again behind: see `overtaken`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outbox = Outbox(producer_config(settings, "replay"))
        self._sent: dict[str, Observation] = {}

    def send(self, posts: Mapping[str, Observation]) -> None:
        """Send these observations again and return once Kafka has them.

        Raises OffsetsExpired when Kafka no longer has one, BrokerUnavailable when it does not answer.
        """
        found = self._read({(each.partition, each.offset) for each in posts.values()})
        records = []
        for name, each in posts.items():
            record = found.get((each.partition, each.offset))
            if record is None:
                raise OffsetsExpired(f"{REDDIT_POSTS.name}: the text of {name} has expired meanwhile: replay again")
            records.append(record)
        offsets = asyncio.run(self._outbox.append(_outgoing(records)))
        for (name, each), offset in zip(posts.items(), offsets, strict=True):
            self._sent[name] = each._replace(offset=offset)

    def overtaken(self, latest: Mapping[str, Observation]) -> dict[str, Observation]:
        """Return the observations that came before what was sent about their post, though they are later ones.

        `latest`: the latest observations by post, from a reading of the topic beyond all that was sent.
        """
        return overtaken(self._sent, latest)

    def _read(self, places: set[tuple[int, int]]) -> dict[tuple[int, int], RawRecord]:
        found = {}
        with TopicReader(self._settings, REDDIT_POSTS.name, "replay") as reader:
            for record in reader.to_end():
                place = record.partition, record.offset
                if place in places:
                    found[place] = record
                    if len(found) == len(places):
                        break
        return found


def overtaken(sent: Mapping[str, Observation], latest: Mapping[str, Observation]) -> dict[str, Observation]:
    """Return the latest observations that are later than what was sent of their post, but lie before it in the topic.

    What lies behind is no concern: the link stage knows the post by then.
    """
    return {
        name: latest[name]
        for name, each in sent.items()
        if latest[name].observed_at > each.observed_at and latest[name].offset < each.offset
    }


def _outgoing(records: Iterable[RawRecord]) -> list[Outgoing]:
    return [
        Outgoing(REDDIT_POSTS.name, record.partition, record.key or b"", record.value, record.timestamp)
        for record in records
    ]
