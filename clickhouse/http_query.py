"""Runs one call on the engine: what is refused, which way it runs, what it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse.engine import STREAMED_FORMATS, EngineError, Outcome
from clickhouse.http_errors import RequestRefused
from clickhouse.sqltext import InsertHead, insert_head, output_format, refused_feature, tokens

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from clickhouse.engine import Handle
    from clickhouse.http_request import Call

HEAD_BYTES: Final = 256 * 1024
"""An insert's text before its rows ends within this; ClickHouse's own max_query_size."""

_CONTROL_ALLOWED: Final = frozenset({"SET", "USE", "KILL", "SYSTEM", "INSERT"})


@dataclass(frozen=True, slots=True)
class Insert:
    """An insert whose rows come in the body: `rows` is what of them came with the text."""

    head: InsertHead
    rows: bytes


def as_insert(text: bytes) -> Insert | None:
    """Return the insert that `text` starts, None for another statement, or while its head is incomplete."""
    decoded = text[:HEAD_BYTES].decode("utf-8", "surrogateescape")
    head = insert_head(decoded)
    if head is None:
        return None
    start = len(decoded[: head.data_start].encode("utf-8", "surrogateescape"))
    return Insert(head, text[start:])


def check(handle: Handle, call: Call, sql: str) -> None:
    """Raise RequestRefused for what no user of the interface may run, or this call may not.

    The engine's own parser decides what a statement is, so that no trick of comments or quotes can pass it off.
    """
    if not sql.strip():
        raise RequestRefused("SYNTAX_ERROR", "Empty query")
    feature = refused_feature(sql)
    if feature is not None:
        raise RequestRefused("ACCESS_DENIED", f"{feature} would reach the files or programs of the server's machine")
    query_class, statements = handle.classify(sql)
    if query_class == "UNKNOWN":
        # Not a statement: have the engine say why, without running it.
        handle.run(f"EXPLAIN AST {sql}", "Null")
        raise RequestRefused("SYNTAX_ERROR", "Syntax error: this is not one statement of ClickHouse's SQL")
    if statements != 1:
        raise RequestRefused("SYNTAX_ERROR", "Syntax error: Multi-statements are not allowed")
    first = next(tokens(sql)).text.upper()
    if query_class == "CONTROL" and first not in _CONTROL_ALLOWED:
        raise RequestRefused("ACCESS_DENIED", f"{first} of this kind is not for users of the embedded server")
    if call.read_only and query_class != "READ_ONLY" and first not in ("SET", "USE"):
        message = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly"
        raise RequestRefused("READONLY", message)


def format_of(call: Call, sql: str) -> str:
    """Return the format of the call's answer."""
    return output_format(sql) or call.default_format


def answer(handle: Handle, call: Call, sql: str, limit: int) -> Generator[bytes, None, Outcome]:
    """Yield a statement's result and return what it read and wrote; check it before.

    `limit`: most bytes of a result whose format has to be built whole.
    """
    if format_of(call, sql) not in STREAMED_FORMATS or not next(tokens(sql)).is_word("SELECT", "WITH", "FROM"):
        handle.set({"max_result_bytes": str(limit)} if "max_result_bytes" not in call.settings else {})
        body, outcome = handle.run(sql, call.default_format, call.parameters)
        if body:
            yield body
        return outcome
    rows = size = 0
    for block, block_rows in handle.stream(sql, call.default_format, call.parameters):
        rows, size = rows + block_rows, size + len(block)
        yield block
    return Outcome(read_rows=rows, read_bytes=size, result_rows=rows)


class RunningInsert:
    """An insert that takes its rows piece by piece; leave without `finish` and it is dropped."""

    def __init__(self, handle: Handle, call: Call, insert: Insert) -> None:
        statement = insert.head.statement
        check(handle, call, f"{statement} FORMAT {insert.head.format}")
        self._inner = handle.insert(statement, insert.head.format, call.parameters)
        self.append([insert.rows])

    def append(self, pieces: Iterable[bytes]) -> None:
        """Take the next bytes of the rows."""
        try:
            for piece in pieces:
                if piece:
                    self._inner.append(piece)
        except RuntimeError as error:
            raise EngineError(str(error)) from None

    def finish(self) -> Outcome:
        """Store the rows; once this returns they are there."""
        try:
            result = self._inner.finish()
        except RuntimeError as error:
            raise EngineError(str(error)) from None
        return Outcome(written_rows=result.rows_written, written_bytes=result.bytes_written, elapsed=result.elapsed)

    def drop(self) -> None:
        """Give up: what is not finished is not promised."""
        self._inner.close()
