"""The workers, put together: what `cinepulse process link`, `count` and `alerts` run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cinepulse.clock import SystemClock
from schemas.codec import Codec
from schemas.registry import schema_ids
from stream_processors.burst_stage import BurstStage
from stream_processors.count_stage import CountStage
from stream_processors.dead_letters import DeadLetters
from stream_processors.link_stage import LinkStage
from stream_processors.rank_stage import RankStage
from stream_processors.runner import Runner, run_together

if TYPE_CHECKING:
    import asyncio

    from cinepulse.settings import Settings

COUNT_APP: Final = "cinepulse-count"
LINK_APP: Final = "cinepulse-link"
BURST_APP: Final = "cinepulse-bursts"
RANK_APP: Final = "cinepulse-ranks"

# Beyond this many records a flush does not wait for its time: it bounds memory and what a crash repeats.
COUNT_FLUSH_RECORDS: Final = 40_000
LINK_FLUSH_RECORDS: Final = 4_000
ALERT_FLUSH_RECORDS: Final = 4_000

# Mentions gain little from waiting for each other: most posts name other films. Short, since counting waits again.
LINK_FLUSH_SECONDS: Final = 0.1


def run_count(settings: Settings) -> int:
    """Count mentions until told to stop; returns the exit code."""

    async def make_stage(_stop: asyncio.Event) -> CountStage:
        ids = schema_ids(settings)
        codec = Codec(ids)
        return CountStage(settings, codec, ids, _dead_letters(CountStage.name, CountStage.source, codec, settings))

    return Runner(
        COUNT_APP, settings, make_stage, flush_seconds=settings.flush_seconds, flush_records=COUNT_FLUSH_RECORDS
    ).run()


def run_link(settings: Settings) -> int:
    """Link posts to films until told to stop; returns the exit code."""

    async def make_stage(stop: asyncio.Event) -> LinkStage | None:
        from stream_processors.catalog_feed import CatalogFeed
        from stream_processors.linking import Catalog
        from stream_processors.mentioning import Mentioner

        codec = Codec(schema_ids(settings))
        feed: CatalogFeed[Any] = CatalogFeed(settings, codec, Catalog.build)
        feed.start()
        if not await feed.ready(stop):
            return None

        mentioner = Mentioner(lambda: feed.catalog, settings.link_threshold)
        letters = _dead_letters(LinkStage.name, LinkStage.source, codec, settings)
        return LinkStage(
            codec,
            mentioner.mentions,
            letters,
            partitions=settings.partitions,
            check_feed=feed.check,
            terms=mentioner.terms,
        )

    return Runner(
        LINK_APP, settings, make_stage, flush_seconds=LINK_FLUSH_SECONDS, flush_records=LINK_FLUSH_RECORDS
    ).run()


def run_alerts(settings: Settings) -> int:
    """Find bursts, joiners, leavers and milestones until told to stop; returns the exit code."""

    async def make_bursts(_stop: asyncio.Event) -> BurstStage:
        ids = schema_ids(settings)
        codec = Codec(ids)
        letters = _dead_letters(BurstStage.name, BurstStage.source, codec, settings)
        return BurstStage(codec, ids, letters, partitions=settings.partitions)

    async def make_ranks(_stop: asyncio.Event) -> RankStage:
        codec = Codec(schema_ids(settings))
        letters = _dead_letters(RankStage.name, RankStage.source, codec, settings)
        return RankStage(codec, letters, partitions=settings.partitions)

    runners = [
        Runner(app, settings, make, flush_seconds=settings.flush_seconds, flush_records=ALERT_FLUSH_RECORDS)
        for app, make in ((BURST_APP, make_bursts), (RANK_APP, make_ranks))
    ]
    return run_together(runners, settings)


def _dead_letters(stage: str, source: str, codec: Codec, settings: Settings) -> DeadLetters:
    return DeadLetters(
        stage, source, codec, SystemClock(), partitions=settings.partitions, max_share=settings.dead_letter_max_share
    )
