"""The embedded ClickHouse engine: chDB opened once on a data path, with a handle for each call.

A handle is a client session of its own (settings, current database, temporary tables), opens in under a
millisecond and runs beside the others, so a call's settings end with its handle. The engine checks grants and
setting limits itself, from the configuration written here: it runs inside this process as clickhouse-local does,
which would otherwise let any query read the machine's files.
"""

from __future__ import annotations

import csv
import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4
from xml.sax.saxutils import escape

from filelock import FileLock, Timeout

from cinepulse.errors import DataDirectoryBusy, StackUnavailable
from clickhouse.sqltext import quote_name, quote_string

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from pathlib import Path

    from chdb.state.sqlitelike import Connection, StreamingInserter

STREAMED_FORMATS: Final = frozenset(
    {"Native", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "RowBinary", "JSONEachRow", "JSONLines"}
    | {"NDJSON", "JSONCompactEachRow", "JSONStringsEachRow", "LineAsString", "RawBLOB", "SQLInsert"}
)
"""Formats whose blocks can be written one after the other: no header, no footer."""

_CODE: Final = re.compile(r"Code: (\d+)\.")
_NAME: Final = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*(?:\(version [^)]*\)\)?)?\s*$")

# Names a call among the running queries, so that it can be stopped: the engine gives out no query ids.
_CALL_SETTING: Final = "log_comment"

_GRANTS: Final = (
    "SHOW, SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, KILL QUERY, dictGet, "
    "SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM DROP CACHE, SYSTEM RELOAD"
)

# Each would have the engine read or write a file of the caller's choice, call out, or run a text as a query.
_FIXED_SETTINGS: Final = (
    "format_schema",
    "format_schema_source",
    "format_template_resultset",
    "format_template_row",
    "format_avro_schema_registry_url",
    "input_format_record_errors_file_path",
    "output_format_schema",
    "rename_files_after_processing",
    "url_base",
    "allow_introspection_functions",
    "implicit_select",
)


class EngineError(Exception):
    """The engine refused or failed a statement; `code` is ClickHouse's error code, `name` its symbolic name."""

    def __init__(self, message: str, *, code: int = 1002) -> None:
        start = message.find("Code: ")
        self.message = message[start:].strip() if start > 0 else message.strip()
        found = _CODE.search(self.message)
        self.code = int(found.group(1)) if found else code
        named = _NAME.search(self.message)
        self.name = named.group(1) if named else ""
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine and its callers may use."""

    memory_bytes: int = 1_500_000_000
    """Memory of all queries, background work and caches together."""
    query_seconds: float = 60.0
    """Longest run of one query; a caller may ask for less, not for more."""
    body_bytes: int = 256 * 1024 * 1024
    """Largest request body, before and after decompression, and largest result that has to be built whole."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished statement read and wrote."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed: float = 0.0


class Engine:
    """The engine on one data path; raises DataDirectoryBusy when another process has it open.

    `path`: its folder, made when missing; the working directory becomes it, since the engine's own way to name a
    path cannot quote one.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.limits = limits
        self._path = path.absolute()
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._path / "server.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise DataDirectoryBusy(f"another server has {self._path} open: stop it first") from None
        _write_configuration(self._path, limits)
        os.chdir(self._path)
        # Holds the engine open while no call runs, and stops calls.
        self._keeper = self._connect()
        self.version, self.timezone = self._keeper.query("SELECT version(), timezone()", "TSV").bytes().decode().split()

    def handle(self) -> Handle:
        """Open a handle: one client's session."""
        return Handle(self._connect())

    def stop_call(self, call: str) -> None:
        """Stop the statement that runs under this call's name; does nothing when none does."""
        with suppress(RuntimeError):
            self._keeper.query(f"KILL QUERY WHERE Settings['{_CALL_SETTING}'] = {quote_string(call)} ASYNC", "Null")

    def close(self) -> None:
        """Stop what runs and close the engine; all handles must be closed first."""
        self._keeper.close()
        self._lock.release()

    def _connect(self) -> Connection:
        import chdb

        try:
            connection: Connection = chdb.connect("store?config-file=engine.xml")  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise StackUnavailable(f"the ClickHouse engine does not open {self._path}: {error}") from error
        return connection


