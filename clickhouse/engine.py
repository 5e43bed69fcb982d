"""The embedded ClickHouse engine: chDB opened once on a data path, with handles for calls.

A handle is a client session of its own (settings, current database, temporary tables), opens in a millisecond and
runs beside the others; `sessions` lends them, so that nothing of a call reaches another. The engine itself checks
grants and limits of settings, by the configuration of `engine_config`.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from cinepulse.errors import DataDirectoryBusy, StackUnavailable
from clickhouse.engine_config import CONFIG_FILE, STORE_FOLDER, write_configuration
from clickhouse.engine_handle import NAME_SETTING, EngineError, Handle, sweep_rows
from clickhouse.replaced_parts import grant_lifetime
from clickhouse.sqltext import escaped, quote_string

if TYPE_CHECKING:
    from pathlib import Path

    from chdb.state.sqlitelike import Connection

    from clickhouse.engine_config import Limits

_TOKENIZE: Final = """SELECT tokenizeQuery({sql:String}) SETTINGS
    output_format_json_named_tuples_as_objects = 1, output_format_json_quote_64bit_integers = 0"""


@dataclass(frozen=True, slots=True)
class SqlToken:
    """A token as the engine's lexer sees it: its kind, such as BareWord or QuotedIdentifier, and its text."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The bare word in upper case, "" for any other token."""
        return self.text.upper() if self.kind == "BareWord" else ""

    @property
    def name(self) -> str | None:
        """The identifier that this token may be, without its quotes; None for any other token."""
        if self.kind == "QuotedIdentifier":
            return self.text[1:-1]
        return self.text if self.kind == "BareWord" else None


class Engine:
    """The engine on one data path.

    `path`: its folder, made when missing. It becomes the working directory, since the engine has no way to quote a
    path. Raises DataDirectoryBusy when another process has it open.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        import chdb  # noqa: F401 - looks for files in the working directory while it loads

        self.limits = limits
        self._path = path.absolute()
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._path / "server.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise DataDirectoryBusy(f"another ClickHouse server has {self._path} open: stop it first") from None
        write_configuration(self._path, limits)
        sweep_rows(self._path)
        grant_lifetime(self._path / STORE_FOLDER)
        os.chdir(self._path)
        # Holds the engine open while no call runs; stops calls, and reads texts without running them.
        self._keeper = self.handle()
        self._keeper_lock = Lock()
        self.version, self.timezone = self._keeper.run("SELECT version(), timezone()", "TSV")[0].decode().split()

    def handle(self) -> Handle:
        """Open a handle: one client's session."""
        return Handle(self._connect())

    def stop(self, handle: str) -> None:
        """Stop the statement that the handle of this name runs; does nothing when it runs none."""
        sql = f"KILL QUERY WHERE Settings['{NAME_SETTING}'] = {quote_string(handle)} ASYNC"
        with self._keeper_lock, suppress(EngineError):
            self._keeper.run(sql, "Null")

    def tokens(self, sql: str) -> list[SqlToken]:
        """Return what the engine's own lexer makes of a text, without space and comments."""
        with self._keeper_lock:
            found, _ = self._keeper.run(
                "SELECT tokenizeQuery({sql:String})", "JSONCompactEachRow", {"sql": escaped(sql)}
            )
        text = sql.encode("utf-8", "surrogateescape")
        return [
            SqlToken(token["type"], text[token["begin"] : token["end"]].decode("utf-8", "surrogateescape"))
            for token in json.loads(found)[0]
            if token["type"] not in ("Whitespace", "Comment")
        ]

    def complaint(self, sql: str) -> EngineError | None:
        """Return why the engine's parser does not take a text for one statement, None where it does; runs nothing."""
        try:
            with self._keeper_lock:
                self._keeper.run("SELECT formatQuery({sql:String})", "Null", {"sql": escaped(sql)})
        except EngineError as error:
            told, _, _ = error.message.partition(": In scope SELECT formatQuery(")
            return EngineError(f"{told} ({error.name})")
        return None

    def close(self) -> None:
        """Close the engine; all handles must be closed before."""
        with self._keeper_lock:
            self._keeper.close()
        self._lock.release()

    def _connect(self) -> Connection:
        import chdb

        try:
            place = f"{STORE_FOLDER}?config-file={CONFIG_FILE}"
            connection: Connection = chdb.connect(place)  # type: ignore[no-untyped-call] # chDB declares no types
        except RuntimeError as error:
            raise StackUnavailable(f"the ClickHouse engine does not open {self._path}: {error}") from error
        return connection
