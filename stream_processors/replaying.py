"""Replays: the stages' own states folded over a topic from its beginning, for the event time of some days.

What a worker adds to a stage (Faust, consumer group, changelog, flushes) serves to go on after a crash while records
flow. A replay reads a log that is there, and begins anew when it is interrupted, so it folds the very same states
without it. What they would send is handed to the caller.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from cinepulse.clock import ManualClock
from cinepulse.errors import Poison
from schemas.topics import MOVIE_MENTIONS, PIPELINE_DEAD_LETTERS, REDDIT_POSTS
from stream_processors.count_stage import CountStage
from stream_processors.counting import MentionKeys
from stream_processors.counting.columns import Columns
from stream_processors.dead_letters import DeadLetters
from stream_processors.link_stage import LinkStage
from stream_processors.posts import check_post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cinepulse.settings import Settings
    from schemas.codec import Codec
    from schemas.events import RedditPost
    from schemas.reader import RawRecord
    from schemas.registry import SchemaIds
    from stream_processors.count_stage import CountPartition
    from stream_processors.link_stage import Link, LinkPartition
    from stream_processors.outbox import Outgoing

# Every record of a partition may be poison: a replay reports, it does not guard a topic.
NO_LIMIT: Final = 1.0


class Instants(NamedTuple):
    """Event time from `begin` up to, but not with, `end`, milliseconds since 1970-01-01 UTC."""

    begin: int
    end: int

    def __contains__(self, instant: object) -> bool:
        return isinstance(instant, int) and self.begin <= instant < self.end


class Observation(NamedTuple):
    """Where the latest observation of a post lies; `observed_at` in milliseconds since 1970-01-01 UTC."""

    observed_at: int
    partition: int
    offset: int


class Produced(NamedTuple):
    """A record that a replayed stage sends, at the offset that it has among those of its partition."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    timestamp: int


class PostReplay:
    """The link stage over `reddit.posts`: posts written within `instants` in, mentions and retractions out.

    Args:
        settings: partitions.
        codec: the contract.
        link: returns the mentions in a post, by film.
        instants: the event time to replay. A post's is that of its first observation in the log.
        prepare: is told the posts that `link` is about to be asked for, in that order.
    """

    source = REDDIT_POSTS

    def __init__(
        self,
        settings: Settings,
        codec: Codec,
        link: Link,
        instants: Instants,
        *,
        prepare: Callable[[Sequence[RedditPost]], None] = lambda _posts: None,
    ) -> None:
        self._codec = codec
        self._prepare = prepare
        self._instants = instants
        letters = _letters(LinkStage.name, REDDIT_POSTS.name, codec, settings)
        self._stage = LinkStage(codec, link, letters, partitions=settings.partitions)
        self._states: dict[int, LinkPartition] = {}
        self._beyond: set[str] = set()
        self._ends: defaultdict[int, int] = defaultdict(int)
        self.latest: dict[str, Observation] = {}
        """The replayed posts by fullname."""
        self.replayed = 0
        self.poison = 0

    def fold(self, records: Sequence[RawRecord]) -> list[Produced]:
        """Link the posts among some records, of any partitions, and return what the stage sends about them."""
        chosen: defaultdict[int, list[RawRecord]] = defaultdict(list)
        posts: defaultdict[int, list[RedditPost]] = defaultdict(list)
        for record in records:
            post = self._take(record)
            if post is not None:
                chosen[record.partition].append(record)
                posts[record.partition].append(post)
        self._prepare([post for some in posts.values() for post in some])
        produced: list[Produced] = []
        for partition, some in chosen.items():
            state = self._states.get(partition)
            if state is None:
                state = self._states[partition] = self._stage.open(partition)
            state.fold(some)
            self.replayed += len(some)
            flush = state.take()
            if flush is not None:
                produced += self._produced(flush.outgoing)
        return produced

    def _take(self, record: RawRecord) -> RedditPost | None:
        """Remember an observation of a post of these instants and return it, None where a record is none."""
        try:
            post: RedditPost = self._codec.decode(REDDIT_POSTS.value_subject, record.value or b"")
            check_post(post, sent_at=record.timestamp)
        except Poison:
            self.poison += 1
            return None
        name = post.fullname
        known = self.latest.get(name)
        if known is None and (name in self._beyond or post.created_at not in self._instants):
            self._beyond.add(name)
            return None
        if known is None or known.observed_at <= post.observed_at:
            self.latest[name] = Observation(post.observed_at, record.partition, record.offset)
        return post

    def _produced(self, outgoing: Iterable[Outgoing]) -> Iterator[Produced]:
        for record in outgoing:
            if record.topic == PIPELINE_DEAD_LETTERS.name:
                self.poison += 1
                continue
            offset = self._ends[record.partition]
            self._ends[record.partition] += 1
            yield Produced(record.partition, offset, record.key, record.value, record.timestamp)


