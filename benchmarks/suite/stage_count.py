"""The count stage: mentions in, counts by film and UTC day out, beside the engines that people count with.

Two definitions of a count, each checked against its own exact reference:

* **distinct**: each mention counts once, however often its record comes. This is the pipeline's.
* **delivered**: each record counts. This is what the peers' windowed counts do, which do less work for it: none of them
  has to know whether it has seen a mention before.

All run on the same topic and read the same bytes; each delivers its counts to a topic of its own, from which they are
checked. The time is that from the first record to the last output delivered, start-up excluded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.suite.count_worker import run_count
from benchmarks.suite.mentions import workload
from benchmarks.suite.model import RECORDS_A_SECOND, Contender, Stage
from benchmarks.suite.peers import kafka_streams_peer, python_peer

if TYPE_CHECKING:
    from benchmarks.suite.mentions import Counts, MentionsTopic


def distinct(given: MentionsTopic) -> Counts:
    """Return the exact counts with each mention once."""
    return dict(given.distinct)


def delivered(given: MentionsTopic) -> Counts:
    """Return the exact counts of records."""
    return dict(given.delivered)


STAGE: Final = Stage(
    name="count",
    about="topic to exact distinct counts by film and day, with durable state, to topic",
    unit=RECORDS_A_SECOND,
    workloads=(
        workload("films", "Zipf 1.0 over 20,000 films, in event-time order over 30 days"),
        workload("hot-day", "the same films on a single day", days=1),
        workload("duplicates", "as films, one record in ten delivered again", again=0.1),
        workload("disorder", "as films, one record in ten up to six hours late", delayed=0.1),
    ),
    contenders=(
        Contender(
            "cinepulse",
            run_count,
            peer=False,
            about="the worker `cinepulse process count`: distinct mentions, changelog and output topic on",
        ),
        python_peer(
            "bare loop",
            "loop",
            "confluent-kafka",
            "confluent-kafka, fastavro and a dict: records, no state kept, output once a second",
            expects=delivered,
            bar=0.5,
        ),
        kafka_streams_peer(
            "Java, one stream thread: tumbling windows of records, RocksDB, changelog",
            expects=delivered,
            bar=1.0,
        ),
        python_peer(
            "Quix Streams",
            "quix",
            "quixstreams",
            "tumbling windows of records, RocksDB, changelog",
            expects=delivered,
            bar=4.0,
        ),
        python_peer(
            "Bytewax",
            "bytewax_flow",
            "bytewax",
            "tumbling windows of records, one worker, its recovery off",
            expects=delivered,
            bar=4.0,
        ),
        python_peer(
            "Faust",
            "faust_app",
            "faust-streaming",
            "a windowed table of records in memory, changelog",
            expects=delivered,
            bar=20.0,
            workloads=("films",),
        ),
    ),
    reference=distinct,
)
