"""Builds the verifier from the settings and runs it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cinepulse.clock import SystemClock
from clickhouse.client import connect
from clickhouse.deep import COMPARED, DeepVerifier
from clickhouse.mention_days import check_days
from clickhouse.offsets import LiveKafka
from clickhouse.rows import routes
from clickhouse.store import read_ledger
from clickhouse.verify import Verifier
from schemas.codec import Codec
from schemas.provision import admin_client
from schemas.reader import TopicReader
from schemas.registry import schema_ids
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS, MOVIE_TERMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cinepulse.settings import Settings
    from clickhouse.check import Check
    from clickhouse.offsets import Partition
    from clickhouse.rows import Route
    from clickhouse.verify import Verification
    from schemas.reader import RawRecord


def verify_pipeline(  # noqa: PLR0913 - the options of the command
    settings: Settings,
    count_group: str,
    *,
    wait_seconds: float,
    settle_seconds: float,
    say: Callable[[str], None],
    deep: bool = False,
) -> Verification:
    """Return the outcome of checking the pipeline that the settings name.

    `count_group`: consumer group of the count stage. `deep`: derive mentions and counts anew from Kafka as well, and
    compare them row by row.

    Raises BrokerUnavailable or DatabaseUnavailable when Kafka or ClickHouse does not answer, ConfigurationInvalid when
    a topic is missing.
    """
    kafka = LiveKafka(admin_client(settings), routes(), count_group, MOVIE_MENTIONS.name)
    verifier = Verifier(
        client=connect(settings),
        kafka=kafka,
        clock=SystemClock(),
        pause=time.sleep,
        mentions=MOVIE_MENTIONS.name,
        counts=MOVIE_MENTION_COUNTS.name,
        # `cinepulse forget` has words compacted as well, before the sink may have read them.
        compacted=frozenset(
            route.source for route in routes() if route.topic.cleanup == "compact" or route.topic is MOVIE_TERMS
        ),
        say=say,
    )
    ends = {partition: extent.end for partition, extent in kafka.extents().items()} if deep else {}
    outcome = verifier.verify(wait_seconds=wait_seconds, settle_seconds=settle_seconds)
    if not deep:
        return outcome
    checks = (*outcome.checks, check_days(verifier.client), *_deep_checks(settings, verifier, ends))
    return replace(outcome, checks=checks, ok=all(check.ok for check in checks))


def _deep_checks(settings: Settings, verifier: Verifier, ends: Mapping[Partition, int]) -> tuple[Check, ...]:
    """Return the checks of each compacted topic's last values against its table."""
    epochs = read_ledger(verifier.client, verifier.kafka.topic_ids()).epochs
    codec = Codec(schema_ids(settings))

    def check(route: Route) -> Check:
        def read(partition: int) -> Iterator[RawRecord]:
            with TopicReader(settings, route.source, "verify", only=partition) as reader:
                yield from reader.to_end()

        epoch = epochs.get(route.source, 0)
        return DeepVerifier(verifier.client, route, codec, read, epoch, ends, verifier.pause, verifier.say).check()

    return tuple(check(route) for route in routes() if route.table.name in COMPARED)
