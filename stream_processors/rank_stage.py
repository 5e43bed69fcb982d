"""The rank stage: whole rankings in, joiners, leavers and milestones out."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cinepulse.clock import day_of
from cinepulse.errors import InvalidRecord, Poison
from cinepulse.metrics import ALERTS_EMITTED, RECORDS_PROCESSED
from schemas.events import Ranking
from schemas.partitioning import film_partition
from schemas.topics import TMDB_RANKINGS, TREND_ALERTS
from stream_processors.outbox import Outgoing
from stream_processors.rankings import MILESTONE, ONCE, changes
from stream_processors.stage import Flush

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.codec import Codec
    from schemas.events import AlertKey
    from stream_processors.burst_stage import Record
    from stream_processors.dead_letters import DeadLetters

EPOCH_BITS: Final = 48
MOST_RANKS: Final = 10_000
"""More is no list that anybody ranks; a state of that size still fits into one record."""


class Sent(NamedTuple):
    """An alert to send: film, event time in milliseconds, key and value as bytes."""

    tmdb_id: int
    at: int
    key: bytes
    value: bytes


class RankStage:
    """Compares each whole ranking with the one before.

    Args:
        codec: the contract.
        dead_letters: takes records that are no rankings.
        partitions: partitions of every topic.
    """

    name = "ranks"
    source = TMDB_RANKINGS.name
    slice_records = 20

    def __init__(self, codec: Codec, dead_letters: DeadLetters, *, partitions: int) -> None:
        self._codec = codec
        self._dead_letters = dead_letters
        self._partitions = partitions

    def open(self, partition: int) -> RankPartition:
        """Return an empty state for one partition of `tmdb.rankings`."""
        letter = functools.partial(self._dead_letters.letter, partition)
        observe = functools.partial(self._dead_letters.observe, partition)
        return RankPartition(self._codec, letter, observe, self._partitions)

    def merge(self, bodies: Sequence[bytes]) -> bytes:
        """Return one body with the effect of several: each holds the whole state."""
        return bodies[-1]

    def check(self) -> None:
        """Do nothing: the stage depends on nothing that runs by itself."""


class RankPartition:
    """The latest ranking of each list of one partition, and the milestones told on its day.

    An alert is kept in the state until it is delivered, so that a crash between the two sends it again.
    """

    def __init__(
        self,
        codec: Codec,
        letter: Callable[[Any, Poison], Outgoing],
        observe: Callable[[int, int], None],
        partitions: int,
    ) -> None:
        self._codec = codec
        self._letter = letter
        self._observe = observe
        self._partitions = partitions
        self._epoch = 0
        self._clear()

    def _clear(self) -> None:
        self.latest: dict[str, Ranking] = {}
        self._told: dict[str, list[str]] = {}
        self._revision = 0
        self._pending: list[Sent] = []
        self._letters: list[Outgoing] = []
        self._folded = False

    def begin_epoch(self, epoch: int) -> None:
        """Forget where the topic had come to: its offsets start again at 0. The rankings are as true as before."""
        self._epoch, self._revision = epoch, 0

    def restore(self, body: bytes) -> None:
        """Apply one body of the changelog."""
        state = json.loads(body)
        self._revision = state["revision"]
        self.latest = {
            name: Ranking(observed_at=at, tmdb_ids=tuple(ids)) for name, (at, ids) in state["latest"].items()
        }
        self._told = state["told"]
        self._pending = [
            Sent(film, at, bytes.fromhex(key), bytes.fromhex(value)) for film, at, key, value in state["pending"]
        ]

    def restored(self) -> None:
        """Do nothing: alerts that were never sent go with the next flush."""

    def fold(self, records: Sequence[Record]) -> None:
        """Compare rankings; raises DeadLetterRateExceeded."""
        poisoned = 0
        base = (self._epoch << EPOCH_BITS) + 1
        for record in records:
            revision = base + record.offset
            if revision <= self._revision:
                continue
            self._revision, self._folded = revision, True
            try:
                self._take_in(record)
            except Poison as poison:
                poisoned += 1
                self._letters.append(self._letter(record, poison))
        RECORDS_PROCESSED.labels(RankStage.name).inc(len(records))
        self._observe(len(records), poisoned)

    def take(self) -> Flush | None:
        """Return the state and the alerts to send, None when nothing came."""
        if not self._folded and not self._pending:
            return None
        pending, self._pending, self._folded = self._pending, [], False
        letters, self._letters = self._letters, []
        outgoing = [
            Outgoing(TREND_ALERTS.name, film_partition(one.tmdb_id, self._partitions), one.key, one.value, one.at)
            for one in pending
        ]
        return Flush([self._body(pending)], outgoing + letters)

    def settled(self, flush: Flush) -> None:
        """Do nothing: the next flush holds only the alerts that are new by then."""

    def _body(self, pending: Sequence[Sent]) -> bytes:
        state = {
            "revision": self._revision,
            "latest": {name: (one.observed_at, one.tmdb_ids) for name, one in self.latest.items()},
            "told": self._told,
            "pending": [(one.tmdb_id, one.at, one.key.hex(), one.value.hex()) for one in pending],
        }
        return json.dumps(state, separators=(",", ":")).encode()

    def _take_in(self, record: Record) -> None:
        listing: str = self._codec.decode(TMDB_RANKINGS.key_subject, record.key or b"")
        after: Ranking = self._codec.decode(TMDB_RANKINGS.value_subject, record.value or b"")
        if not after.tmdb_ids or len(after.tmdb_ids) > MOST_RANKS or after.observed_at < 0:
            raise InvalidRecord(f"{listing}: {len(after.tmdb_ids)} ranks are no ranking", reason="ranking_invalid")
        before = self.latest.get(listing)
        if before is not None and after.observed_at <= before.observed_at:
            return
        self.latest[listing] = after
        if before is None:
            return
        if day_of(before.observed_at) != day_of(after.observed_at):
            self._told[listing] = []
        for key, alert in changes(listing, before, after):
            if self._is_new(listing, key):
                ALERTS_EMITTED.labels(key.kind, ONCE).inc()
                self._pending.append(
                    Sent(
                        key.tmdb_id,
                        alert.happened_at,
                        self._codec.encode(TREND_ALERTS.key_subject, key),
                        self._codec.encode(TREND_ALERTS.value_subject, alert),
                    )
                )

    def _is_new(self, listing: str, key: AlertKey) -> bool:
        """Return whether an alert was not told on its day yet: a film may cross a milestone back and forth."""
        if key.kind != MILESTONE:
            return True
        told, name = self._told.setdefault(listing, []), f"{key.tmdb_id} {key.detail}"
        if name in told:
            return False
        told.append(name)
        return True
