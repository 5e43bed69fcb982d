"""Speed of a replay of `movie.mentions` with counting, on a broker and a server of its own.

Run: python -m benchmarks.replay [RECORDS] [ROUNDS]

The mentions are drawn with film-like skew: one in eight comes again, one in thirty is taken back. For the speed of
`reddit.posts` with linking, run `cinepulse replay` on a stack that has played recorded posts: it prints its rate.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Final

from confluent_kafka import Producer

from cinepulse.commands.replaying import Console, Plan, Replayer
from clickhouse.migrate import load_migrations, migrate
from schemas.events import Mention, MentionKey
from schemas.partitioning import film_partition
from schemas.provision import admin_client, create_topics
from schemas.topics import MOVIE_MENTIONS, TOPICS
from tests.fixtures.clickhouse import ServerProcess
from tests.fixtures.kafka import BrokerProcess
from tests.stream_processors.running import CODEC, FIRST_DAY, PARTITIONS, exact_counts, some_mentions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cinepulse.settings import Settings
    from tests.stream_processors.running import Said

RECORDS: Final = 500_000
ROUNDS: Final = 3
DAYS: Final = 11
PIECE: Final = 50_000


def measure(settings: Settings, mentions: int) -> str:
    """Replay everything once and return records a second, and a second of this process's time on a core.

    `mentions`: how many stand at the end.
    """
    first = date(1970, 1, 1) + timedelta(days=FIRST_DAY)
    plan = Plan(MOVIE_MENTIONS.name, first, first + timedelta(days=DAYS), wait_seconds=0, listed=0)
    spent = process_time()
    report = Replayer(settings, plan, Console()).run()
    spent = process_time() - spent
    if report.comparison.totals["mentions_replayed"] != mentions:
        raise SystemExit(f"not {mentions} mentions: {report.comparison.totals}")
    return f"{report.records_per_second:,.0f} records/s, {report.records_read / spent:,.0f} a second of its core"


def send(bootstrap: str, said: Sequence[Said]) -> None:
    """Send mentions to their films' partitions, stamped with the time of sending: nothing is compacted meanwhile."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    for number, one in enumerate(said):
        mention = Mention(
            community="movies",
            kind="submission" if one.post.startswith("t3_") else "comment",
            location="body",
            method="name",
            confidence=0.9,
            thread_id="t3_1abcde",
            score=12,
            observed_at=one.observed_at,
            linker_version="bc569081beda",
        )
        key = MentionKey(tmdb_id=one.tmdb_id, platform="reddit", post_id=one.post, created_at=one.created_at)
        producer.produce(
            MOVIE_MENTIONS.name,
            None if one.gone else CODEC.encode(MOVIE_MENTIONS.value_subject, mention),
            CODEC.encode(MOVIE_MENTIONS.key_subject, key),
            partition=film_partition(one.tmdb_id, PARTITIONS),
        )
        if number % PIECE == 0:
            producer.flush()
    producer.flush()


def main(records: int, rounds: int) -> None:
    """Fill a topic and replay it some times."""
    with tempfile.TemporaryDirectory() as directory:
        broker, server = BrokerProcess(Path(directory) / "kafka"), ServerProcess(Path(directory) / "clickhouse")
        broker.directory.mkdir()
        try:
            broker.start()
            server.start()
            settings = server.settings.model_copy(
                update={"kafka_bootstrap": broker.bootstrap, "partitions": PARTITIONS}
            )
            create_topics(admin_client(broker.bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
            migrate(settings, load_migrations())
            said = some_mentions(records, seed=1)
            send(broker.bootstrap, said)
            mentions = sum(exact_counts(said).values())
            for number in range(1, rounds + 1):
                print(f"round {number}: {measure(settings, mentions)}")
        finally:
            server.kill()
            broker.kill()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*given, *(RECORDS, ROUNDS)[len(given) :])
