"""The two workers, put together: what `cinepulse process link` and `cinepulse process count` run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cinepulse.clock import SystemClock
from schemas.codec import Codec
from schemas.registry import schema_ids
from schemas.topics import MOVIE_MENTIONS
from stream_processors.count_stage import CountStage
from stream_processors.dead_letters import DeadLetters
from stream_processors.runner import Runner

if TYPE_CHECKING:
    import asyncio

    from cinepulse.settings import Settings

COUNT_APP: Final = "cinepulse-count"
LINK_APP: Final = "cinepulse-link"

# Beyond this many records a flush does not wait for its time: it bounds memory and what a crash repeats.
COUNT_FLUSH_RECORDS: Final = 40_000


def run_count(settings: Settings) -> int:
    """Count mentions until told to stop; returns the exit code."""

    async def make_stage(_stop: asyncio.Event) -> CountStage:
        ids = schema_ids(settings.schema_registry_url)
        codec = Codec(ids)
        letters = DeadLetters(
            CountStage.name,
            MOVIE_MENTIONS.name,
            codec,
            SystemClock(),
            partitions=settings.partitions,
            max_share=settings.dead_letter_max_share,
        )
        return CountStage(settings, codec, ids, letters)

    return Runner(
        COUNT_APP, settings, make_stage, flush_seconds=settings.flush_seconds, flush_records=COUNT_FLUSH_RECORDS
    ).run()
