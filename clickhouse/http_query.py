"""What a text is to the interface: an insert with rows, a statement that is refused, or one that runs, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse.engine import Outcome
from clickhouse.http_errors import RequestRefused
from clickhouse.http_formats import cut_header, is_streamed
from clickhouse.sqltext import insert_head, output_format, refused_feature, split_statements, tokens

if TYPE_CHECKING:
    from collections.abc import Generator

    from clickhouse.engine import Handle
    from clickhouse.http_request import Call
    from clickhouse.sqltext import InsertHead

HEAD_BYTES: Final = 256 * 1024
"""An insert's text before its rows ends within this; ClickHouse's own max_query_size."""

READ_ONLY: Final = "READ_ONLY"

# Of the engine's CONTROL class also what would leave the database: INTO OUTFILE, BACKUP, EXECUTE AS.
_CONTROL_ALLOWED: Final = frozenset({"SET", "USE", "KILL", "SYSTEM", "INSERT"})


@dataclass(frozen=True, slots=True)
class Insert:
    """An insert whose rows come in the body: `rows` is what of them came with the text."""

    head: InsertHead
    rows: bytes


def as_insert(text: bytes) -> Insert | None:
    """Return the insert with rows that `text` begins with, None for any other statement and an unfinished head."""
    decoded = text[:HEAD_BYTES].decode("utf-8", "surrogateescape")
    head = insert_head(decoded)
    if head is None:
        return None
    start = len(decoded[: head.data_start].encode("utf-8", "surrogateescape"))
    return Insert(head, text[start:])


def check(handle: Handle, call: Call, sql: str) -> str:
    """Return the engine's class of a statement, raising RequestRefused for what the call may not run.

    The engine's own parser decides what a statement is, so that comments and quotes cannot pass it off as another.
    """
    feature = refused_feature(sql)
    if feature is not None:
        raise RequestRefused("ACCESS_DENIED", f"{feature} would reach files or programs of the server's machine")
    query_class, count = handle.classify(sql)
    if count == 0:
        _refuse_unparsed(handle, sql)
    if count > 1:
        raise RequestRefused("SYNTAX_ERROR", "Syntax error: Multi-statements are not allowed")
    first = next(tokens(sql)).text.upper()
    if query_class == "CONTROL" and first not in _CONTROL_ALLOWED:
        raise RequestRefused("ACCESS_DENIED", f"This kind of {first} is not for users of the embedded server")
    if call.read_only and query_class != READ_ONLY and first not in ("SET", "USE"):
        message = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly"
        raise RequestRefused("READONLY", message)
    return query_class


def format_of(call: Call, sql: str) -> str:
    """Return the format of the call's answer."""
    return output_format(sql) or call.default_format


def needs_whole(call: Call, sql: str) -> bool:
    """Return whether the answer has to be built whole: by its format, or because only SELECT gives blocks."""
    first = next(tokens(sql), None)
    return first is None or not first.is_word("SELECT", "WITH", "FROM") or not is_streamed(format_of(call, sql))


def answer(handle: Handle, call: Call, sql: str) -> Generator[bytes, None, Outcome]:
    """Yield the result of a statement that `check` has passed, and return what it read and wrote."""
    if needs_whole(call, sql):
        body, outcome = handle.run(sql, call.default_format, call.parameters)
        yield body
        return outcome
    output = format_of(call, sql)
    rows = size = blocks = 0
    for block, block_rows in handle.stream(sql, call.default_format, call.parameters):
        yield cut_header(output, block) if blocks else block
        rows, size, blocks = rows + block_rows, size + len(block), blocks + 1
    if not blocks:
        # No rows, so no block brought a header, where the format has one.
        yield handle.run(sql, call.default_format, call.parameters)[0]
    return Outcome(read_rows=rows, read_bytes=size, result_rows=rows)


def _refuse_unparsed(handle: Handle, sql: str) -> None:
    """Raise the engine's own complaint about a text that is no statement, without running any of it."""
    statements = split_statements(sql)
    if not statements:
        raise RequestRefused("SYNTAX_ERROR", "Syntax error: Empty query")
    if len(statements) == 1:
        handle.run(f"EXPLAIN AST {statements[0]}", "Null")
    raise RequestRefused("SYNTAX_ERROR", "Syntax error: this is not one statement of ClickHouse's SQL")
