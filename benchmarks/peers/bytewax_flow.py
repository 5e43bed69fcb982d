"""Bytewax' tumbling-window count of a film's mentions by UTC day.

Written as https://docs.bytewax.io/stable/tutorials/windowing-concepts/ has it: `count_window` with an event clock, one
worker, between its Kafka source and sink. Each record counts, one that comes again too. Its recovery is off, which is
the default: it keeps no durable state here. A window is told once, when it closes or the input ends.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower, count_window
from bytewax.run import cli_main

from benchmarks.peers.task import Keys, Stopwatch, read_task

WAIT = timedelta(hours=48)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def main() -> None:
    """Count the task's records."""
    task, watch = read_task(), Stopwatch()
    read = Keys(task).film_and_instant

    def mention(message: Any) -> tuple[str, datetime]:
        watch.start()
        film, instant = read(message.key)
        return str(film), datetime.fromtimestamp(instant / 1_000, UTC)

    def record(counted: tuple[str, tuple[int, int]]) -> KafkaSinkMessage[bytes, bytes]:
        film, (window, count) = counted
        return KafkaSinkMessage(json.dumps([int(film), window]).encode(), str(count).encode())

    flow = Dataflow("count-days")
    source = kop.input("mentions", flow, brokers=[task.bootstrap], topics=[task.topic], tail=False)
    mentions = op.map("mention", source.oks, mention)
    # Aligned to the epoch, the number of a window is the number of its day.
    counts = count_window(
        "count",
        mentions,
        EventClock(lambda said: said[1], wait_for_system_duration=WAIT),
        TumblingWindower(timedelta(days=1), align_to=EPOCH),
        lambda said: said[0],
    )
    kop.output("counts", op.map("record", counts.down, record), brokers=[task.bootstrap], topic=task.output)
    cli_main(flow)
    watch.tell(task.records)


if __name__ == "__main__":
    main()
