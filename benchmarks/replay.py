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
from typing import TYPE_CHECKING, Final

from cinepulse.commands.replaying import Console, Plan, Replayer
from clickhouse.migrate import load_migrations, migrate
from schemas.provision import admin_client, create_topics
from schemas.topics import MOVIE_MENTIONS, TOPICS
from tests.fixtures.clickhouse import ServerProcess
from tests.fixtures.kafka import BrokerProcess
from tests.stream_processors.running import FIRST_DAY, PARTITIONS, exact_counts, send_mentions, some_mentions

if TYPE_CHECKING:
    from cinepulse.settings import Settings

RECORDS: Final = 1_000_000
ROUNDS: Final = 3
DAYS: Final = 11
PIECE: Final = 50_000


def measure(settings: Settings, mentions: int) -> float:
    """Replay everything once and return records read a second; `mentions`: how many stand at the end."""
    first = date(1970, 1, 1) + timedelta(days=FIRST_DAY)
    plan = Plan(MOVIE_MENTIONS.name, first, first + timedelta(days=DAYS), wait_seconds=0, listed=0)
    report = Replayer(settings, plan, Console()).run()
    if report.comparison.totals["mentions_replayed"] != mentions:
        raise SystemExit(f"not {mentions} mentions: {report.comparison.totals}")
    return report.records_per_second


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
            for start in range(0, records, PIECE):
                send_mentions(broker.bootstrap, said[start : start + PIECE])
            mentions = sum(exact_counts(said).values())
            for number in range(1, rounds + 1):
                print(f"round {number}: {measure(settings, mentions):,.0f} records/s")
        finally:
            server.kill()
            broker.kill()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*given, *(RECORDS, ROUNDS)[len(given) :])
