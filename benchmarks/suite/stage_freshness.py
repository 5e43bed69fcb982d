"""From a post's arrival in Kafka to a reader who sees it counted: link, count and sink as processes of their own.

Posts come at a steady pace, stamped as they are sent. A reader asks ClickHouse for the counts four times a second and
notes when the revision of a film's day first includes a post's mention, whose offset tells which revision that is. So
what is measured ends when a reader has the answer, and includes the pause between two questions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from statistics import quantiles
from threading import Event, Thread
from time import monotonic, sleep, time_ns
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import psutil

from benchmarks.suite import posts as sources
from benchmarks.suite.model import Contender, Measured, Stage, Workload, rate
from benchmarks.suite.pipeline import CODEC, PARTITIONS, await_true
from benchmarks.suite.stage_link import backlog, link
from benchmarks.suite.topics import ends_of
from cinepulse.clock import MILLISECONDS_PER_DAY
from clickhouse.client import connect
from schemas.reader import TopicReader
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.pipeline import FilmDay
    from benchmarks.suite.stage_link import Backlog
    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from schemas.events import RedditPost

POSTS_A_SECOND: Final = 500.0
SHARE_OF_MOST: Final = 0.8
SECONDS: Final = 40.0
WARM_UP_SECONDS: Final = 5.0
"""Posts that are sent before any is measured."""
ASK_SECONDS: Final = 0.25
TICK_SECONDS: Final = 0.005
NANOSECONDS_PER_MILLISECOND: Final = 1_000_000

_COUNTS: Final = """
    SELECT tmdb_id, toInt32(c.day), max(revision) FROM mention_counts AS c WHERE c.day >= today() - 1 GROUP BY ALL
"""
_STORED: Final = """
    SELECT tmdb_id, toInt32(c.day) AS since_1970, mentions FROM mention_counts AS c FINAL
    WHERE since_1970 >= {first:Int32} AND mentions > 0
"""
ABOUT: Final = "link, count and sink as processes; the cores of each are shares of one"


class Named(NamedTuple):
    """A mention: its post, its film and day, and the least revision of their count that includes it."""

    fullname: str
    film_day: FilmDay
    revision: int


class Sent(NamedTuple):
    """A post as it was sent, and the moment, seconds of the monotonic clock."""

    post: RedditPost
    at: float


@dataclass(slots=True)
class Flow:
    """A running pipeline, and the pace at which posts come; `names`: how many are taken, `exact`: what was sent."""

    backlog: Backlog
    parts: Mapping[str, psutil.Process]
    posts_a_second: float
    names: int
    exact: Counter[FilmDay] = field(default_factory=Counter)


@contextmanager
def flow(bench: Bench, *, share: float | None) -> Iterator[Flow]:
    """Start the parts; `share`: of the link worker's own pace, which is measured first, 500 posts a second without."""
    recorded = sources.has_recorded()
    films = sources.recorded_films if recorded else sources.generated_films
    posts = sources.recorded_posts if recorded else sources.generated_posts
    with backlog(bench, films, posts, tables=True) as waiting:
        running = waiting.running
        pace = POSTS_A_SECOND if share is None else share * rate(link(waiting))
        parts = {name: psutil.Process(child.popen.pid) for name, child in running.start_all().items()}
        parts |= {"clickhouse": psutil.Process(bench.server.pid), "kafka": psutil.Process(running.broker.pid)}
        yield Flow(waiting, {**parts, "bench": psutil.Process()}, pace, waiting.rounds * len(waiting.posts))


