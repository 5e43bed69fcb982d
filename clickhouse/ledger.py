"""The ledger of confirmed offsets: written after the insert, before the commit, and read by `cinepulse verify`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clickhouse.batches import Batch
    from clickhouse.rows import Row

# An entry is closed at this many offsets, so that its confirmation time says something about each of them.
ENTRY_OFFSETS: Final = 100_000


class Span(NamedTuple):
    """Offsets from `first` to `last`, both within."""

    first: int
    last: int


class TopicEpoch(NamedTuple):
    """Which topic of its name this is: the id Kafka gave it, and how many came before."""

    topic_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Consecutive confirmed batches of one partition of a topic."""

    topic: str
    topic_epoch: TopicEpoch
    partition: int
    span: Span
    rows: int
    dead_letters: int
    batches: int

    def row(self) -> Row:
        """Return the columns of `sink_batches`."""
        return (
            self.topic,
            *self.topic_epoch,
            self.partition,
            *self.span,
            self.rows,
            self.dead_letters,
            self.batches,
        )


def extended(entry: Entry | None, batch: Batch, topic_id: str, *, failed: int = 0, limit: int = ENTRY_OFFSETS) -> Entry:
    """Return the entry with the batch added; a new one where it does not join or the old one is full.

    `failed`: how many of the batch's records cannot be stored.
    """
    if (
        entry is None
        or entry.span.last + 1 != batch.first
        or entry.topic_epoch.epoch != batch.epoch
        or batch.first - entry.span.first >= limit
    ):
        topic_epoch = TopicEpoch(topic_id, batch.epoch)
        entry = Entry(batch.route.source, topic_epoch, batch.partition, Span(batch.first, batch.first - 1), 0, 0, 0)
    return replace(
        entry,
        span=Span(entry.span.first, batch.last),
        rows=entry.rows + len(batch) - failed,
        dead_letters=entry.dead_letters + failed,
        batches=entry.batches + 1,
    )


def holes(spans: Iterable[Span], begin: int, end: int) -> list[Span]:
    """Return what of the offsets from `begin` up to `end` no span covers, in order; spans may overlap."""
    missing, reached = [], begin
    for first, last in sorted(spans):
        if first > reached and reached < end:
            missing.append(Span(reached, min(first, end) - 1))
        reached = max(reached, last + 1)
    if reached < end:
        missing.append(Span(reached, end - 1))
    return missing


def epochs(stored: Sequence[tuple[str, str, int]], topic_ids: Mapping[str, str]) -> dict[str, TopicEpoch]:
    """Return each topic's epoch: the stored one while its id is the stored one, the next when it was made anew.

    `stored`: topic, topic id and epoch of the ledger's entries. `topic_ids`: the ids Kafka has now.
    """
    latest: dict[str, TopicEpoch] = {}
    for topic, topic_id, epoch in stored:
        if topic not in latest or latest[topic].epoch < epoch:
            latest[topic] = TopicEpoch(topic_id, epoch)
    found = {}
    for topic, topic_id in topic_ids.items():
        before = latest.get(topic)
        if before is None:
            found[topic] = TopicEpoch(topic_id, 0)
        else:
            found[topic] = TopicEpoch(topic_id, before.epoch + (before.topic_id != topic_id))
    return found
