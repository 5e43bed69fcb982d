"""The bare loop: confluent-kafka, fastavro and a dict, counts sent once a second.

It keeps no state: after a crash or a rebalance its counts are wrong. It drops no duplicates. So it is no alternative,
but what Python can do at most with records one by one.

https://docs.confluent.io/kafka-clients/python/current/overview.html
"""

from __future__ import annotations

import json
import time
from collections import defaultdict

from confluent_kafka import Consumer, Producer

from benchmarks.peers.task import MILLISECONDS_PER_DAY, Keys, Stopwatch, read_task

FETCH_RECORDS = 2_000
TELL_SECONDS = 1.0


def main() -> None:
    """Count the task's records."""
    task, watch = read_task(), Stopwatch()
    consumer = Consumer(
        {
            "bootstrap.servers": task.bootstrap,
            "group.id": task.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": task.bootstrap, "queue.buffering.max.messages": 1_000_000})
    consumer.subscribe([task.topic])
    read = Keys(task).film_and_instant
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    changed: set[tuple[int, int]] = set()
    seen, told = 0, time.monotonic()

    def tell() -> None:
        for film, day in changed:
            producer.produce(task.output, str(counts[film, day]).encode(), json.dumps([film, day]).encode())
            producer.poll(0)
        changed.clear()

    while seen < task.records:
        messages = consumer.consume(FETCH_RECORDS, 0.5)
        if not messages:
            continue
        watch.start()
        for message in messages:
            if (error := message.error()) is not None:
                raise SystemExit(error.str())
            film, instant = read(message.key() or b"")
            film_day = film, instant // MILLISECONDS_PER_DAY
            counts[film_day] += 1
            changed.add(film_day)
        seen += len(messages)
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            tell()
            consumer.commit()
    tell()
    producer.flush()
    watch.tell(seen)
    consumer.close()


if __name__ == "__main__":
    main()
