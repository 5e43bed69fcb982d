"""One request and its answer on the engine: blocking steps, each taken in a worker thread, one at a time."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final
from uuid import uuid4

from clickhouse.engine import Outcome
from clickhouse.http_encoding import Decoder, Encoder
from clickhouse.http_errors import RequestRefused
from clickhouse.http_query import HEAD_BYTES, RunningInsert, answer, as_insert, check, format_of
from clickhouse.http_request import read_form

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from threading import Semaphore

    from clickhouse.engine import Engine
    from clickhouse.http_request import Call
    from clickhouse.sessions import Sessions

# What is held of an answer before its head is sent: up to here errors still get a status of their own.
HELD_BYTES: Final = 1 << 20
_SPOOL_BYTES: Final = 8 << 20
_SLOT_SECONDS: Final = 10.0


@dataclass(slots=True)
class Answer:
    """An answer whose head can be sent: what it begins with, the rest, and the outcome where it is complete."""

    format: str
    begin: IO[bytes]
    rest: Iterator[bytes] | None
    outcome: Outcome | None


@dataclass(slots=True)
class Exchange:
    """Takes a body piece by piece, runs it, and gives the answer; `close` in every case.

    `slots` bounds how many statements other than inserts from bodies run at once.
    """

    engine: Engine
    sessions: Sessions
    slots: Semaphore
    call: Call
    content_encoding: str
    content_type: str
    coding: str
    name: str = field(default_factory=lambda: uuid4().hex)
    _decoder: Decoder = field(init=False)
    _encoder: Encoder = field(init=False)
    _text: bytearray = field(init=False)
    _insert: RunningInsert | None = field(init=False, default=None)
    _closing: ExitStack = field(init=False, default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._decoder = Decoder(self.content_encoding, self.engine.limits.body_bytes)
        self._encoder = Encoder(self.coding)
        self._text = bytearray(self.call.query.encode("utf-8", "surrogateescape"))

    def step(self, chunks: Iterable[bytes], *, last: bool) -> Answer | None:
        """Take more of the body; with its last part run the statement and return the answer."""
        for chunk in chunks:
            self._take(self._decoder.feed(chunk))
        if not last:
            return None
        self._decoder.finish()
        if self.content_type.startswith("multipart/form-data"):
            body = bytes(self._text[len(self.call.query.encode("utf-8", "surrogateescape")) :]).lstrip(b"\n")
            self.call = self.call.with_form(read_form(self.content_type, body))
            self._text = bytearray(self.call.query.encode("utf-8", "surrogateescape"))
        if self._insert is None:
            self._start_insert()
        return self._finish_insert() if self._insert is not None else self._query()

    def close(self) -> None:
        """Drop what is not finished and give the session back."""
        self._closing.close()

    def _take(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            if self._insert is not None:
                self._insert.append([piece])
                continue
            if self.call.query and len(self._text) == len(self.call.query.encode("utf-8", "surrogateescape")) and piece:
                self._text += b"\n"
            self._text += piece
            if len(self._text) >= HEAD_BYTES and not self.content_type.startswith("multipart/"):
                self._start_insert()

    def _start_insert(self) -> None:
        insert = as_insert(bytes(self._text))
        if insert is not None:
            handle = self._closing.enter_context(self.sessions.lend(self.call, self.name))
            self._insert = RunningInsert(handle, self.call, insert)
            self._closing.callback(self._insert.drop)
            self._text.clear()

    def _finish_insert(self) -> Answer:
        assert self._insert is not None  # noqa: S101 - for the type checker: the caller has looked
        outcome = self._insert.finish()
        self.close()
        return Answer(self.call.default_format, self._spool([]), None, outcome)

    def _query(self) -> Answer:
        if not self.slots.acquire(timeout=_SLOT_SECONDS):
            message = f"Too many simultaneous queries: none of the running ones ended within {_SLOT_SECONDS:g} s"
            raise RequestRefused("TOO_MANY_SIMULTANEOUS_QUERIES", message, status=503)
        self._closing.callback(self.slots.release)
        sql = bytes(self._text).decode("utf-8", "surrogateescape")
        handle = self._closing.enter_context(self.sessions.lend(self.call, self.name))
        check(handle, self.call, sql)
        blocks = self._closing.enter_context(closing(answer(handle, self.call, sql, self.engine.limits.body_bytes)))
        return self._begin(format_of(self.call, sql), blocks)

    def _begin(self, output: str, blocks: Generator[bytes, None, Outcome]) -> Answer:
        """Hold the answer's beginning, or all of it where the caller waits for the end or it is short."""
        begin = self._spool([])
        size = 0
        try:
            while self.call.wait_end or size < HELD_BYTES:
                block = next(blocks)
                size += len(block)
                begin.write(self._encoder.feed(block))
        except StopIteration as end:
            begin.write(self._encoder.finish())
            self.close()
            return Answer(output, begin, None, end.value)
        return Answer(output, begin, self._encoded(blocks), None)

    def _encoded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            yield self._encoder.feed(block)
        yield self._encoder.finish()

    def broken_off(self, text: bytes) -> bytes:
        """Return the end of an answer that failed on its way, `text` telling why."""
        return self._encoder.feed(text) + self._encoder.finish()

    def _spool(self, parts: Iterable[bytes]) -> IO[bytes]:
        file = SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - the answer's reader closes it
        for part in parts:
            file.write(part)
        return file  # type: ignore[return-value]  # SpooledTemporaryFile is not declared as IO
