"""A replay from beginning to end: read the log, fill a shadow, compare it with the live tables, promote."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import MILLISECONDS_PER_DAY, SystemClock
from cinepulse.errors import PromotionRefused, StackUnavailable
from clickhouse.client import connect
from clickhouse.live import LivePipeline
from clickhouse.offsets import Partition
from clickhouse.promotion import promote
from clickhouse.rows import EPOCH_SHIFT
from clickhouse.shadow import Days, Scope, Shadow
from schemas.codec import Codec
from schemas.provision import admin_client
from schemas.reader import TopicReader
from schemas.registry import schema_ids
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS, REDDIT_POSTS
from stream_processors.replaying import Instants, MentionReplay, PostReplay, Produced
from stream_processors.resending import Resender
from stream_processors.workers import COUNT_APP, LINK_APP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from cinepulse.settings import Settings
    from schemas.reader import RawRecord
    from stream_processors.outbox import Outgoing

# Changed counts wait for so many mentions: fewer intermediate counts, bounded memory.
COUNT_RECORDS: Final = 200_000
PASS_SECONDS: Final = 0.5
GC_OBJECTS: Final = 100_000
EPOCH_DAY: Final = 719_163
"""The ordinal of 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay.

    `listed`: most rows of a kind to list; `wait_seconds`: how long to wait for the live pipeline; `jobs`: processes
    that link posts.
    """

    topic: str
    first_day: date
    end_day: date
    promote: bool = False
    keep: bool = False
    listed: int = 20
    wait_seconds: float = 60.0
    jobs: int = 1

    @property
    def instants(self) -> Instants:
        """The event time of the days."""
        begin, end = ((day.toordinal() - EPOCH_DAY) * MILLISECONDS_PER_DAY for day in (self.first_day, self.end_day))
        return Instants(begin, end)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between the replay and the live tables.

    `behind`: records that the live pipeline had still to process when it was compared. `steady`: whether two looks in
    a row found the same differences.
    """

    totals: Mapping[str, int]
    mentions: Sequence[Mapping[str, Any]]
    counts: Sequence[Mapping[str, Any]]
    behind: int
    steady: bool

    @property
    def mentions_differ(self) -> int:
        """How many mentions differ in any way."""
        kinds = ("mentions_only_replay", "mentions_only_live", "mentions_differing")
        return sum(self.totals[kind] for kind in kinds)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.mentions_differ and not self.totals["film_days_differing"]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion did. `sent_again`: posts that went through the live pipeline once more."""

    sent_again: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The outcome of a replay.

    `after`: the comparison once promoted, None without a promotion. `refused`: why a promotion did not come to what the
    replay found.
    """

    topic: str
    first_day: date
    end_day: date
    linker_version: str | None
    catalog_version: str | None
    records_read: int
    records_replayed: int
    poison: int
    seconds: float
    shadow: str | None
    comparison: Comparison
    promotion: Promotion | None = None
    after: Comparison | None = None
    refused: str | None = None

    @property
    def records_per_second(self) -> float:
        """Records read a second, from the first read to the last row stored."""
        return round(self.records_read / self.seconds, 1) if self.seconds else 0.0


@dataclass(slots=True)
class Console:
    """How a replay tells of itself: `advance(done, total)` in records, `say(text)` what it waits for."""

    advance: Callable[[int, int], None] = lambda _done, _total: None
    say: Callable[[str], None] = lambda _text: None


