"""ClickHouse's compressed blocks: the engine's own checksums, and nothing broken taken for data."""

from __future__ import annotations

import sys
from pathlib import Path
from struct import pack, unpack_from
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.cityhash import city_hash_128
from clickhouse.client import connect
from clickhouse.http_blocks import BLOCK_BYTES, BlockDecoder, BlockEncoder
from clickhouse.http_errors import RequestRefused

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cinepulse.settings import Settings


def encode(*pieces: bytes) -> bytes:
    """Return the pieces as one body of blocks."""
    encoder = BlockEncoder()
    return b"".join(map(encoder.feed, pieces)) + encoder.finish()


def decode(chunks: Iterable[bytes], limit: int = 10 * BLOCK_BYTES) -> bytes:
    """Return the plain data of a body."""
    decoder = BlockDecoder(limit)
    plain = b"".join(piece for chunk in chunks for piece in decoder.feed(chunk))
    decoder.finish()
    return plain


def block(method: int, data: bytes, size: int) -> bytes:
    """Return one block with a right checksum."""
    rest = pack("<BII", method, 9 + len(data), size) + data
    return pack("<QQ", *city_hash_128(rest)) + rest


def test_checksums_are_the_engines(clickhouse_settings: Settings) -> None:
    """The blocks in which the engine stores columns, of all sizes up to 300 bytes and some larger, have this hash."""
    if not (clickhouse_settings.data_dir / "clickhouse" / "store").exists():
        pytest.skip("a server elsewhere keeps its files to itself")
    client = connect(clickhouse_settings)
    client.command(
        "CREATE TABLE t (size UInt32, s String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple() PARTITION BY size"
    )
    insert = "INSERT INTO t SELECT number AS size, randomString(number) FROM numbers({first:UInt32}, {count:UInt32})"
    for first, count in ((0, 75), (75, 75), (150, 75), (225, 75), (70_000, 2)):
        client.command(insert, parameters={"first": first, "count": count})

    sizes = set()
    for (path,) in client.query("SELECT path FROM system.parts WHERE database = currentDatabase()").result_rows:
        stored, position = Path(path, "data.bin").read_bytes(), 0
        while position < len(stored):
            (length,) = unpack_from("<I", stored, position + 17)
            rest = stored[position + 16 : position + 16 + length]
            assert city_hash_128(rest) == unpack_from("<QQ", stored, position), path
            sizes.add(length)
            position += 16 + length

    assert len(sizes) > 300
    assert max(sizes) > 70_000


@given(st.lists(st.binary(max_size=3000), max_size=4), st.integers(min_value=1, max_value=2000))
def test_a_body_comes_back(pieces: list[bytes], cut: int) -> None:
    """What the encoder makes, cut anywhere, the decoder turns back."""
    body = encode(*pieces)

    assert decode(body[start : start + cut] for start in range(0, len(body), cut)) == b"".join(pieces)


def test_large_bodies_are_cut_in_blocks() -> None:
    """A body larger than a block comes in several, none larger than ClickHouse makes them."""
    plain = bytes(range(256)) * (BLOCK_BYTES // 100)
    body = encode(plain)

    (first_size,) = unpack_from("<I", body, 21)
    assert first_size == BLOCK_BYTES
    assert decode([body]) == plain


def test_other_methods_are_read() -> None:
    """Blocks may be stored plain or in zstd too."""
    assert decode([block(0x02, b"plain", 5) + block(0x90, zstd.compress(b"zstd"), 4)]) == b"plainzstd"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (encode(b"abc")[:-1], 400),
        (encode(b"abc") + b"\0", 400),
        (b"\1" + encode(b"abc")[1:], 400),
        (block(0x77, b"abc", 3), 400),
        (block(0x02, b"abc", 4), 400),
        (block(0x82, b"\xff" * 30, 100), 400),
        (block(0x90, b"not zstd", 100), 400),
        (bytes(16) + pack("<BII", 0x82, 3, 1), 400),
        (bytes(16) + pack("<BII", 0x82, 2**32 - 1, 1), 400),
        (bytes(16) + pack("<BII", 0x82, 10, 2**32 - 1), 400),
        (bytes(16) + pack("<BII", 0x82, 10, 11 * BLOCK_BYTES), 413),
        (encode(bytes(BLOCK_BYTES)) * 11, 413),
        (b"INSERT INTO t FORMAT CSV\n1,2\n" * 3, 400),
    ],
)
def test_what_is_no_block_is_refused(body: bytes, status: int) -> None:
    """Truncated, altered, impossible and oversized bodies are refused before they take memory."""
    with pytest.raises(RequestRefused) as refused:
        decode([body])

    assert refused.value.status == status
