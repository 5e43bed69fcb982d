"""What the workloads of one run share: servers that start when first asked for, a directory, a size."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Self

from tests.fixtures.clickhouse import ServerProcess
from tests.fixtures.kafka import BrokerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Bench:
    """The bench of one run; a context that leaves no server running.

    Args:
        directory: for everything that the run keeps, removed by the caller.
        records: how many records `--records` asks for, None for each workload's own number.
    """

    def __init__(self, directory: Path, records: int | None = None) -> None:
        self._directory = directory
        self._records = records
        self._open = ExitStack()
        self._broker: BrokerProcess | None = None
        self._server: ServerProcess | None = None
        self._made = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def records(self, usual: int) -> int:
        """Return how many records a workload should have, `usual` unless the run asks for another number."""
        return self._records or usual

    def new_directory(self, name: str) -> Path:
        """Return an empty directory."""
        self._made += 1
        directory = self._directory / f"{name}{self._made}"
        directory.mkdir(parents=True)
        return directory

    @property
    def broker(self) -> BrokerProcess:
        """The run's broker: an embedded Kafka, empty at first; make topics with names of your own."""
        if self._broker is None:
            self._broker = self._open.enter_context(self.new_broker())
        return self._broker

    @contextmanager
    def new_broker(self, properties: Mapping[str, str] | None = None) -> Iterator[BrokerProcess]:
        """Let a broker run within a block: for a workload of topics whose names are given.

        `properties`: configuration on top of the embedded broker's own.
        """
        broker = BrokerProcess(self.new_directory("kafka"))
        broker.more_properties = properties or {}
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()
            shutil.rmtree(broker.directory, ignore_errors=True)

    @property
    def server(self) -> ServerProcess:
        """The run's embedded ClickHouse server: make databases with names of your own."""
        if self._server is None:
            self._server = ServerProcess(self.new_directory("clickhouse"))
            self._open.callback(self._server.kill)
            self._server.start()
        return self._server
