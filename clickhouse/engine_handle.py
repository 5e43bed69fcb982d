"""A handle on the embedded engine: one client's session, with chDB's own ways straightened out."""

from __future__ import annotations

import csv
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from clickhouse.sqltext import quote_name, quote_string

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from pathlib import Path

    from chdb.state.sqlitelike import Connection

NAME_SETTING: Final = "s3queue_default_zookeeper_path"
"""Carries a handle's name among the running statements, so that its own can be stopped: chDB gives out no query ids.
Any text setting would do that has no effect here and that no caller sets; `log_comment`, made for it, is theirs."""

# Rows of running inserts wait in files of such names.
ROWS_PREFIX: Final = "insert-"
ROWS_SUFFIX: Final = ".rows"

_CODE: Final = re.compile(r"Code: (\d+)\.")
_NAME: Final = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")
_UNKNOWN_EXCEPTION: Final = 1002


class EngineError(Exception):
    """The engine refused or failed a statement.

    `code`: ClickHouse's error code; `name`: its symbolic name, empty where the engine tells none; `message`: all of it.
    """

    def __init__(self, message: str) -> None:
        start = message.find("Code: ")
        self.message = message[max(start, 0) :].strip()
        found, names = _CODE.search(self.message), _NAME.findall(self.message)
        self.code = int(found.group(1)) if found else _UNKNOWN_EXCEPTION
        self.name: str = names[-1] if names else ""
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished statement read and wrote; `elapsed` in seconds."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed: float = 0.0


class Handle:
    """One client session of the engine; not for use by two threads at once.

    `name`: what Engine.stop takes to stop what it runs. `unchanged`: whether the call it serves is over and has left
    the session as it was.
    """

    def __init__(self, connection: Connection) -> None:
        self.name = uuid4().hex
        self.unchanged = False
        self._connection = connection

    def classify(self, sql: str) -> tuple[str, int]:
        """Return what the engine's parser makes of a text without running it: its class and number of statements.

        The class is READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL, or UNKNOWN for what does not parse.
        """
        found: dict[str, Any] = self._connection._conn.classify_query(sql)  # noqa: SLF001 - bound only below the wrapper
        return str(found["query_class"].name), int(found["statement_count"])

    def set_up(self, database: str | None, settings: Mapping[str, str]) -> None:
        """Name what runs next, for Engine.stop, and set its database and settings for the rest of the session."""
        if database is not None:
            self._run(f"USE {quote_name(database)}", "Null")
        # The name comes first: nothing can be set after `readonly`.
        self.set({NAME_SETTING: self.name, **settings})

    def set(self, settings: Mapping[str, str]) -> None:
        """Set settings for the rest of the session, in this order."""
        if settings:
            self._run("SET " + ", ".join(f"{name} = {quote_string(value)}" for name, value in settings.items()), "Null")

    @contextmanager
    def restored(self, settings: Iterable[str], database: str | None) -> Iterator[None]:
        """Undo at the end what is set of these settings, and a change to this current database."""
        names = list(settings)
        changed = self._changed(names)
        current = self._current_database() if database else ""
        try:
            yield
        finally:
            self.set(changed)
            defaults = ", ".join(f"{name} = DEFAULT" for name in names if name not in changed)
            if defaults:
                self._run(f"SET {defaults}", "Null")
            if database and self._current_database() == database:
                self._run(f"USE {quote_name(current)}", "Null")

    def run(self, sql: str, output: str, parameters: Mapping[str, str] | None = None) -> tuple[bytes, Outcome]:
        """Run one statement to its end; returns its whole result in format `output` unless it names its own."""
        result = self._run(sql, output, parameters)
        outcome = Outcome(
            read_rows=result.storage_rows_read(),
            read_bytes=result.storage_bytes_read(),
            written_rows=result.rows_written(),
            written_bytes=result.bytes_written(),
            result_rows=result.rows_read(),
            elapsed=result.elapsed(),
        )
        return bytes(result.bytes() or b""), outcome

    def stream(
        self, sql: str, output: str, parameters: Mapping[str, str] | None = None
    ) -> Generator[tuple[bytes, int]]:
        """Yield a SELECT's result block by block, each encoded on its own, with its number of rows.

        Close the generator to stop the query early.
        """
        try:
            with self._connection.send_query(sql, output, params=dict(parameters or {})) as blocks:
                for block in blocks:
                    yield block.bytes(), block.rows_read()
        except RuntimeError as error:
            raise EngineError(str(error)) from None

    def insert(self, statement: str, input_format: str, parameters: Mapping[str, str] | None = None) -> InsertStream:
        """Start an insert whose rows come as bytes of `input_format`; `statement` ends before FORMAT."""
        self.set({f"param_{name}": value for name, value in (parameters or {}).items()})
        return InsertStream(self, statement, input_format)

    def close(self) -> None:
        """End the session: its settings and temporary tables go."""
        self._connection.close()

    def _changed(self, settings: list[str]) -> dict[str, str]:
        """Return the values of those of the settings that are not at their defaults."""
        if not settings:
            return {}
        names = ", ".join(map(quote_string, settings))
        sql = f"SELECT name, value FROM system.settings WHERE changed AND name IN ({names})"  # noqa: S608 - quoted
        text = self.run(sql, "CSV")[0].decode("utf-8", "surrogateescape")
        return dict(csv.reader(text.splitlines()))

    def _current_database(self) -> str:
        return self.run("SELECT currentDatabase()", "TSVRaw")[0].decode("utf-8", "surrogateescape").removesuffix("\n")

    def _run(self, sql: str, output: str, parameters: Mapping[str, str] | None = None) -> Any:
        try:
            return self._connection.query(sql, output, params=dict(parameters or {}))
        except RuntimeError as error:
            # Rows that a statement gave before it failed would else come before those of the handle's next one.
            with suppress(RuntimeError):
                self._connection.query("SELECT 1", "TSV")
            raise EngineError(str(error)) from None


class InsertStream:
    """An insert whose rows are still coming; they are stored for sure once `finish` returns.

    The rows wait in a file that the engine then reads in one statement. chDB's own streaming insert tells of success
    when the engine has refused the rows, for a violated constraint for example, and nothing is stored.
    """

    def __init__(self, handle: Handle, statement: str, input_format: str) -> None:
        self._handle = handle
        self._statement = statement
        self._format = input_format
        # In the working directory, which is the engine's own folder.
        self._rows = NamedTemporaryFile(prefix=ROWS_PREFIX, suffix=ROWS_SUFFIX, dir=".")  # noqa: SIM115 - `drop` closes it

    def append(self, rows: bytes) -> None:
        """Take the next bytes of the rows, cut anywhere."""
        self._rows.write(rows)

    def finish(self) -> Outcome:
        """Store the rows; raises EngineError when the engine refuses them, and nothing is stored then."""
        self._rows.flush()
        source = f"FROM INFILE {quote_string(self._rows.name)} COMPRESSION 'none'"
        try:
            return self._handle.run(f"{self._statement} {source} FORMAT {self._format}", "Null")[1]
        finally:
            self.drop()

    def drop(self) -> None:
        """Give up, unless it has finished."""
        self._rows.close()


def sweep_rows(folder: Path) -> None:
    """Remove the rows of inserts that a killed server left."""
    for rows in folder.glob(f"{ROWS_PREFIX}*{ROWS_SUFFIX}"):
        rows.unlink()
