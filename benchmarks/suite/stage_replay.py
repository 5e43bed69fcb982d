"""`cinepulse replay --topic movie.mentions`: the whole log read, counted, and stored beside the live tables.

The peer is the bare loop of the count stage, which reads the same topic and keeps nothing. What the replay has stored
is read back from its shadow tables.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import partial
from time import process_time
from typing import TYPE_CHECKING, Final

from benchmarks.suite.mentions import DAYS, FIRST_DAY, Counts, MentionsTopic, workload
from benchmarks.suite.model import RECORDS_A_SECOND, Contender, Measured, Stage, Workload
from benchmarks.suite.peers import python_peer
from cinepulse.commands.replaying import Console, Plan, Replayer
from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from clickhouse.shadow import drop
from schemas.topics import MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.suite.bench import Bench
    from cinepulse.settings import Settings

DATABASE: Final = "bench_replay"
_COUNTS: Final = "SELECT tmdb_id, toInt32(c.day), mentions FROM mention_counts AS c FINAL WHERE mentions > 0"


@dataclass(frozen=True, slots=True)
class Logged(MentionsTopic):
    """A topic of mentions, and a stack whose tables are empty."""

    settings: Settings


@contextmanager
def logged(bench: Bench, log: Workload) -> Iterator[Logged]:
    """Fill a topic, and make tables."""
    with log.prepare(bench) as topic:
        settings = bench.server.settings.model_copy(
            update={
                "kafka_bootstrap": topic.bootstrap,
                "partitions": topic.partitions,
                "clickhouse_database": DATABASE,
            }
        )
        migrate(settings, load_migrations())
        known = {one.name: getattr(topic, one.name) for one in fields(topic)}
        yield Logged(**known, settings=settings)


def replay(given: Logged) -> Measured:
    """Replay all days, and keep what it stores until it is read back."""
    first = date(1970, 1, 1) + timedelta(days=FIRST_DAY)
    plan = Plan(MOVIE_MENTIONS.name, first, first + timedelta(days=DAYS + 1), keep=True, wait_seconds=0, listed=0)
    spent = process_time()
    report = Replayer(given.settings, plan, Console()).run()
    spent = process_time() - spent
    shadow = report.shadow or ""
    with closing(connect(given.settings.model_copy(update={"clickhouse_database": shadow}))) as client:
        counts = {(film, day): mentions for film, day, mentions in client.query(_COUNTS).result_rows}
    drop(given.settings, shadow)
    return Measured(report.records_read, report.seconds, counts, {"cpu_seconds": spent})


def distinct(given: MentionsTopic) -> Counts:
    """Return the exact counts with each mention once."""
    return dict(given.distinct)


def delivered(given: MentionsTopic) -> Counts:
    """Return the exact counts of records."""
    return dict(given.delivered)


_LOG: Final = workload("duplicates", "20,000 films over 30 days, one record in ten delivered again", again=0.1)

STAGE: Final = Stage(
    name="replay",
    about="the log of mentions read, counted anew and stored in shadow tables",
    unit=RECORDS_A_SECOND,
    workloads=(Workload(_LOG.name, _LOG.about, partial(logged, log=_LOG)),),
    contenders=(
        Contender("cinepulse", replay, peer=False, about="distinct mentions; mentions and counts in ClickHouse"),
        python_peer(
            "bare loop",
            "loop",
            "confluent-kafka",
            "confluent-kafka, fastavro and a dict: records, no state kept, output once a second",
            expects=delivered,
            bar=0.3,
        ),
    ),
    reference=distinct,
)
