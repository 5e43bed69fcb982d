"""The one way to ClickHouse: clickhouse_connect with pinned settings and errors that say what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from clickhouse_connect.driver import options as driver_options
from clickhouse_connect.driver.exceptions import Error, OperationalError
from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.httputil import get_pool_manager

from cinepulse.errors import ConfigurationInvalid, DatabaseUnavailable
from cinepulse.hosts import is_loopback
from clickhouse.failures import RETRYABLE_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cinepulse.settings import Settings

CONNECT_SECONDS: Final = 5
# Longer than the server's own limit, so that the server ends a query and says so, not a client that then tries again
# what the server is still doing.
ANSWER_MARGIN_SECONDS: Final = 15

_AUTHENTICATION_CODES: Final = frozenset({192, 193, 194, 516})
_MISSING_CODES: Final = frozenset({60, 81})

# Pinned where the server knows them, since their defaults differ between versions: an insert returns when its rows
# are stored, and repeated under its token it is stored once, in what depends on the table too.
_PINNED: Final = {
    "async_insert": "0",
    "insert_deduplicate": "1",
    "deduplicate_insert": "enable",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
}

# The driver loads pandas with its first insert, to ask whether the rows are a data frame. They never are, and it costs
# every process a third of a second and 60 MB: tell the driver that there is none, as where it is not installed.
vars(driver_options).update(pd=None, pd_time_test=None)


class Client(HttpClient):
    """clickhouse_connect's client, raising cinepulse's errors where there is something else to do than to mend the SQL.

    DatabaseUnavailable: try again later. ConfigurationInvalid: a wrong user or password, or a missing table or
    database. Everything else stays clickhouse_connect's own error, which carries ClickHouse's `code`.
    """

    def query(self, *arguments: Any, **options: Any) -> Any:
        """Run a query."""
        with translated(self.url):
            return super().query(*arguments, **options)

    def query_columns(self, *arguments: Any, **options: Any) -> dict[str, NDArray[Any]]:
        """Run a query of numbers and return its columns by name; one without rows has none.

        In half the time of the driver's arrays of records, whose columns would not lie together in memory either.
        """
        with translated(self.url), super().query_column_block_stream(*arguments, **options) as stream:
            names = stream.source.column_names
            blocks = [[np.asarray(values) for values in block] for block in stream]
        if len(blocks) == 1:
            return dict(zip(names, blocks[0], strict=True))
        return {name: np.concatenate(pieces) for name, *pieces in zip(names, *blocks, strict=True)} if blocks else {}

    def command(self, *arguments: Any, **options: Any) -> Any:
        """Run a statement with at most one value as its result."""
        with translated(self.url):
            return super().command(*arguments, **options)

    def insert(self, *arguments: Any, **options: Any) -> Any:
        """Insert rows."""
        with translated(self.url):
            return super().insert(*arguments, **options)

    def raw_insert(self, *arguments: Any, **options: Any) -> Any:
        """Insert rows that are encoded already."""
        with translated(self.url):
            return super().raw_insert(*arguments, **options)

    def raw_query(self, *arguments: Any, **options: Any) -> bytes:
        """Run a query and return its answer as it comes."""
        with translated(self.url):
            return super().raw_query(*arguments, **options)


def connect(settings: Settings, /, **overrides: Any) -> Client:
    """Return a client of the ClickHouse that the settings name; safe to share between threads: it has no session.

    `overrides`: clickhouse_connect's own arguments, for example `database=None` before the database exists, or
    `settings={"max_threads": 1}` on top of the pinned ones.

    Raises DatabaseUnavailable when ClickHouse does not answer, ConfigurationInvalid for a wrong user or password or a
    database that does not exist.
    """
    own = overrides.pop("settings", {})
    tls: dict[str, Any] = {"verify": settings.clickhouse_verify}
    if settings.clickhouse_ca_file is not None:
        tls["ca_cert"] = str(settings.clickhouse_ca_file)
    arguments: dict[str, Any] = {
        "interface": "https" if settings.clickhouse_secure else "http",
        "host": settings.clickhouse_host,
        "port": settings.clickhouse_port,
        "username": settings.clickhouse_user,
        "password": settings.clickhouse_password.get_secret_value(),
        "database": settings.clickhouse_database,
        "compress": "lz4",
        "autogenerate_session_id": False,
        "connect_timeout": CONNECT_SECONDS,
        "send_receive_timeout": settings.clickhouse_query_seconds + ANSWER_MARGIN_SECONDS,
        "client_name": "cinepulse",
        # A proxy from the environment is not for this machine.
        "pool_mgr": get_pool_manager(**tls) if is_loopback(settings.clickhouse_host) else None,
        **tls,
        **overrides,
    }
    pinned = {"wait_end_of_query": 1, "max_execution_time": settings.clickhouse_query_seconds, **own}
    with translated(f"{arguments['host']}:{arguments['port']}"):
        client = Client(**arguments, settings=pinned)
        for name, value in _PINNED.items():
            if name in client.server_settings and name not in own:
                client.set_client_setting(name, value)
    return client


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raise cinepulse's errors for those of clickhouse_connect that tell of ClickHouse at `address` as a whole."""
    try:
        yield
    except Error as error:
        told = str(error).partition(" (for url")[0]
        if error.code in _AUTHENTICATION_CODES:
            message = "CINEPULSE_CLICKHOUSE_USER, CINEPULSE_CLICKHOUSE_PASSWORD: ClickHouse does not take them"
            raise ConfigurationInvalid(f"{message} at {address}") from error
        if error.code in _MISSING_CODES:
            raise ConfigurationInvalid(f"run `cinepulse migrate`: {told}") from error
        if error.code in RETRYABLE_CODES or (error.code is None and isinstance(error, OperationalError)):
            raise DatabaseUnavailable(f"ClickHouse at {address} does not answer: {told}") from error
        raise
