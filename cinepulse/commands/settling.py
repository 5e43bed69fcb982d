"""The end of a measured demo: stop the world, let the pipeline catch up, and reckon."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from cinepulse.clock import SystemClock
from cinepulse.commands.ground_truth import PostsInKafka, expected_mentions, read_catalog, served_posts
from cinepulse.commands.lag import lags
from cinepulse.commands.reckoning import DemoReport, MentionId, Reckoning, quantile, reckon
from cinepulse.errors import StackUnavailable
from clickhouse.ask import ask
from clickhouse.client import connect

if TYPE_CHECKING:
    from rich.console import Console

    from cinepulse.commands.reckoning import FilmDay
    from cinepulse.settings import Settings
    from clickhouse.client import Client

# The last re-check of a post comes within half a minute of it, and the stages need a few seconds each. A pipeline that
# is not done by then has lost something, and the report says so.
SETTLE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.5
# Counts that agree must still agree after every stage has had time to flush once more.
STEADY_SECONDS: Final = 3.0
REQUEST_SECONDS: Final = 10.0
FRESHNESS: Final = "cinepulse_freshness_seconds"


def settle_and_reckon(
    console: Console, settings: Settings, sink_metrics_port: int, *, seed: int | None, elapsed: float
) -> DemoReport:
    """Freeze the world, wait until what it served has been counted, and return the reckoning.

    Waits at most SETTLE_SECONDS and then reports what there is: what has not arrived by then counts as lost.

    Raises StackUnavailable when the world does not answer.
    """
    world = str(settings.reddit_url)
    freshness = _freshness(sink_metrics_port)
    _freeze(world)
    served = list(served_posts(world, SystemClock().now_ms()))
    catalog = read_catalog(settings)
    expected = expected_mentions(served, catalog, settings.link_threshold)
    console.print(f"Settling: {len(served)} posts served, {len(expected)} mentions expected", markup=False)
    posts = PostsInKafka(settings)
    deadline = time.monotonic() + SETTLE_SECONDS
    try:
        with closing(connect(settings)) as client:
            while True:
                posts.refresh()
                reckoning = _steady(settings, client, expected) if not posts.behind(served) else None
                if reckoning is not None or time.monotonic() > deadline:
                    break
                time.sleep(LOOK_SECONDS)
            reckoning = reckoning or _reckon(client, expected)
    finally:
        posts.close()
    return DemoReport(
        seed=seed,
        posts_served=len(served),
        posts_in_kafka=len(posts.latest.keys() & {post.fullname for post in served}),
        posts_deleted=sum(not post.live for post in served),
        reckoning=reckoning,
        freshness_seconds=freshness,
        elapsed_seconds=round(elapsed, 3),
    )


def _steady(settings: Settings, client: Client, expected: set[MentionId]) -> Reckoning | None:
    """Return the reckoning when every consumer is at its end and nothing is lost, double or moving; None otherwise."""
    first = _reckon(client, expected)
    if first.lost or first.double_counted or any(lags(settings).values()):
        return None
    time.sleep(STEADY_SECONDS)
    second = _reckon(client, expected)
    return second if second == first else None


def _reckon(client: Client, expected: set[MentionId]) -> Reckoning:
    stored = [
        MentionId(row["tmdb_id"], row["post_id"], row["created_at_ms"]) for row in ask(client, "reckoning_mentions")
    ]
    counts: dict[FilmDay, int] = {
        (row["tmdb_id"], row["day_number"]): row["mentions"] for row in ask(client, "reckoning_counts")
    }
    return reckon(expected, stored, counts)


def _freeze(world: str) -> None:
    try:
        httpx.post(f"{world}/_world/freeze", timeout=REQUEST_SECONDS).raise_for_status()
    except httpx.HTTPError as error:
        raise StackUnavailable(f"the world does not freeze: {type(error).__name__}") from error


def _freshness(port: int) -> dict[str, float | None]:
    """Return the p50 and p99 of the sink's freshness histogram, seconds, None where it holds nothing."""
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=REQUEST_SECONDS).text
    except httpx.HTTPError as error:
        raise StackUnavailable(f"the sink does not tell its metrics: {type(error).__name__}") from error
    buckets = [
        (float(sample.labels["le"]), sample.value)
        for family in text_string_to_metric_families(text)
        if family.name == FRESHNESS
        for sample in family.samples
        if sample.name == f"{FRESHNESS}_bucket"
    ]
    return {"p50": quantile(buckets, 0.5), "p99": quantile(buckets, 0.99)}
