"""The burst stage: mentions in, beginnings and ends of bursts out."""

from __future__ import annotations

import functools
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Protocol

from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.errors import InvalidRecord, Poison
from cinepulse.metrics import ALERTS_EMITTED, FUTURE_STAMPED, RECORDS_PROCESSED
from schemas.events import Alert, AlertKey
from schemas.partitioning import film_partition
from schemas.topics import MOVIE_MENTIONS, TREND_ALERTS
from stream_processors.bursts import DEFAULT_RULE, DETECTOR_VERSION, Detector
from stream_processors.bursts.wire import FlushId, Pending, Reader, encode_changes, encode_whole
from stream_processors.counting import MentionKeys
from stream_processors.outbox import Outgoing
from stream_processors.stage import REWRITE_MS, Flush, asks_to_forget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schemas.codec import Codec
    from schemas.registry import SchemaIds
    from stream_processors.bursts import Burst, BurstRule
    from stream_processors.dead_letters import DeadLetters

BURST: Final = "burst"
BEGAN: Final = "began"
ENDED: Final = "ended"
EPOCH_BITS: Final = 48
INSTANTS: Final = range((1 << 16) * MILLISECONDS_PER_DAY)

# A post dated this much after its observation has a wrong date, not a slow clock.
FUTURE_TOLERANCE_MS: Final = 10 * 60_000

# A log is written anew once it is so many times as long as the state: it holds what came and went since.
REWRITE_TIMES: Final = 4
REWRITE_LEAST_BYTES: Final = 4_000_000

POST_KEY: Final = b"cinepulse burst posts"


class Record(Protocol):
    """A Kafka record of `movie.mentions`."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Time that its producer gave it."""
        ...

    @property
    def key(self) -> bytes | None:
        """Key as it came."""
        ...

    @property
    def value(self) -> bytes | None:
        """Value as it came."""
        ...


class BurstStage:
    """Finds bursts of talk about single films.

    Args:
        codec: the contract.
        schema_ids: its ids.
        dead_letters: takes records that are no mentions.
        partitions: partitions of every topic.
        rule: what a burst is.
    """

    name = "bursts"
    source = MOVIE_MENTIONS.name
    slice_records = 500

    def __init__(
        self,
        codec: Codec,
        schema_ids: SchemaIds,
        dead_letters: DeadLetters,
        *,
        partitions: int,
        rule: BurstRule = DEFAULT_RULE,
    ) -> None:
        self._codec = codec
        self._read_key = MentionKeys(codec, schema_ids).read
        self._dead_letters = dead_letters
        self._partitions = partitions
        self._rule = rule

    def open(self, partition: int) -> BurstPartition:
        """Return an empty state for one partition of `movie.mentions`."""
        letter = functools.partial(self._dead_letters.letter, partition)
        observe = functools.partial(self._dead_letters.observe, partition)
        return BurstPartition(
            self._codec,
            self._read_key,
            letter=letter,
            observe=observe,
            partitions=self._partitions,
            rule=self._rule,
        )

    def merge(self, bodies: Sequence[bytes]) -> bytes:
        """Return one body with the effect of several."""
        return b"".join(bodies)

    def check(self) -> None:
        """Do nothing: the stage depends on nothing that runs by itself."""


