"""Fills the state of the count stage: the worker's own loop, with batches handed to it as the transport would.

Run: python -m benchmarks.suite.fill_state BOOTSTRAP MENTIONS

Changelog and counts go to the broker. Prints a line of JSON: seconds of processor time and memory before and after.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from time import process_time
from typing import Final

import psutil

from benchmarks.suite.mention_stream import CODEC, IDS, PARTITIONS, MentionStream
from cinepulse.clock import SystemClock
from cinepulse.kafka import producer_config
from cinepulse.logging import configure_logging
from cinepulse.settings import Settings
from schemas.topics import MOVIE_MENTIONS
from stream_processors.batch_worker import BatchWorker
from stream_processors.changelog_store import ChangelogStore
from stream_processors.count_stage import CountStage
from stream_processors.dead_letters import DeadLetters
from stream_processors.delivery import Batch, Deliveries
from stream_processors.outbox import Outbox
from stream_processors.runner import GC_OBJECTS
from stream_processors.workers import COUNT_APP, COUNT_FLUSH_RECORDS

EPOCH: Final = 1
NEVER_SECONDS: Final = 86_400.0
PAUSE_SECONDS: Final = 0.01


async def fill(settings: Settings, stream: MentionStream) -> int:
    """Count the mentions, deliver all that follows from it, and return how much memory the process has then."""
    letters = DeadLetters(
        CountStage.name, MOVIE_MENTIONS.name, CODEC, SystemClock(), partitions=PARTITIONS, max_share=0.01
    )
    outbox = Outbox(producer_config(settings, "fill"))
    store = ChangelogStore(settings, COUNT_APP, MOVIE_MENTIONS.name, outbox, lambda: None)
    store.provision()
    worker = BatchWorker(
        CountStage(settings, CODEC, IDS, letters),
        store,
        outbox,
        clock=SystemClock(),
        flush_seconds=NEVER_SECONDS,
        flush_records=COUNT_FLUSH_RECORDS,
    )
    deliveries = Deliveries()
    worker.attach(deliveries)
    deliveries.begin(EPOCH, dict.fromkeys(range(PARTITIONS), 0))
    worker.assigned(EPOCH, range(PARTITIONS))
    while not worker.ready and not worker.failure.done():  # noqa: ASYNC110 - the worker tells no event
        await asyncio.sleep(PAUSE_SECONDS)
    for piece in stream.pieces():
        for partition, records in piece.items():
            if records:
                await worker.process(Batch(partition, EPOCH, records[0].offset, records[-1].offset + 1, records))
        if worker.failure.done():
            worker.failure.result()
        deliveries.committed(deliveries.committable(), EPOCH)
    await worker.flush()
    return int(psutil.Process().memory_info().rss)


def main(bootstrap: str, mentions: int) -> None:
    """Fill the state and say what it took."""
    stream = MentionStream(mentions)
    settings = Settings(kafka_bootstrap=bootstrap, partitions=PARTITIONS)
    configure_logging("WARNING")
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)
    before, spent = psutil.Process().memory_info().rss, process_time()
    after = asyncio.run(fill(settings, stream))
    print(json.dumps({"before": before, "after": after, "seconds": process_time() - spent}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
