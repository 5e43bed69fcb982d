"""What a text is to the interface: an insert whose rows come with it, or a statement, and how its answer comes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from clickhouse.engine_handle import Outcome
from clickhouse.http_formats import cut_header, has_header, is_streamed
from clickhouse.sqltext import insert_head, output_format, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from clickhouse.engine_handle import Handle
    from clickhouse.http_request import Call
    from clickhouse.sqltext import InsertHead

Blocks: TypeAlias = "Generator[bytes, None, Outcome]"
"""The parts of an answer, and at their end what the statement read and wrote."""

Way: TypeAlias = "Callable[[Handle, Call, str], Blocks]"
"""How a statement's answer comes."""

# Settings that say what becomes of a large result.
_LIMITS: Final = ("max_result_", "result_overflow_mode")

HEAD_BYTES: Final = 256 * 1024
"""An insert's text before its rows ends within this; ClickHouse's own max_query_size."""


# A client's queries are few and come again with other parameters; what is longer is asked once, and large to keep.
_REMEMBERED: Final = 512
_REMEMBERED_LETTERS: Final = 16 << 10


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


def format_of(call: Call, sql: str) -> str:
    """Return the format of the call's answer."""
    named = _remembered_format(sql) if len(sql) <= _REMEMBERED_LETTERS else output_format(sql)
    return named or call.default_format


# To find it takes longer than a short query does.
_remembered_format = lru_cache(_REMEMBERED)(output_format)


def needs_whole(call: Call, sql: str) -> bool:
    """Return whether the answer has to be built whole: by its format, or because only SELECT gives blocks."""
    first = next(tokens(sql), None)
    return first is None or not first.is_word("SELECT", "WITH", "FROM") or not is_streamed(format_of(call, sql))


def may_be_whole(call: Call, sql: str) -> bool:
    """Return whether the answer to a SELECT may be asked for whole, and by blocks where it is larger than a limit.

    Its caller has to wait for the end anyway, and to leave it to the interface what becomes of a large result. What a
    session runs is run once.
    """
    limits = (*call.settings, sql.lower())
    return call.wait_end and call.session_id is None and not any(word in text for text in limits for word in _LIMITS)


def whole_of(handle: Handle, call: Call, sql: str) -> Blocks:
    """Yield the whole result of a checked statement, and return what it read and wrote."""
    body, outcome = handle.run(sql, call.default_format, call.parameters)
    yield body
    return outcome


def blocks_of(handle: Handle, call: Call, sql: str) -> Blocks:
    """Yield the result of a checked SELECT block by block, and return what it gave."""
    output = format_of(call, sql)
    rows = size = blocks = 0
    for block, block_rows in handle.stream(sql, call.default_format, call.parameters):
        yield cut_header(output, block) if blocks else block
        rows, size, blocks = rows + block_rows, size + len(block), blocks + 1
    if not blocks and has_header(output):
        # No rows, so no block brought the header.
        yield handle.run(sql, call.default_format, call.parameters)[0]
    # The engine tells no more of a streamed result than what it gave.
    return Outcome(read_rows=rows, read_bytes=size, result_rows=rows)
