"""`cinepulse replay --topic reddit.posts`: the log of posts linked and counted anew, and held against the live tables.

The live pipeline has been through the same posts before, in processes of its own that run on meanwhile. A replay that
is not row for row what they have stored is no result.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.suite import posts as sources
from benchmarks.suite.model import Contender, Measured, Stage, Workload
from benchmarks.suite.pipeline import pipeline
from cinepulse.clock import SystemClock
from cinepulse.commands.replaying import Console, Plan, Replayer
from clickhouse.trends import instant
from schemas.topics import REDDIT_POSTS
from stream_processors.linking_pool import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.suite.bench import Bench
    from benchmarks.suite.pipeline import Pipeline
    from schemas.events import Movie, RedditPost

GENERATED: Final = 16_000
WAIT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Lived:
    """A running pipeline that has been through some posts, and how many mentions are in these."""

    running: Pipeline
    posts: Sequence[RedditPost]
    mentions: int


@contextmanager
def lived(
    bench: Bench, films: Callable[[], Sequence[Movie]], posts: Callable[[int], Sequence[RedditPost]], number: int | None
) -> Iterator[Lived]:
    """Let a pipeline go through posts; `number`: how many, all that there are when None."""
    # Seen now, whenever they were written: what the worker sends is stamped so, and topics drop what is old.
    now = SystemClock().now_ms()
    found = posts(bench.records(number or GENERATED))
    chosen = [replace(post, observed_at=now) for post in found[: bench.records(number or len(found))]]
    with pipeline(bench, films(), tables=True) as running:
        for post in chosen:
            running.send(post)
        running.flush()
        running.start_all()
        running.await_counted()
        yield Lived(running, chosen, running.named(chosen).total())


def relink(given: Lived, jobs: int) -> Measured:
    """Replay the posts of all days, and compare."""
    written = [instant(post.created_at).date() for post in given.posts]
    days = min(written), max(written) + timedelta(days=1)
    plan = Plan(REDDIT_POSTS.name, *days, wait_seconds=WAIT_SECONDS, listed=0, jobs=jobs)
    report = Replayer(given.running.settings, plan, Console()).run()
    told = {**report.comparison.totals, "posts": report.records_replayed, "behind": report.comparison.behind}
    microseconds = 1e6 * report.seconds / report.records_replayed
    return Measured(report.records_replayed, report.seconds, _exactly(told), {"us_a_post": microseconds})


def reference(given: Lived) -> Mapping[str, int]:
    """Return what a replay tells that finds exactly what the linker does, and the live tables to be the same."""
    return _exactly({"mentions_replayed": given.mentions, "posts": len(given.posts)})


def _exactly(told: Mapping[str, int]) -> Mapping[str, int]:
    names = ("mentions_only_replay", "mentions_only_live", "mentions_differing", "mentions_beyond_log")
    return {name: told.get(name, 0) for name in (*names, "film_days_differing", "mentions_replayed", "posts", "behind")}


WORKLOADS: Final = [
    Workload(
        "generated",
        "posts and comments of the generated world, 560 films",
        partial(lived, films=sources.generated_films, posts=sources.generated_posts, number=GENERATED),
    ),
    Workload(
        "recorded",
        "all recorded submissions, the whole catalogue of 89,000 films",
        partial(lived, films=sources.recorded_films, posts=sources.recorded_posts, number=None),
    ),
]

STAGE: Final = Stage(
    "relink",
    "The log of posts replayed beside the live pipeline: linked, counted, stored and compared row for row.",
    "posts/s",
    WORKLOADS if sources.has_recorded() else WORKLOADS[:1],
    [
        Contender(
            "cinepulse",
            lambda given: relink(given, processors()),
            peer=False,
            about="a process that links for each processor",
            limits={"us_a_post": 500.0},
        ),
        Contender("one process", lambda given: relink(given, 1), peer=False, about="`--jobs 1`"),
    ],
    reference,
)