class Replayer:
    """Runs one plan on the stack that the settings name."""

    def __init__(self, settings: Settings, plan: Plan, console: Console) -> None:
        self._settings = settings
        self._plan = plan
        self._console = console
        self._clock = SystemClock()
        self._ids = schema_ids(settings)
        self._codec = Codec(self._ids)
        self._live = LivePipeline(
            connect(settings),
            admin_client(settings),
            self._clock,
            time.sleep,
            LINK_APP,
            COUNT_APP,
        )
        self._of_posts = plan.topic == REDDIT_POSTS.name
        self._epoch = 0 if self._of_posts else self._live.epoch(MOVIE_MENTIONS.name)
        # Of a topic made anew, the log cannot speak of what the one before it held.
        days = Days(plan.first_day, plan.end_day)
        self._scope = Scope(days, every_post=not self._of_posts, least_revision=self._epoch << EPOCH_SHIFT)
        self._noted: set[str] = set()
        self._counts_written = 0
        self._uncounted = 0
        self._records_read = 0
        self._linker_version: str | None = None
        self._catalog_version: str | None = None

    def run(self) -> ReplayReport:
        """Replay, compare, and promote if that is planned; the shadow is gone afterwards unless it is to be kept.

        Raises BrokerUnavailable, DatabaseUnavailable, ConfigurationInvalid or StackUnavailable when a part is missing.
        """
        with ExitStack() as opened:
            return self._run(self._post_replay(opened) if self._of_posts else None)

    def _run(self, posts: PostReplay | None) -> ReplayReport:
        # The catalogue stays, and what is read next is no garbage either: nothing is gained by looking through it.
        gc.freeze()
        gc.set_threshold(GC_OBJECTS)
        mentions = MentionReplay(self._settings, self._codec, self._ids, self._plan.instants, epoch=self._epoch)
        with self._shadow() as shadow, TopicReader(self._settings, self._plan.topic, "replay") as reader:
            log = _Log(reader, posts, mentions, shadow)
            began = self._clock.monotonic()
            self._read(log)
            shadow.settled()
            seconds = self._clock.monotonic() - began
            read, replayed = self._records_read, (posts or mentions).replayed
            comparison = self._compare(log)
            promotion, after, refused = self._promoted(log, comparison)
            return ReplayReport(
                topic=self._plan.topic,
                first_day=self._plan.first_day,
                end_day=self._plan.end_day,
                linker_version=self._linker_version,
                catalog_version=self._catalog_version,
                records_read=read,
                records_replayed=replayed,
                poison=mentions.poison + (posts.poison if posts else 0),
                seconds=round(seconds, 3),
                shadow=shadow.name if self._plan.keep else None,
                comparison=comparison,
                promotion=promotion,
                after=after,
                refused=refused,
            )

    @contextmanager
    def _shadow(self) -> Iterator[Shadow]:
        """Give a shadow database that is dropped, however the block ends, unless it ends well and is to be kept."""
        shadow = Shadow.create(self._settings, self._ids, self._codec)
        try:
            yield shadow
            if self._plan.keep:
                shadow.beat(keep=True)
        except BaseException:
            shadow.drop()
            raise
        if self._plan.keep:
            shadow.close()
        else:
            shadow.drop()

    def _post_replay(self, opened: ExitStack) -> PostReplay:
        from cinepulse.commands.ground_truth import read_catalog
        from stream_processors.linking import LINKER_VERSION
        from stream_processors.linking_pool import LinkingPool

        pool = opened.enter_context(LinkingPool(self._settings.link_threshold, self._plan.jobs))
        self._console.say("reading the catalogue")
        catalog = read_catalog(self._settings)
        if not len(catalog):
            raise StackUnavailable("the catalogue in tmdb.movies is empty: run `cinepulse produce tmdb` first")
        self._linker_version, self._catalog_version = LINKER_VERSION, catalog.version
        pool.use(catalog)
        return PostReplay(self._settings, self._codec, pool.link, self._plan.instants, prepare=pool.prepare)

    def _read(self, log: _Log) -> dict[int, int]:
        """Take in the log from where the reader stands to its end, and return the ends."""
        ends = log.reader.ends()
        total = log.reader.left(ends)
        for records in log.reader.fetches(ends):
            self._records_read += len(records)
            self._fold(log, records)
            self._console.advance(total - log.reader.left(ends), total)
        self._console.advance(total, total)
        self._write_counts(log)
        return ends

    def _fold(self, log: _Log, records: Sequence[RawRecord]) -> None:
        produced: Sequence[RawRecord] | Sequence[Produced] = records
        if log.posts is not None:
            produced = log.posts.fold(records)
        for partition, some in log.mentions.fold(produced).items():
            log.shadow.write(MOVIE_MENTIONS.name, partition, some, self._epoch)
            self._uncounted += len(some)
        if self._uncounted >= COUNT_RECORDS:
            self._write_counts(log)

    def _write_counts(self, log: _Log) -> None:
        self._uncounted = 0
        counts = log.mentions.take()
        for partition, some in _by_partition(counts, self._counts_written).items():
            log.shadow.write(MOVIE_MENTION_COUNTS.name, partition, some)
        self._counts_written += len(counts)

    def _compare(self, log: _Log) -> Comparison:
        """Compare with the live tables once these have caught up; twice alike, since both move on meanwhile."""
        deadline = self._clock.monotonic() + self._plan.wait_seconds
        before: tuple[int, int] | None = None
        while True:
            behind = self._catch_up(log)
            self._console.say("comparing with the live tables")
            totals = log.shadow.compare(self._scope)
            found = totals.pop("mentions_fingerprint"), totals.pop("counts_fingerprint")
            comparison = Comparison(
                totals,
                log.shadow.listed("mentions", self._plan.listed),
                log.shadow.listed("counts", self._plan.listed),
                behind,
                steady=found == before,
            )
            if behind or comparison.equal or found == before or self._clock.monotonic() >= deadline:
                return comparison
            before = found
            time.sleep(PASS_SECONDS)

    def _catch_up(self, log: _Log) -> int:
        """Take in what has come to the log, wait for the live pipeline to do so, and return how far it is behind."""
        ends = self._read(log)
        if log.posts is None:
            return self._live.await_mentions(self._plan.wait_seconds, self._console.say)
        log.shadow.note_posts(log.posts.latest.keys() - self._noted)
        self._noted |= log.posts.latest.keys()
        to_reach = {Partition(REDDIT_POSTS.name, number): end for number, end in ends.items() if end}
        return self._live.await_posts(to_reach, self._plan.wait_seconds, self._console.say)

    def _promoted(self, log: _Log, comparison: Comparison) -> tuple[Promotion | None, Comparison | None, str | None]:
        """Promote if that is planned; return what was done, what is left, and why something is."""
        if not self._plan.promote:
            return None, None, None
        if comparison.behind:
            return None, None, f"the live pipeline is {comparison.behind} records behind: see `cinepulse status`"
        began = self._clock.monotonic()
        try:
            sent = self._promote(log)
        except PromotionRefused as refusal:
            return None, None, str(refusal)
        after = self._compare(log)
        promotion = Promotion(sent, round(self._clock.monotonic() - began, 3))
        return promotion, after, None if after.equal else _why(after)

    def _promote(self, log: _Log) -> int:
        """Bring the live tables to what the replay found, and return how many posts were sent again for it."""
        if log.posts is not None:
            return self._send_again(log)
        promote(self._settings, log.shadow.name)
        return 0

    def _send_again(self, log: _Log) -> int:
        """Send the posts that differ through the live pipeline again; the first one alone, to see what comes of it."""
        posts = log.posts
        if posts is None:
            return 0
        resender, sent = Resender(self._settings), 0
        differing = log.shadow.differing_posts()
        for some in (differing[:1], differing[1:]):
            due = {name: posts.latest[name] for name in some}
            while due:
                self._console.say(f"sending {len(due)} posts again")
                resender.send(due)
                sent += len(due)
                if self._catch_up(log):
                    raise PromotionRefused("the live pipeline does not go on: promote again once it does")
                due = resender.overtaken(posts.latest)
            if some and some == differing[:1]:
                log.shadow.compare(self._scope)
                if some[0] in log.shadow.differing_posts():
                    raise PromotionRefused(
                        f"the running link stage does not come to what this linker ({self._linker_version}, threshold "
                        f"{self._settings.link_threshold:g}) finds: start it with this version and these settings, "
                        "then promote. One post was sent again, nothing has changed"
                    )
        return sent


@dataclass(frozen=True, slots=True)
class _Log:
    """A log that is being replayed: its reader, the stages, and where their output goes."""

    reader: TopicReader
    posts: PostReplay | None
    mentions: MentionReplay
    shadow: Shadow


def _by_partition(counts: Iterable[Outgoing], start: int) -> dict[int, list[Produced]]:
    """Return counts by partition, with offsets that rise from `start` on."""
    found: dict[int, list[Produced]] = {}
    for offset, record in enumerate(counts, start):
        produced = Produced(record.partition, offset, record.key, record.value, record.timestamp)
        found.setdefault(record.partition, []).append(produced)
    return found


def _why(after: Comparison) -> str:
    """Return what to do about differences that a promotion has left."""
    left = f"{after.mentions_differ} mentions and {after.totals['film_days_differing']} film-days still differ"
    if not after.mentions_differ:
        return f"{left}: counts that differ where the mentions agree are mended by a replay of movie.mentions"
    return f"{left}: promote again, or see `cinepulse verify`"
