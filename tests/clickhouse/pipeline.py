"""A pipeline of a test's own on the real broker and the real engine: topics, tables, and a sink in a thread."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from confluent_kafka import Producer

from cinepulse.kafka import producer_config
from clickhouse.client import connect
from clickhouse.migrate import load_migrations, migrate
from clickhouse.offsets import extents, topic_ids
from clickhouse.rows import routes
from clickhouse.service import Setup, build_sink
from clickhouse.store import Store, read_ledger
from schemas.codec import Codec
from schemas.partitioning import partition_of
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_DEAD_LETTERS, topic_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from confluent_kafka import KafkaError, Message

    from cinepulse.settings import Settings
    from clickhouse.store import Confirmed

PARTITIONS: Final = 2
DEADLINE_SECONDS: Final = 30.0


def eventually(true: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Return once `true()` is; fail with `what` when it is not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


class RunningSink:
    """A sink in a thread of its own."""

    def __init__(self, run: Callable[[Event], None]) -> None:
        self.error: BaseException | None = None
        self._stop = Event()
        self._thread = Thread(target=self._guarded, args=(run,), daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop it as SIGTERM would and raise what ended it."""
        self._stop.set()
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive(), "the sink does not stop"
        if self.error is not None:
            raise self.error

    def _guarded(self, run: Callable[[Event], None]) -> None:
        try:
            run(self._stop)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error


class PrefixedProducer:
    """A producer that puts the pipeline's prefix before the topics' names."""

    def __init__(self, settings: Settings, prefix: str) -> None:
        self._inner = Producer(producer_config(settings, "test"))
        self._prefix = prefix

    def produce(self, topic: str, value: bytes | None, key: bytes, partition: int, *, on_delivery: Any) -> None:
        """Queue one record."""
        self._inner.produce(self._prefix + topic, value, key, partition, on_delivery)

    def poll(self, timeout: float) -> int:
        """Run due callbacks."""
        return self._inner.poll(timeout)

    def flush(self, timeout: float) -> int:
        """Send what is queued."""
        return self._inner.flush(timeout)


class Pipeline:
    """Topics and tables of a test's own, and what a test does with them.

    `prefix`: stands before the topics' names; another one each time when not given. `store`: makes the store of each
    sink started, from the client and a name for the run.
    """

    def __init__(self, bootstrap: str, settings: Settings, *, prefix: str | None = None) -> None:
        self.prefix = f"{uuid4().hex[:8]}." if prefix is None else prefix
        self.settings = settings.model_copy(
            update={"kafka_bootstrap": bootstrap, "partitions": PARTITIONS, "sink_flush_seconds": 0.05}
        )
        self.routes = routes(self.prefix)
        self.group = f"{self.prefix}sink"
        self.refused: list[KafkaError] = []
        self.store: Callable[..., Store] = Store
        self.codec = Codec(ManifestIds())
        self.admin = admin_client(bootstrap)
        self.create_topics()
        migrate(self.settings, load_migrations())
        self.client = connect(self.settings)
        self.producer = Producer(producer_config(self.settings, "test"))

    def create_topics(self) -> None:
        """Make the topics."""
        topics = [replace(route.topic, name=route.source) for route in self.routes]
        create_topics(self.admin, topics, partitions=PARTITIONS, replication_factor=1)

    def send(self, topic: str, key: Any, value: Any) -> None:
        """Produce a record as its producer would; None is a tombstone."""
        contract = topic_named(topic)
        encoded = None if value is None else self.codec.encode(contract.value_subject, value)
        partition = partition_of(contract, key, PARTITIONS)
        self.send_bytes(topic, self.codec.encode(contract.key_subject, key), encoded, partition)

    def send_bytes(self, topic: str, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        """Produce whatever bytes."""

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                self.refused.append(error)

        self.producer.produce(self.prefix + topic, key=key, value=value, partition=partition, on_delivery=delivered)

    def flush(self) -> None:
        """Return once Kafka has everything sent."""
        assert self.producer.flush(DEADLINE_SECONDS) == 0
        assert self.refused == []

    def start(self, **options: Any) -> RunningSink:
        """Start a sink."""
        store = self.store(connect(self.settings), uuid4().hex)
        letters = Publisher(lambda: PrefixedProducer(self.settings, self.prefix), self.codec, partitions=PARTITIONS)
        sink = build_sink(Setup(self.settings, self.routes, self.group, **options), store, letters)
        return RunningSink(lambda stop: sink.run([route.source for route in self.routes], stop))

    @contextmanager
    def sinking(self, **options: Any) -> Iterator[RunningSink]:
        """Run a sink for the length of a block."""
        sink = self.start(**options)
        try:
            yield sink
        finally:
            sink.stop()

    def settled(self) -> bool:
        """Return whether the ledger has reached the ends of the topics, dead letters included."""
        ledger = self.ledger()
        return all(
            ledger.reached(partition) >= extent.end for partition, extent in extents(self.admin, self.routes).items()
        )

    def ledger(self) -> Confirmed:
        """Return what the ledger says is stored."""
        return read_ledger(self.client, topic_ids(self.admin, [route.source for route in self.routes]))

    def topic_end(self, topic: str) -> int:
        """Return the number of offsets that a topic has."""
        found = extents(self.admin, self.routes)
        return sum(extent.end for partition, extent in found.items() if partition.topic == self.prefix + topic)

    def drain(self) -> None:
        """Send what waits, run a sink until it has stored all there is, and stop it."""
        self.flush()
        with self.sinking() as sink:
            eventually(lambda: self.settled() or not sink.alive, "the sink stores everything")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return a query's rows."""
        return [tuple(row) for row in self.client.query(query).result_rows]

    def count(self, table: str, *, final: bool = True) -> int:
        """Return a table's number of rows."""
        query = f"SELECT count() FROM {table}{' FINAL' if final else ''}"  # noqa: S608 - a test's own table
        return int(self.client.command(query))

    def close(self) -> None:
        """Drop the topics: the broker is shared."""
        for answer in self.admin.delete_topics([route.source for route in self.routes]).values():
            answer.result(DEADLINE_SECONDS)


LETTERS: Final = PIPELINE_DEAD_LETTERS.name
