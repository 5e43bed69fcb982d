"""Builds the verifier from the settings and runs it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cinepulse.clock import SystemClock
from clickhouse.client import connect
from clickhouse.offsets import LiveKafka
from clickhouse.rows import routes
from clickhouse.verify import Verifier
from schemas.provision import admin_client
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.settings import Settings
    from clickhouse.verify import Verification


def verify_pipeline(
    settings: Settings,
    count_group: str,
    *,
    wait_seconds: float,
    settle_seconds: float,
    say: Callable[[str], None],
) -> Verification:
    """Return the outcome of checking the pipeline that the settings name.

    `count_group`: consumer group of the count stage.

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
        say=say,
    )
    return verifier.verify(wait_seconds=wait_seconds, settle_seconds=settle_seconds)
