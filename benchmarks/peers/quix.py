"""Quix Streams' tumbling-window count of a film's mentions by UTC day.

Written as https://quix.io/docs/quix-streams/windowing.html has it: `tumbling_window(…).agg(Count()).current()`, with
the defaults (RocksDB, a changelog, a commit every five seconds). Each record counts, one that comes again too. Messages
are grouped by key, and the key here is the film, read from the Avro key, so that nothing has to be repartitioned.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from quixstreams import Application
from quixstreams.dataframe.windows import Count
from quixstreams.models import Deserializer

from benchmarks.peers.task import Keys, Stopwatch, read_task

GRACE = timedelta(hours=48)


class Film(Deserializer):  # type: ignore[misc]  # it is in the environment of the peers alone
    """Reads the film from a key, as text."""

    def __init__(self, keys: Keys, watch: Stopwatch) -> None:
        super().__init__()
        self._keys = keys
        self._watch = watch

    def __call__(self, value: bytes, ctx: Any) -> str:
        """Return the TMDB id."""
        del ctx
        self._watch.start()
        return str(self._keys.film_and_instant(value)[0])


def main() -> None:
    """Count the task's records."""
    task, watch = read_task(), Stopwatch()
    app = Application(
        broker_address=task.bootstrap,
        consumer_group=task.group,
        auto_offset_reset="earliest",
        state_dir=task.directory,
        loglevel="WARNING",
    )
    mentions = app.topic(task.topic, key_deserializer=Film(Keys(task), watch), value_deserializer="bytes")
    counts = app.topic(task.output, key_serializer="str", value_serializer="json")
    sdf = app.dataframe(mentions)
    sdf = sdf.tumbling_window(timedelta(days=1), grace_ms=GRACE).agg(count=Count()).current()
    sdf.to_topic(counts)
    # Each record leads to one output. When the run ends, state and outputs are flushed and the offsets committed.
    app.run(count=task.records, collect=False)
    watch.tell(task.records)


if __name__ == "__main__":
    main()
