"""Waits until the running pipeline has brought all that lies in a topic into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse.offsets import Partition, committed, extents, topic_ids
from clickhouse.rows import routes
from clickhouse.store import read_ledger
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confluent_kafka.admin import AdminClient

    from cinepulse.clock import Clock
    from clickhouse.client import Client

LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class LivePipeline:
    """The pipeline that runs: its link and count stages by their consumer groups, its sink by the ledger."""

    client: Client
    admin: AdminClient
    clock: Clock
    pause: Callable[[float], None]
    link_group: str
    count_group: str

    def epoch(self, topic: str) -> int:
        """Return how many topics of this name the ledger knows before the one that there is."""
        ledger = read_ledger(self.client, topic_ids(self.admin, [topic]))
        return ledger.epochs.get(topic, 0)

    def await_posts(self, ends: Mapping[Partition, int], seconds: float, say: Callable[[str], None]) -> int:
        """Wait until posts before these offsets are linked, counted and stored; return how many records are not.

        Raises BrokerUnavailable or DatabaseUnavailable when Kafka or ClickHouse does not answer.
        """
        deadline = self.clock.monotonic() + seconds
        behind = self._await(lambda: self._uncommitted(self.link_group, ends), deadline, "link stage", say)
        return behind or self._await_mentions(deadline, say)

    def await_mentions(self, seconds: float, say: Callable[[str], None]) -> int:
        """Wait until the mentions that there are now are counted and stored; return how many records are not."""
        return self._await_mentions(self.clock.monotonic() + seconds, say)

    def _await_mentions(self, deadline: float, say: Callable[[str], None]) -> int:
        mentions = self._ends(MOVIE_MENTIONS.name)
        behind = self._await(lambda: self._uncommitted(self.count_group, mentions), deadline, "count stage", say)
        if behind:
            return behind
        ends = mentions | self._ends(MOVIE_MENTION_COUNTS.name)
        return self._await(lambda: self._unstored(ends), deadline, "sink", say)

    def _await(self, behind: Callable[[], int], deadline: float, part: str, say: Callable[[str], None]) -> int:
        while left := behind():
            if self.clock.monotonic() >= deadline:
                return left
            say(f"waiting for the {part}: {left} records behind")
            self.pause(LOOK_SECONDS)
        return 0

    def _ends(self, topic: str) -> dict[Partition, int]:
        (route,) = [route for route in routes() if route.source == topic]
        found = extents(self.admin, [route])
        return {partition: extent.end for partition, extent in found.items() if extent.end > extent.begin}

    def _uncommitted(self, group: str, ends: Mapping[Partition, int]) -> int:
        at = committed(self.admin, group, ends)
        return sum(max(0, end - at.get(partition, 0)) for partition, end in ends.items())

    def _unstored(self, ends: Mapping[Partition, int]) -> int:
        ledger = read_ledger(self.client, topic_ids(self.admin, sorted({partition.topic for partition in ends})))
        return sum(max(0, end - ledger.reached(partition)) for partition, end in ends.items())