class Handle:
    """One client session of the engine; not for use by two threads at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def classify(self, sql: str) -> tuple[str, int]:
        """Return the engine's own class of the text (READ_ONLY, MUTATING, CONTROL, UNKNOWN) and its statements' number."""
        found: dict[str, Any] = self._connection._conn.classify_query(sql)  # noqa: SLF001 - bound only below the wrapper
        return str(found["query_class"].name), int(found["statement_count"])

    def use(self, database: str) -> None:
        """Make a database the session's current one."""
        self._run(f"USE {quote_name(database)}", "Null")

    def set(self, settings: Mapping[str, str]) -> None:
        """Set settings for the rest of the session."""
        if settings:
            self._run("SET " + ", ".join(f"{name} = {quote_string(value)}" for name, value in settings.items()), "Null")

    @contextmanager
    def restored(self, settings: Iterable[str], database: str | None) -> Iterator[None]:
        """Undo at the end what is set of these settings, and the change to this current database."""
        names = ", ".join(quote_string(name) for name in settings)
        sql = f"SELECT name, value FROM system.settings WHERE changed AND name IN ({names})"
        changed = dict(csv.reader(self._text(sql, "CSV").splitlines())) if names else {}
        current = self._text("SELECT currentDatabase()", "TSVRaw").removesuffix("\n") if database else ""
        try:
            yield
        finally:
            self.set({name: value for name, value in changed.items() if name in settings})
            defaults = ", ".join(f"{name} = DEFAULT" for name in settings if name not in changed)
            if defaults:
                self._run(f"SET {defaults}", "Null")
            if database and self._text("SELECT currentDatabase()", "TSVRaw").removesuffix("\n") == database:
                self.use(current)

    def name_call(self, call: str) -> None:
        """Name what runs next, so that Engine.stop_call finds it."""
        self.set({_CALL_SETTING: call})

    def run(self, sql: str, output: str, parameters: Mapping[str, str] | None = None) -> tuple[bytes, Outcome]:
        """Run one statement to its end; returns its whole result in format `output` unless it names its own."""
        result = self._run(sql, output, parameters)
        body = result.bytes() or b""
        outcome = Outcome(
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            elapsed=result.elapsed(),
        )
        return body, outcome

    def stream(
        self, sql: str, output: str, parameters: Mapping[str, str] | None = None
    ) -> Generator[tuple[bytes, int]]:
        """Yield a query's result block by block with each block's number of rows; for STREAMED_FORMATS only.

        Close the generator to stop the query early.
        """
        try:
            with self._connection.send_query(sql, output, params=dict(parameters or {})) as blocks:
                for block in blocks:
                    yield block.bytes(), block.rows_read()
        except RuntimeError as error:
            raise EngineError(str(error)) from None

    def insert(
        self, statement: str, input_format: str, parameters: Mapping[str, str] | None = None
    ) -> StreamingInserter:
        """Start an insert whose rows are appended as bytes of `input_format`, and stored for sure when it finishes."""
        self.set({f"param_{name}": value for name, value in (parameters or {}).items()})
        try:
            return self._connection.send_insert(statement, input_format)
        except RuntimeError as error:
            raise EngineError(str(error)) from None

    def close(self) -> None:
        """End the session: its settings and temporary tables go."""
        self._connection.close()

    def _text(self, sql: str, output: str) -> str:
        return bytes(self._run(sql, output).bytes()).decode("utf-8", "surrogateescape")

    def _run(self, sql: str, output: str, parameters: Mapping[str, str] | None = None) -> Any:
        try:
            return self._connection.query(sql, output, params=dict(parameters or {}))
        except RuntimeError as error:
            raise EngineError(str(error)) from None


def _write_configuration(path: Path, limits: Limits) -> None:
    """Write the engine's two configuration files, and the database `default` as an ordinary one.

    clickhouse-local's own `default` shows the working directory's files as tables. It gets another name here; the
    link by which the engine would find the old one again has to go before each start, and comes back by itself.
    """
    metadata = path / "store" / "metadata"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "default").unlink(missing_ok=True)
    if not (metadata / "default.sql").exists():
        (metadata / "default.sql").write_text(f"ATTACH DATABASE _ UUID '{uuid4()}'\nENGINE = Atomic\n", "utf-8")
    fixed = "".join(f"<{name}><const/></{name}>" for name in _FIXED_SETTINGS)
    per_query = round(limits.memory_bytes * 0.7)
    (path / "engine.xml").write_text(
        f"""<clickhouse>
  <users_config>users.xml</users_config>
  <default_database>_local</default_database>
  <display_name>cinepulse</display_name>
  <timezone>UTC</timezone>
  <max_server_memory_usage>{limits.memory_bytes}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
</clickhouse>
""",
        "utf-8",
    )
    (path / "users.xml").write_text(
        f"""<clickhouse>
  <profiles><default>
    <async_insert>0</async_insert>
    <implicit_select>0</implicit_select>
    <allow_introspection_functions>0</allow_introspection_functions>
    <max_execution_time>{limits.query_seconds:g}</max_execution_time>
    <max_memory_usage>{per_query}</max_memory_usage>
    <constraints>
      <max_execution_time><min>0.001</min><max>{limits.query_seconds:g}</max></max_execution_time>
      <max_memory_usage><min>1</min><max>{per_query}</max></max_memory_usage>
      {fixed}
    </constraints>
  </default></profiles>
  <users><default>
    <password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <grants><query>GRANT {escape(_GRANTS)} ON *.*</query></grants>
  </default></users>
  <quotas><default/></quotas>
</clickhouse>
""",
        "utf-8",
    )
