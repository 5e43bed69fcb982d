"""Content codings of request and response bodies: gzip, deflate, lz4 (frames) and zstd, in steps and within a limit."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Final, Protocol

import lz4.frame

from clickhouse.http_errors import RequestRefused

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# One step of decompression yields at most this much, so that a bomb is seen before it fills memory.
_STEP: Final = 1 << 20
_FAST: Final = 1


class _Decompressor(Protocol):
    """What lz4 and zstd decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class Decoder:
    """Undoes one content coding chunk by chunk.

    `limit`: most bytes taken in, and most given out; beyond it RequestRefused (413) is raised.
    """

    def __init__(self, coding: str, limit: int) -> None:
        if coding not in ("", "identity", *_DECOMPRESSORS):
            raise RequestRefused("NOT_IMPLEMENTED", f"Unknown compression method: {coding}")
        self._coding = coding
        self._make = _DECOMPRESSORS.get(coding)
        self._step = self._make() if self._make else None
        self._limit, self._taken, self._given = limit, 0, 0
        self._started = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the decoded pieces of the body's next chunk, a megabyte at most each."""
        self._taken += len(chunk)
        self._check(self._taken)
        if self._step is None or self._make is None:
            yield chunk
            return
        try:
            for piece in self._pieces(self._step, self._make, chunk):
                self._given += len(piece)
                self._check(self._given)
                yield piece
        except (RuntimeError, zlib.error, zstd.ZstdError, EOFError) as error:
            raise RequestRefused("CANNOT_DECOMPRESS", f"The body is not {self._coding}: {error}", status=400) from None

    def finish(self) -> None:
        """Raise RequestRefused (400) when the body ended inside a compressed frame."""
        if self._step is not None and self._started and not self._step.eof:
            raise RequestRefused("CANNOT_DECOMPRESS", "The compressed body is truncated", status=400)

    def _pieces(self, step: _Decompressor, make: Callable[[], _Decompressor], data: bytes) -> Iterator[bytes]:
        """Decompress `data`, which may hold the end of one frame and the start of the next."""
        while data or not (step.eof or step.needs_input):
            if step.eof:
                step = self._step = make()
            self._started = True
            yield step.decompress(data, _STEP)
            data = (step.unused_data or b"") if step.eof else b""

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise RequestRefused("TOO_LARGE_SIZE_COMPRESSED", f"The body is over {self._limit} bytes", status=413)


class _Zlib:
    """zlib's decompressor in the shape of the others; takes gzip and zlib headers."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        # A full step may have left output behind although all input is used up.
        return not (self._full or self._inner.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        piece = self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))
        self._full = len(piece) == max_length
        return piece


class Encoder:
    """Applies one content coding chunk by chunk; `coding` is one of `negotiate`'s answers."""

    def __init__(self, coding: str) -> None:
        self._head = b""
        self._encode: Callable[[bytes], bytes]
        self._flush: Callable[[], bytes]
        if coding == "lz4":
            frame = lz4.frame.LZ4FrameCompressor()
            self._head, self._encode, self._flush = frame.begin(), frame.compress, frame.flush
        elif coding == "zstd":
            compressor = zstd.ZstdCompressor(level=_FAST)
            self._encode, self._flush = compressor.compress, compressor.flush
        elif coding in ("gzip", "deflate"):
            deflate = zlib.compressobj(_FAST, wbits=zlib.MAX_WBITS | (16 if coding == "gzip" else 0))
            self._encode, self._flush = deflate.compress, deflate.flush
        else:
            self._encode, self._flush = bytes, bytes

    def feed(self, chunk: bytes) -> bytes:
        """Return what is ready of the encoded body after one more chunk; may be empty."""
        head, self._head = self._head, b""
        return head + self._encode(chunk)

    def finish(self) -> bytes:
        """Return the rest of the encoded body."""
        head, self._head = self._head, b""
        return head + self._flush()


def negotiate(accept_encoding: str) -> str:
    """Return the coding to answer in, "" for none: the cheapest to make of those the client takes."""
    accepted = {}
    for part in accept_encoding.lower().split(","):
        name, _, rest = part.strip().partition(";")
        accepted[name.strip()] = rest.replace(" ", "") not in ("q=0", "q=0.0")
    return next((coding for coding in ("lz4", "zstd", "gzip", "deflate") if accepted.get(coding)), "")


_DECOMPRESSORS: Final[dict[str, Callable[[], _Decompressor]]] = {
    "gzip": _Zlib,
    "deflate": _Zlib,
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
}
