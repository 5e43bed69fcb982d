"""Stock Faust's tumbling-window count of a film's mentions by UTC day.

Written as https://faust-streaming.github.io/faust/userguide/tables.html has it: an agent, a windowed table, one event a
record. Each record counts, one that comes again too. The table is in memory, which is the default and the fastest; its
changelog, which has each count, is taken for the output, so that Faust sends one record an event and not two.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

import faust

from benchmarks.peers.task import Keys, Stopwatch, read_task

TASK = read_task()
READ = Keys(TASK).film_and_instant
WATCH = Stopwatch()

app = faust.App(
    TASK.group,
    broker=f"kafka://{TASK.bootstrap}",
    store="memory://",
    datadir=TASK.directory,
    topic_partitions=TASK.partitions,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
mentions = app.topic(TASK.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
counts = app.Table("counts", default=int, partitions=TASK.partitions).tumbling(timedelta(days=1))


@app.agent(mentions)
async def count(stream: Any) -> None:
    """Count each mention in the window of its record's timestamp."""
    seen = 0
    async for event in stream.events():
        WATCH.start()
        film, _ = READ(event.key)
        counts[film] += 1
        seen += 1
        if seen == TASK.records:
            await app.producer.flush()
            await app.consumer.commit()
            WATCH.tell(seen)
            # Leaving the group takes seconds, and is not what is measured.
            os._exit(0)


if __name__ == "__main__":
    sys.argv[1:] = ["worker", "--without-web", "--loglevel=WARN"]
    app.main()
