"""One request and its answer on the engine: blocking steps, each taken in a worker thread, one at a time.

A short body alone may be taken where the event loop runs: that neither waits nor reaches the engine.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING, Final, cast

from clickhouse.engine_handle import EngineError
from clickhouse.http_blocks import BlockDecoder, BlockEncoder
from clickhouse.http_encoding import Decoder, Encoder
from clickhouse.http_errors import RequestRefused
from clickhouse.http_query import HEAD_BYTES, as_insert, blocks_of, format_of, may_be_whole, needs_whole, whole_of
from clickhouse.http_request import read_form
from clickhouse.refusals import LITERALS_ONLY, READ_ONLY, check, may_evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clickhouse.engine import Engine
    from clickhouse.engine_handle import Handle, InsertStream, Outcome
    from clickhouse.http_query import Blocks, Insert, Way
    from clickhouse.http_request import Call
    from clickhouse.sessions import Sessions

# What is held of an answer before its head is sent: up to here an error still gets a status of its own.
HELD_BYTES: Final = 1 << 20
_MEMORY_BYTES: Final = 8 << 20
# A result of so much is asked for whole where its caller waits for the end: by blocks takes half a millisecond more.
_WHOLE_BYTES: Final = 4 << 20
_TOO_LARGE: Final = "TOO_MANY_ROWS_OR_BYTES"
# As long as any query of the project's own; to recognise what it is takes a tenth of a millisecond.
_SHORT_BYTES: Final = 16 << 10
_FORM: Final = "multipart/form-data"


@dataclass(slots=True)
class Answer:
    """An answer whose head can be sent: how it begins, the rest, and its outcome where it is complete."""

    format: str
    begin: IO[bytes]
    rest: Iterator[bytes] | None
    outcome: Outcome | None


@dataclass(slots=True, eq=False)
class Exchange:
    """Takes a request's body piece by piece, runs it, and gives the answer. Call `close` in every case."""

    engine: Engine
    sessions: Sessions
    call: Call
    content_encoding: str
    content_type: str
    coding: str
    """Content coding of the answer, "" for none."""
    may_stop: bool = False
    """Whether what runs only reads, so that nobody misses it when its client leaves."""
    _decoder: Decoder = field(init=False)
    _blocks: BlockDecoder = field(init=False)
    _encoder: Encoder | BlockEncoder = field(init=False)
    _body: bytearray = field(init=False, default_factory=bytearray)
    _found: Insert | None = field(init=False, default=None)
    _insert: InsertStream | None = field(init=False, default=None)
    _lent: Handle | None = field(init=False, default=None)
    _lending: Lock = field(init=False, default_factory=Lock)
    _closing: ExitStack = field(init=False, default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._decoder = Decoder(self.content_encoding, self.engine.limits.body_bytes)
        self._blocks = BlockDecoder(self.engine.limits.body_bytes)
        self._encoder = BlockEncoder() if self.call.blocks_out else Encoder(self.coding)

    @property
    def holds(self) -> bool:
        """Whether there is something that `close` gives back."""
        return self._lent is not None

    def is_short(self, size: int) -> bool:
        """Return whether a body of so many bytes, and none before, is taken in no time: it is text, and little."""
        is_text = not (self.content_encoding or self.call.blocks_in or self._body or self._insert)
        return is_text and size <= _SHORT_BYTES

    def take(self, chunks: Iterable[bytes], *, last: bool) -> bool:
        """Take more of the body; with its last part return whether it is an insert, which `run` only has to finish."""
        for chunk in chunks:
            for piece in self._decoder.feed(chunk):
                for plain in self._blocks.feed(piece) if self.call.blocks_in else (piece,):
                    self._take(plain)
        if last:
            self._decoder.finish()
            self._blocks.finish()
            if self.content_type.startswith(_FORM):
                self.call = self.call.with_form(read_form(self.content_type, bytes(self._body)))
                self._body.clear()
            if self._insert is None:
                self._found = as_insert(self._text())
        return self._insert is not None or self._found is not None

    def run(self) -> Answer:
        """Run the statement, once the body is complete."""
        if self._found is not None:
            self._start_insert(self._found, complete=True)
        if self._insert is not None:
            outcome = self._insert.finish()
            self.close()
            return Answer(self.call.default_format, self._spool(), None, outcome)
        sql = self._text().decode("utf-8", "surrogateescape")
        if needs_whole(self.call, sql):
            return self._ask(whole_of, _limited(self.call, self.engine.limits.result_bytes), sql)
        if may_be_whole(self.call, sql):
            try:
                return self._ask(whole_of, _limited(self.call, _WHOLE_BYTES), sql)
            except EngineError as error:
                if error.name != _TOO_LARGE or not self.may_stop:
                    raise
                self.close()
        return self._ask(blocks_of, self.call, sql)

    def broken_off(self, text: bytes) -> bytes:
        """Return the end of an answer that failed on its way, `text` telling why."""
        return self._encoder.feed(text) + self._encoder.finish()

    def stop(self) -> None:
        """Stop the statement that runs, if one does; for another thread than that which runs it."""
        with self._lending:
            if self._lent is not None:
                self.engine.stop(self._lent.name)

    def close(self) -> None:
        """Drop what is not finished and give the session back."""
        # Not while it is being stopped: its next call's statement would be stopped instead.
        with self._lending:
            self._lent = None
        self._closing.close()

    def _lend(self, call: Call) -> Handle:
        handle = self._closing.enter_context(self.sessions.lend(call))
        with self._lending:
            self._lent = handle
        return handle

    def _take(self, piece: bytes) -> None:
        if self._insert is not None:
            self._insert.append(piece)
            return
        before = len(self._body)
        self._body += piece
        # Once: a head that has not ended here is none.
        if before < HEAD_BYTES <= len(self._body) and not self.content_type.startswith(_FORM):
            insert = as_insert(self._text())
            if insert is not None:
                self._start_insert(insert, complete=False)
        if len(self._body) > self.engine.limits.text_bytes:
            message = f"The query is over {self.engine.limits.text_bytes} bytes"
            raise RequestRefused("QUERY_IS_TOO_LARGE", message)

    def _text(self) -> bytes:
        """Return the statement so far, with the rows that came with it: the URL's query, then the body."""
        query = self.call.query.encode("utf-8", "surrogateescape")
        return query + b"\n" + self._body if query and self._body else query or bytes(self._body)

    def _start_insert(self, insert: Insert, *, complete: bool) -> None:
        """Start the insert that the body begins with; `complete`: there is no more of the body."""
        if insert.head.format.lower() == "values":
            rows = insert.rows.decode("utf-8", "surrogateescape")
            if not (complete and may_evaluate(self.engine, rows)):
                self.call = replace(self.call, settings={**self.call.settings, **LITERALS_ONLY})
        handle = self._lend(self.call)
        check(self.engine, handle, self.call, f"{insert.head.statement} FORMAT {insert.head.format}")
        self._insert = handle.insert(insert.head.statement, insert.head.format, self.call.parameters)
        self._closing.callback(self._insert.drop)
        self._body.clear()
        self._insert.append(insert.rows)

    def _ask(self, way: Way, call: Call, sql: str) -> Answer:
        handle = self._lend(call)
        self.may_stop = check(self.engine, handle, call, sql) == READ_ONLY
        blocks = self._closing.enter_context(closing(self._asked(handle, way(handle, call, sql))))
        return self._begin(format_of(call, sql), blocks)

    def _asked(self, handle: Handle, blocks: Blocks) -> Blocks:
        outcome = yield from blocks
        handle.unchanged = self.may_stop
        return outcome

    def _begin(self, output: str, blocks: Blocks) -> Answer:
        """Hold the answer's beginning, or all of it where it is short or the caller waits for the end."""
        with ExitStack() as failing:
            begin = failing.enter_context(self._spool())
            ending = self._held(begin, blocks)
            failing.pop_all()
        return Answer(output, begin, self._encoded(blocks) if ending is None else None, ending)

    def _held(self, begin: IO[bytes], blocks: Blocks) -> Outcome | None:
        """Write the blocks that come before the head is sent; returns the outcome where those are all."""
        size = 0
        while self.call.wait_end or size < HELD_BYTES:
            try:
                block = next(blocks)
            except StopIteration as end:
                begin.write(self._encoder.finish())
                self.close()
                return cast("Outcome", end.value)
            size += len(block)
            if size > self.engine.limits.held_bytes:
                raise RequestRefused(_TOO_LARGE, "The result is too large to wait for: stream it")
            begin.write(self._encoder.feed(block))
        return None

    def _encoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            yield self._encoder.feed(block)
        # Before the last byte goes out: a client that has everything may use its session again.
        self.close()
        yield self._encoder.finish()

    def _spool(self) -> IO[bytes]:
        """Return a file for an answer: in memory, and on the engine's disk once it is large."""
        file = SpooledTemporaryFile(max_size=_MEMORY_BYTES, dir=".")  # noqa: SIM115 - closed when the answer is sent
        return cast("IO[bytes]", file)


def _limited(call: Call, most_bytes: int) -> Call:
    """Return the call with a limit to its result, unless it has one."""
    return replace(call, settings={"max_result_bytes": str(most_bytes), **call.settings})
