"""ClickHouse's own compression of bodies (`compress=1`, `decompress=1`), which its JDBC driver and SQL clients use.

A body is a row of blocks: 16 bytes CityHash128 of the rest, then one byte for the method, 4 bytes for the size of the
compressed data and these 9 bytes, 4 bytes for the size of the plain data (both little-endian), and the data.
"""

from __future__ import annotations

import sys
from struct import Struct
from typing import TYPE_CHECKING, Final

import lz4.block

from clickhouse.cityhash import city_hash_128
from clickhouse.http_errors import RequestRefused

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES: Final = 1 << 20
"""Plain bytes of a block at most, as ClickHouse writes them."""

_CHECKSUM: Final = Struct("<QQ")
_HEADER: Final = Struct("<BII")
_HEAD_BYTES: Final = _CHECKSUM.size + _HEADER.size
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
# A block as large as this is none that a client makes.
_MOST_BYTES: Final = 64 * BLOCK_BYTES


class BlockEncoder:
    """Compresses an answer to LZ4 blocks."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, chunk: bytes) -> bytes:
        """Return the blocks that are full after one more chunk; may be empty."""
        self._held += chunk
        blocks = []
        while len(self._held) >= BLOCK_BYTES:
            blocks.append(_block(bytes(self._held[:BLOCK_BYTES])))
            del self._held[:BLOCK_BYTES]
        return b"".join(blocks)

    def finish(self) -> bytes:
        """Return the last block."""
        return _block(bytes(self._held)) if self._held else b""


class BlockDecoder:
    """Decompresses a body of blocks; beyond `limit` plain bytes it raises RequestRefused (413)."""

    def __init__(self, limit: int) -> None:
        self._held = bytearray()
        self._left = limit

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the plain data of the blocks that are complete after one more chunk."""
        self._held += chunk
        while len(self._held) >= _HEAD_BYTES:
            method, size, plain_size = _HEADER.unpack_from(self._held, _CHECKSUM.size)
            if not _HEADER.size <= size <= _MOST_BYTES or plain_size > _MOST_BYTES:
                raise _broken("impossible sizes")
            if plain_size > self._left:
                raise RequestRefused("TOO_LARGE_SIZE_COMPRESSED", "The decompressed body is too large", status=413)
            end = _CHECKSUM.size + size
            if len(self._held) < end:
                return
            block = bytes(self._held[_CHECKSUM.size : end])
            if city_hash_128(block) != _CHECKSUM.unpack_from(self._held):
                raise _broken("the checksum does not match")
            del self._held[:end]
            self._left -= plain_size
            yield _plain(method, block[_HEADER.size :], plain_size)

    def finish(self) -> None:
        """Raise RequestRefused (400) when the body ended inside a block."""
        if self._held:
            raise _broken("it is truncated")


def _block(plain: bytes) -> bytes:
    data: bytes = lz4.block.compress(plain, store_size=False)
    rest = _HEADER.pack(_LZ4, _HEADER.size + len(data), len(plain)) + data
    return _CHECKSUM.pack(*city_hash_128(rest)) + rest


def _plain(method: int, data: bytes, size: int) -> bytes:
    try:
        if method == _LZ4:
            plain = bytes(lz4.block.decompress(data, uncompressed_size=size))
        elif method == _ZSTD:
            plain = zstd.ZstdDecompressor().decompress(data, size)
        elif method == _NONE:
            plain = data
        else:
            raise _broken(f"compression method {method:#x} is not known")
    except (lz4.block.LZ4BlockError, zstd.ZstdError) as error:
        raise _broken(str(error)) from None
    if len(plain) != size:
        raise _broken("a block is shorter than it says")
    return plain


def _broken(why: str) -> RequestRefused:
    return RequestRefused("CANNOT_DECOMPRESS", f"The body is not in ClickHouse's compressed blocks: {why}", status=400)