class BurstPartition:
    """The fold of one partition.

    An alert is kept in the state until it is delivered, so that a crash between the two sends it again, with the same
    key and the same bytes.
    """

    def __init__(  # noqa: PLR0913 - what a fold needs to know of the contract
        self,
        codec: Codec,
        read_key: Callable[[bytes], tuple[int, int, int]],
        *,
        letter: Callable[[Any, Poison], Outgoing],
        observe: Callable[[int, int], None],
        partitions: int,
        rule: BurstRule,
    ) -> None:
        self._codec = codec
        self._read_key = read_key
        self._letter = letter
        self._observe = observe
        self._partitions = partitions
        self._rule = rule
        self._epoch = 0
        self._clear()

    def _clear(self) -> None:
        self.detector = Detector(self._rule)
        self._reader = Reader(self.detector)
        self._revision = 0
        self._generation = 0
        self._pending: list[Pending] = []
        self._letters: list[Outgoing] = []
        self._folded = False
        self._forgetting = False
        self._stale = False
        self._now = 0
        self._rewritten_at: int | None = None
        self._written = 0
        self._whole_size = 0

    def begin_epoch(self, epoch: int) -> None:
        """Forget everything: the topic was created anew, and its offsets start again at 0."""
        self._epoch = epoch
        self._clear()

    def restore(self, body: bytes) -> None:
        """Apply one body of the changelog."""
        self._reader.read(body)
        self._written += len(body)

    def restored(self) -> None:
        """Go on from the last whole flush; alerts that it held may never have been sent."""
        self.detector.restored()
        self._reader.forget()
        # Parts of a flush that a crash cut off are not to be taken for parts of one to come.
        self._generation = self._reader.generation = self._reader.generation + 1
        if self._reader.revision > self._revision:
            self._revision, self._pending = self._reader.revision, list(self._reader.pending)
        # Posts that were taken out may be in the log's earlier bodies.
        self._stale = True

    def fold(self, records: Sequence[Record]) -> None:
        """Look for bursts; raises DeadLetterRateExceeded."""
        poisoned = 0
        base = (self._epoch << EPOCH_BITS) + 1
        for record in records:
            revision = base + record.offset
            if revision <= self._revision:
                continue
            self._revision, self._folded = revision, True
            self._now = max(self._now, record.timestamp)
            try:
                self._take_in(record)
            except Poison as poison:
                poisoned += 1
                self._letters.append(self._letter(record, poison))
        self._rewritten_at = self._now if self._rewritten_at is None else self._rewritten_at
        RECORDS_PROCESSED.labels(BurstStage.name).inc(len(records))
        self._observe(len(records), poisoned)

    def take(self) -> Flush | None:
        """Return what changed and the alerts to send since the last call."""
        if not self._folded and not self._pending:
            return None
        pending, self._pending = self._pending, []
        letters, self._letters = self._letters, []
        bodies = encode_changes(self.detector, FlushId(self._generation, self._revision), pending)
        self._written += sum(map(len, bodies))
        whole = self._whole(pending) if self._is_rewrite_due() else None
        self.detector.settle()
        self._folded = False
        outgoing = [
            Outgoing(TREND_ALERTS.name, film_partition(one.tmdb_id, self._partitions), one.key, one.value, one.at)
            for one in pending
        ]
        return Flush(bodies, outgoing + letters, whole=whole)

    def settled(self, flush: Flush) -> None:
        """Do nothing: the next flush holds only the alerts that are new by then."""

    def _take_in(self, record: Record) -> None:
        tmdb_id, packed, created_at = self._read_key(record.key or b"")
        if created_at not in INSTANTS:
            raise InvalidRecord(f"created_at {created_at} is no date", reason="created_at_invalid")
        post = post_digest(packed)
        if record.value is None:
            self._forgetting = self._forgetting or asks_to_forget(record)
            self._stale = self.detector.went(tmdb_id, post, created_at) or self._stale
            return
        mention = self._codec.decode(MOVIE_MENTIONS.value_subject, record.value)
        if created_at > record.timestamp + FUTURE_TOLERANCE_MS:
            FUTURE_STAMPED.labels(BurstStage.name).inc()
            return
        # A mention that an earlier version linked has no sketch.
        author: int | None = mention.author_sketch
        author = author if author is not None and author >= 0 else None
        for burst in self.detector.came(tmdb_id, post, created_at, author):
            self._pending.append(self._alert(burst))

    def _alert(self, burst: Burst) -> Pending:
        state = ENDED if burst.ended else BEGAN
        ALERTS_EMITTED.labels(BURST, state).inc()
        day = burst.began_at // MILLISECONDS_PER_DAY * MILLISECONDS_PER_DAY
        key = AlertKey(kind=BURST, detail=state, tmdb_id=burst.tmdb_id, at=day)
        alert = Alert(
            happened_at=burst.at,
            state="ended" if burst.ended else "began",
            began_at=burst.began_at,
            score=burst.score,
            mentions=burst.mentions,
            expected=burst.expected,
            hours=burst.hours,
            authors=burst.authors,
            version=DETECTOR_VERSION,
        )
        return Pending(
            burst.tmdb_id,
            burst.at,
            self._codec.encode(TREND_ALERTS.key_subject, key),
            self._codec.encode(TREND_ALERTS.value_subject, alert),
        )

    def _is_rewrite_due(self) -> bool:
        if self._forgetting or self._written > max(REWRITE_LEAST_BYTES, REWRITE_TIMES * self._whole_size):
            return True
        return self._stale and self._now - (self._rewritten_at or 0) >= REWRITE_MS

    def _whole(self, pending: Sequence[Pending]) -> list[bytes]:
        self._forgetting, self._stale, self._rewritten_at = False, False, self._now
        self.detector.forget_idle()
        whole = encode_whole(self.detector, FlushId(self._generation, self._revision, whole=True), pending)
        self._written = self._whole_size = sum(map(len, whole))
        return whole


def post_digest(packed: int) -> int:
    """Return the number under which a post is remembered: it lets the post be recognised, and not be named."""
    return int.from_bytes(blake2b(packed.to_bytes(8), digest_size=8, key=POST_KEY).digest())
