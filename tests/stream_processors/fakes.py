"""Kafka in memory, as far as a worker sees it: a changelog, and a place to which records are sent."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stream_processors.changelog import claim_entry
from stream_processors.outbox import Outgoing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stream_processors.changelog import Entry, PartitionLog

CHANGELOG = "changelog"


class Crashed(Exception):
    """The process ends here."""


@dataclass
class MemoryKafka:
    """What outlives a process."""

    changelog: dict[int, list[tuple[bytes, bytes | None]]] = field(default_factory=lambda: defaultdict(list))
    sent: list[Outgoing] = field(default_factory=list)
    topic_id: str = "topic"
    nonces: int = 0


@dataclass
class MemoryOutbox:
    """An outbox whose process can crash before, in the middle of and after each call.

    `crashes` is asked before every record and after the last: True ends the process there. `late` tells whether a send
    comes too late.
    """

    kafka: MemoryKafka
    crashes: Callable[[], bool] = lambda: False
    late: Callable[[], bool] = lambda: False

    async def append(self, records: Iterable[Outgoing]) -> list[int]:
        """Write to the changelog and return the offsets."""
        offsets = []
        for record in records:
            self._step()
            log = self.kafka.changelog[record.partition]
            log.append((record.key, record.value))
            offsets.append(len(log) - 1)
        await asyncio.sleep(0)
        self._step()
        return offsets

    async def send(self, records: Iterable[Outgoing]) -> bool:
        """Send."""
        if self.late():
            return False
        for record in records:
            self._step()
            self.kafka.sent.append(record)
        await asyncio.sleep(0)
        self._step()
        return True

    def _step(self) -> None:
        if self.crashes():
            raise Crashed


@dataclass
class MemoryStore:
    """A changelog store on it."""

    kafka: MemoryKafka
    outbox: MemoryOutbox

    async def open(self, logs: Mapping[int, PartitionLog]) -> None:
        """Claim the partitions and read them."""
        for partition, log in logs.items():
            self.kafka.nonces += 1
            claim = self.outgoing(partition, claim_entry(self.kafka.nonces.to_bytes(16), self.kafka.topic_id))
            (offset,) = await self.outbox.append([claim])
            for place in range(log.position, offset + 1):
                log.read(place, *self.kafka.changelog[partition][place])

    def outgoing(self, partition: int, entry: Entry) -> Outgoing:
        """Return an entry as a record."""
        return Outgoing(CHANGELOG, partition, *entry)

    async def keys(self, partition: int, start: int, end: int) -> list[bytes | None]:
        """Return the keys in between."""
        return [key for key, _ in self.kafka.changelog[partition][start:end]]
