"""The Faust app around a stage: one topic, one agent, batches straight to the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import faust
from faust.auth import SASLCredentials, SSLCredentials
from faust.tables import TableManager

from cinepulse.kafka import tls_context
from stream_processors.transport import SCHEME, Consumer

if TYPE_CHECKING:
    from pathlib import Path

    from faust.auth import Credentials
    from faust.types import StreamT

    from cinepulse.settings import Settings
    from stream_processors.batch_worker import BatchWorker

# A silent worker's partitions go to another one after this long; Kafka allows no less by default.
SESSION_SECONDS: Final = 6.0
HEARTBEAT_SECONDS: Final = 1.5
COMMIT_SECONDS: Final = 0.5
REQUEST_SECONDS: Final = 30.0

# Batches that wait for the agent. One is folded while one waits; more would only be memory.
WAITING_BATCHES: Final = 2


class Untouched(faust.Schema[Any, Any]):
    """Passes a batch through as it is: `schemas.codec` decodes, record by record."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:
        """Return the key: a batch has none."""
        del app
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """Return the batch."""
        del app
        return message.value


class NoTables(TableManager):
    """Starts at once, where the stock manager first waits a second for tables to be declared."""

    async def on_start(self) -> None:
        """Let the subscription and the recovery, of nothing, begin."""
        await self._update_channels()
        await self.recovery.start()


def make_app(app_id: str, source: str, worker: BatchWorker, settings: Settings) -> faust.App:
    """Return an app whose single agent gives batches of topic `source` to `worker`.

    Everything of Faust that costs or surprises is off: its tables and their recovery, the leader topic, topics made by
    use, the web server, and commits of its own accounting.
    """
    brokers = ";".join(f"{SCHEME}://{server.strip()}" for server in settings.kafka_bootstrap.split(","))
    app = faust.App(
        app_id,
        broker=brokers,
        broker_credentials=credentials(settings),
        store="memory://",
        datadir=_data_directory(settings),
        topic_partitions=settings.partitions,
        topic_replication_factor=settings.replication_factor,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_request_timeout=REQUEST_SECONDS,
        broker_commit_interval=COMMIT_SECONDS,
        stream_buffer_maxsize=WAITING_BATCHES,
        # What is unfinished at a rebalance is done again by the next owner; waiting for it would only delay it.
        stream_wait_empty=False,
        table_standby_replicas=0,
        TableManager=NoTables,
    )

    # What a stage sends goes through `outbox.py`.
    app.boot_strategy.enable_kafka_producer = False

    @app.agent(app.topic(source, schema=Untouched()), name=f"{app_id}-agent", concurrency=1)
    async def process(batches: StreamT[Any]) -> None:
        # The worker says when a batch is done; an ack at the end of each turn would say it too early.
        async for event in cast("faust.Stream[Any]", batches).noack().events():
            await worker.process(event.value)

    return app


def connect(app: faust.App, worker: BatchWorker) -> Consumer:
    """Let the app's consumer and the worker know of each other, and return the consumer; before the app starts."""
    consumer = cast("Consumer", app.consumer)
    worker.attach(consumer.deliveries)
    consumer.stage = worker.stage
    consumer.before_revoke = worker.before_revoke
    consumer.on_assigned = worker.assigned
    return consumer


def credentials(settings: Settings) -> Credentials | None:
    """Return what Faust's consumer logs in with, None where Kafka asks for nothing.

    Raises ConfigurationInvalid for a certificate or key that cannot be read.
    """
    tls = tls_context(settings)
    if not settings.kafka_security_protocol.startswith("SASL"):
        return None if tls is None else SSLCredentials(tls)
    return SASLCredentials(
        username=settings.kafka_sasl_user,
        password=settings.kafka_sasl_password.get_secret_value(),
        ssl_context=tls,
        mechanism=settings.kafka_sasl_mechanism,
    )


def _data_directory(settings: Settings) -> Path:
    """Return a directory for Faust, which insists on one; nothing is kept there."""
    directory = settings.data_dir / "run" / "faust"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