@dataclass(slots=True)
class Reader:
    """Asks for the counts again and again, and remembers when which revision was there."""

    client: Client
    _seen: defaultdict[FilmDay, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    _stop: Event = field(default_factory=Event)
    _thread: Thread = field(init=False)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.client.close()

    def saw(self, mention: Named) -> float | None:
        """Return when a mention was in its count for the first time, None when it is not yet."""
        seen = self._seen[mention.film_day]
        place = bisect_left(seen, (mention.revision, 0.0))
        return seen[place][1] if place < len(seen) else None

    def _watch(self) -> None:
        while not self._stop.wait(ASK_SECONDS):
            rows = self.client.query(_COUNTS).result_rows
            at = monotonic()
            for film, day, revision in rows:
                seen = self._seen[film, day]
                if not seen or seen[-1][0] < revision:
                    seen.append((revision, at))


def follow(given: Flow) -> Measured:
    """Send posts at the pace, and measure how long each takes to be seen."""
    running = given.backlog.running
    settings, bootstrap = running.settings, running.settings.kafka_bootstrap
    starts = ends_of(bootstrap, MOVIE_MENTIONS.name, PARTITIONS)
    before = {name: _cpu(part) for name, part in given.parts.items()}
    with Reader(connect(settings)) as reader:
        began = monotonic()
        sent = send_steadily(given)
        seconds = monotonic() - began
        cores = {f"{name}_cores": (_cpu(part) - before[name]) / seconds for name, part in given.parts.items()}
        running.await_counted()
        mentions = named_from(settings, starts)
        await_true(lambda: all(reader.saw(mention) for mention in mentions), "all counts seen")
        seen: dict[str, float] = {}
        for mention in mentions:
            seen[mention.fullname] = max(seen.get(mention.fullname, 0.0), reader.saw(mention) or 0.0)
    from_then_on = began + WARM_UP_SECONDS
    delays = [at - sent[name].at for name, at in seen.items() if sent[name].at >= from_then_on]
    percent = quantiles(delays, n=100, method="inclusive")
    figures = {"p50_s": percent[49], "p95_s": percent[94], "p99_s": percent[98], "worst_s": max(delays)}
    given.exact.update(running.named(one.post for one in sent.values()))
    figures |= {"posts_a_second": len(sent) / seconds, "naming_a_second": len(seen) / seconds}
    return Measured(len(sent), seconds, differences(given), figures | cores)


def send_steadily(given: Flow) -> dict[str, Sent]:
    """Send posts at the pace, each stamped with its moment; return them by name."""
    number = round((WARM_UP_SECONDS + SECONDS) * given.posts_a_second)
    posts = enumerate(sources.renamed(given.backlog.posts, number, start=given.names))
    given.names += number
    sent: dict[str, Sent] = {}
    began, due = monotonic(), 0
    while due < number:
        due = min(number, round((monotonic() - began) * given.posts_a_second))
        for _, post in islice(posts, max(0, due - len(sent))):
            now = time_ns() // NANOSECONDS_PER_MILLISECOND
            stamped = replace(post, created_at=now, observed_at=now)
            sent[post.fullname] = Sent(stamped, monotonic())
            given.backlog.running.send(stamped)
        sleep(TICK_SECONDS)
    given.backlog.running.flush()
    return sent


def named_from(settings: Settings, starts: Mapping[int, int]) -> list[Named]:
    """Return the mentions on the topic from some offsets on."""
    with TopicReader(settings, MOVIE_MENTIONS.name, "bench", starts=starts) as reader:
        found = [(CODEC.decode(MOVIE_MENTIONS.key_subject, one.key or b""), one.offset + 1) for one in reader.to_end()]
    return [Named(key.post_id, (key.tmdb_id, key.created_at // MILLISECONDS_PER_DAY), at) for key, at in found]


def differences(given: Flow) -> dict[FilmDay, tuple[int, int]]:
    """Return what ClickHouse says of the days on which posts were sent, where it is not what the linker found."""
    with closing(connect(given.backlog.running.settings)) as client:
        rows = client.query(_STORED, parameters={"first": min(day for _, day in given.exact)}).result_rows
    stored = {(film, day): mentions for film, day, mentions in rows}
    pairs = {one: (stored.get(one, 0), given.exact[one]) for one in {*stored, *given.exact}}
    return {one: pair for one, pair in pairs.items() if pair[0] != pair[1]}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


STAGE: Final = Stage(
    "freshness",
    "From a post in Kafka to a reader of ClickHouse who sees it counted, p50.",
    "s",
    [
        Workload("500", "500 posts a second", partial(flow, share=None)),
        Workload("most", "80 % of what the link worker does on a core of its own", partial(flow, share=SHARE_OF_MOST)),
    ],
    [
        Contender("cinepulse", follow, peer=False, workloads=["500"], about=ABOUT, limits={"p50_s": 2.0, "p99_s": 4.0}),
        Contender("cinepulse", follow, peer=False, workloads=["most"], about=ABOUT, limits={"p99_s": 10.0}),
    ],
    lambda _: {},
    figure=lambda measured: measured.extra["p50_s"],
    better="less",
)