class MentionReplay:
    """The count stage over `movie.mentions`: mentions of posts written within `instants` in, counts out.

    Args:
        settings: partitions and grace.
        codec: the contract.
        schema_ids: its ids.
        instants: the event time to replay.
        epoch: how many topics of the name came before the one that is read; it rides on the counts' revisions.
    """

    source = MOVIE_MENTIONS

    def __init__(
        self, settings: Settings, codec: Codec, schema_ids: SchemaIds, instants: Instants, *, epoch: int = 0
    ) -> None:
        letters = _letters(CountStage.name, MOVIE_MENTIONS.name, codec, settings)
        self._stage = CountStage(settings, codec, schema_ids, letters)
        self._keys = MentionKeys(codec, schema_ids)
        self._instants = instants
        self._epoch = epoch
        self._states: dict[int, CountPartition] = {}
        self.replayed = 0
        self.poison = 0

    def fold(self, records: Sequence[RawRecord] | Sequence[Produced]) -> dict[int, list[RawRecord | Produced]]:
        """Count the mentions among some records, and return by partition those of these instants."""
        chosen: defaultdict[int, list[RawRecord | Produced]] = defaultdict(list)
        # A key is read once: to see whether it is of these instants, and handed on to the stage.
        keys: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
        begin, end = self._instants
        columns = self._keys.read_all([record.key or b"" for record in records])
        record: RawRecord | Produced
        for record, film_day, post, created_at in zip(records, *columns, strict=True):  # type: ignore[assignment]  # zip of three and more gives one type for all
            written = created_at if film_day >= 0 else self._created_at(record)
            if written is not None and begin <= written < end:
                chosen[record.partition].append(record)
                keys[record.partition].append((film_day, post, created_at))
        for partition, some in chosen.items():
            self._state(partition).fold(some, Columns(*zip(*keys[partition], strict=True)))
            self.replayed += len(some)
        return chosen

    def _created_at(self, record: RawRecord | Produced) -> int | None:
        """Return when a mention's post was written, None where the key is no mention's."""
        try:
            _, _, created_at = self._keys.read(record.key or b"")
        except Poison:
            self.poison += 1
            return None
        return created_at

    def take(self) -> list[Outgoing]:
        """Return the counts that have changed since the last call."""
        counts: list[Outgoing] = []
        for state in self._states.values():
            flush = state.take()
            if flush is None:
                continue
            state.settled(flush)
            letters = [record for record in flush.outgoing if record.topic == PIPELINE_DEAD_LETTERS.name]
            self.poison += len(letters)
            counts += [record for record in flush.outgoing if record.topic != PIPELINE_DEAD_LETTERS.name]
        return counts

    def _state(self, partition: int) -> CountPartition:
        state = self._states.get(partition)
        if state is None:
            state = self._states[partition] = self._stage.open(partition)
            state.begin_epoch(self._epoch)
        return state


def _letters(stage: str, source: str, codec: Codec, settings: Settings) -> DeadLetters:
    return DeadLetters(stage, source, codec, ManualClock(), partitions=settings.partitions, max_share=NO_LIMIT)
