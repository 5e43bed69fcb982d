"""The link worker on a backlog of posts: a real process, from topic to topic."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from benchmarks.suite import posts as sources
from benchmarks.suite.model import Contender, Measured, Stage, Workload
from benchmarks.suite.pipeline import CODEC, PARTITIONS, await_true, pipeline, stop, topic_bytes
from benchmarks.suite.topics import ends_of, read_topic
from cinepulse.clock import MILLISECONDS_PER_DAY, SystemClock
from schemas.topics import MOVIE_MENTIONS, MOVIE_TERMS, REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.pipeline import FilmDay, Pipeline
    from schemas.events import Movie, RedditPost

POSTS: Final = 16_000


@dataclass(slots=True)
class Backlog:
    """Posts to link, with new names in each round, and what is named in them; `told`: mentions on the topic so far."""

    running: Pipeline
    posts: Sequence[RedditPost]
    exact: Counter[FilmDay]
    rounds: int = 0
    told: int = 0


@contextmanager
def backlog(
    bench: Bench,
    films: Callable[[], Sequence[Movie]],
    posts: Callable[[int], Sequence[RedditPost]],
    *,
    tables: bool = False,
) -> Iterator[Backlog]:
    """Make posts and a catalogue; `tables`: whether ClickHouse's are needed."""
    number = bench.records(POSTS)
    # Seen now, whenever they were written: what the worker sends is stamped so, and topics drop what is old.
    now = SystemClock().now_ms()
    chosen = [replace(post, observed_at=now) for post in sources.renamed(posts(number), number)]
    with pipeline(bench, films(), tables=tables) as running:
        yield Backlog(running, chosen, running.named(chosen))


def link(given: Backlog) -> Measured:
    """Start a worker on posts that wait, and measure from its recovery to its last mention."""
    running, number = given.running, len(given.posts)
    names = set()
    for post in sources.renamed(given.posts, number, start=given.rounds * number):
        running.send(post)
        names.add(post.fullname)
    running.flush()
    given.rounds += 1
    bootstrap = running.settings.kafka_bootstrap
    due = given.told + given.exact.total()
    worker = running.start("process", "link", until="worker.recovered")
    began, spent = monotonic(), worker.cpu_seconds()
    await_true(lambda: sum(ends_of(bootstrap, MOVIE_MENTIONS.name, PARTITIONS).values()) >= due, "all posts linked")
    seconds, spent = monotonic() - began, worker.cpu_seconds() - spent
    stop(worker)
    told = [CODEC.decode(MOVIE_MENTIONS.key_subject, key) for key, _ in read_topic(bootstrap, MOVIE_MENTIONS.name)]
    found = Counter((key.tmdb_id, key.created_at // MILLISECONDS_PER_DAY) for key in told if key.post_id in names)
    given.told = len(told)
    extra = {
        "posts_a_cpu_second": number / spent,
        "us_a_post": 1e6 * spent / number,
        "memory_mb": worker.memory_mb,
        "mentions_a_post": given.exact.total() / number,
        "bytes_a_post": topic_bytes(running.broker, REDDIT_POSTS.name) / number / given.rounds,
        "bytes_a_mention": topic_bytes(running.broker, MOVIE_MENTIONS.name) / len(told),
        "terms_bytes_a_mention": topic_bytes(running.broker, MOVIE_TERMS.name) / len(told),
    }
    return Measured(number, seconds, found, extra)


WORKLOADS: Final = [
    Workload(
        "generated",
        "posts and comments of the generated world, 560 films",
        partial(backlog, films=sources.generated_films, posts=sources.generated_posts),
    ),
    Workload(
        "recorded",
        "recorded submissions, 20,000 films",
        partial(backlog, films=sources.recorded_films, posts=sources.recorded_posts),
    ),
]

STAGE: Final = Stage(
    "link",
    "Posts that wait in Kafka to mentions in Kafka, by one worker.",
    "posts/s",
    WORKLOADS if sources.has_recorded() else WORKLOADS[:1],
    [Contender("cinepulse", link, peer=False, about="the packaged model, sentiment and terms included")],
    lambda given: given.exact,
)
