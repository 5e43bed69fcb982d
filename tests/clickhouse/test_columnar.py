"""Column-wise decoding: the same rows as record by record, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from clickhouse_connect.driver import ctypes as driver_ctypes
from clickhouse_connect.driver.query import QueryContext, QueryResult
from clickhouse_connect.driver.transform import NativeTransform
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.avro_columns import NotColumnar, read_columns
from clickhouse.batches import Batch, Waiting
from clickhouse.columnar import COLUMNAR_TABLES, Columnar
from clickhouse.decoding import STRETCHES_PER_INSERT, decode
from clickhouse.native import leb128
from clickhouse.rows import Route, routes
from schemas.codec import Codec
from schemas.registry import ManifestIds
from tests.schemas.samples import SAMPLES, any_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

IDS = ManifestIds()
CODEC = Codec(IDS)
COLUMNAR = Columnar(IDS, CODEC, least_records=1)
ROUTES = {route.topic.name: route for route in routes() if route.table.name in COLUMNAR_TABLES}

EDGES = [0, 1, -1, 63, 64, -64, -65, 2**31, 2**62, -(2**63), 2**63 - 1]
TEXTS = ["", "a", "é", "\N{CLAPPER BOARD}", "x" * 127, "x" * 128, "é" * 9_000, "\x00"]


def batch_of(route: Route, records: Sequence[tuple[bytes | None, bytes | None]]) -> Batch:
    """Return a batch of these keys and values, with every third offset missing."""
    waiting = Waiting(route, 3, 1, 10)
    for index, (key, value) in enumerate(records):
        waiting.add(10 + index * 3 // 2, key, value, 1_700_000_000_000 + index)
    return waiting.take(len(records))


def encoded(topic: str, key: Any, value: Any) -> tuple[bytes | None, bytes | None]:
    """Return a record as its producer writes it."""
    return (
        CODEC.encode(f"{topic}-key", key),
        None if value is None else CODEC.encode(f"{topic}-value", value),
    )


def rows_in(data: bytes) -> list[tuple[Any, ...]]:
    """Return the rows of a Native block, read by ClickHouse's own driver, instants and days as numbers."""

    class Source:
        exception_tag = None
        gen = iter([data])

        def close(self) -> None:
            """Nothing to close."""

    buffer = driver_ctypes.RespBuffCls(Source())  # type: ignore[no-untyped-call] # compiled, so without types
    result = NativeTransform().parse_response(buffer, QueryContext(query_formats={"Date*": "int"}))
    assert isinstance(result, QueryResult)
    return [tuple(row) for row in result.result_set]


def expected(batch: Batch) -> list[tuple[Any, ...]] | None:
    """Return the rows decoded one by one, None when one is rejected."""
    whole, rejected = decode(batch, CODEC)
    return None if rejected else list(whole.rows)


def is_wide(batch: Batch, rows: Sequence[tuple[Any, ...]]) -> bool:
    """Return whether the rows may lie in more partitions of their table than one insert may touch."""
    by, names = batch.route.table.partitioned_by, batch.route.table.column_names
    values = [row[names.index(by.column)] for row in rows] if by else [0]
    return by is not None and max(values) - min(values) >= by.width * (STRETCHES_PER_INSERT - 1)


@pytest.mark.parametrize("topic", ROUTES)
@given(data=st.data())
def test_any_batch_gives_the_rows_of_record_by_record_or_none(topic: str, data: st.DataObject) -> None:
    """For whatever records the schema allows, the block holds exactly the rows of the careful way, or there is none."""
    key, value = any_record(f"{topic}-key"), any_record(f"{topic}-value")
    values = st.one_of(st.none(), value) if topic == "movie.mentions" else value
    batch = batch_of(
        ROUTES[topic],
        [encoded(topic, *record) for record in data.draw(st.lists(st.tuples(key, values), min_size=1, max_size=20))],
    )

    block = COLUMNAR.block_of(batch)

    rows = expected(batch)
    assert (block is None) == (rows is None or is_wide(batch, rows))
    assert block is None or rows_in(block.data) == rows


@pytest.mark.parametrize("topic", ROUTES)
@given(damage=st.data())
def test_damaged_bytes_never_pass(topic: str, damage: st.DataObject) -> None:
    """A byte changed, cut or added anywhere gives the rows of the careful way or no block: never others."""
    good = encoded(topic, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"])
    key, value = good[0] or b"", good[1] or b""
    place = damage.draw(st.integers(0, len(value) - 1))
    change = damage.draw(st.sampled_from(["flip", "cut", "insert", "append"]))
    byte = damage.draw(st.binary(min_size=1, max_size=3))
    broken = {
        "flip": value[:place] + byte[:1] + value[place + 1 :],
        "cut": value[:place],
        "insert": value[:place] + byte + value[place:],
        "append": value + byte,
    }[change]
    batch = batch_of(ROUTES[topic], [good, (key, broken), good])

    block = COLUMNAR.block_of(batch)

    assert block is None or rows_in(block.data) == expected(batch)


def edge_mentions() -> Iterator[tuple[bytes | None, bytes | None]]:
    """Yield mentions at the edges of numbers and texts, and a tombstone between them."""
    key, mention = SAMPLES["movie.mentions-key"], SAMPLES["movie.mentions-value"]
    for number in EDGES:
        yield encoded("movie.mentions", replace(key, tmdb_id=number), replace(mention, score=number))
    yield encoded("movie.mentions", key, None)
    for text in TEXTS:
        yield encoded("movie.mentions", replace(key, post_id=text), replace(mention, community=text, thread_id=text))
    yield encoded("movie.mentions", key, replace(mention, thread_id=None, num_comments=2**40, confidence=1.0))


def test_edges_of_numbers_and_texts() -> None:
    """Numbers of one to ten bytes and texts with one- to three-byte lengths come through unchanged."""
    batch = batch_of(ROUTES["movie.mentions"], list(edge_mentions()))

    block = COLUMNAR.block_of(batch)

    assert block is not None
    assert rows_in(block.data) == expected(batch)


def test_texts_that_are_valid_only_together_are_refused() -> None:
    """A character split over two records is no UTF-8 in either, though the two texts are one after the other."""
    key, value = encoded("movie.mentions", SAMPLES["movie.mentions-key"], SAMPLES["movie.mentions-value"])
    assert key is not None
    assert value is not None
    halves = [value.replace(b"movies", half) for half in (b"movie\xc3", b"\xa9ovies")]
    batch = batch_of(ROUTES["movie.mentions"], [(key, half) for half in halves])

    assert COLUMNAR.block_of(batch) is None
    assert expected(batch) is None


@pytest.mark.parametrize(
    "number",
    [b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x02", b"\x80" * 3],
    ids=["eleven bytes", "more than 64 bits", "never ends"],
)
def test_number_that_is_no_long_is_refused(number: bytes) -> None:
    """Variable-length integers that do not fit, or do not end, are not read as something else."""
    with pytest.raises(NotColumnar):
        read_columns({"type": "long"}, [b"h" + number], b"h")


@pytest.mark.parametrize(
    "schema",
    [{"type": "bytes"}, {"type": "record", "fields": [{"name": "a", "type": ["null", "long", "string"]}]}],
    ids=["bytes", "three branches"],
)
def test_schema_that_is_not_flat_is_refused(schema: dict[str, Any]) -> None:
    """Types that the columns do not know are left to the careful way."""
    with pytest.raises(NotColumnar):
        read_columns(schema, [b"h\x00"], b"h")


def test_record_with_another_header_is_refused() -> None:
    """A record written with another schema version is decoded the careful way, with that version."""
    with pytest.raises(NotColumnar):
        read_columns({"type": "long"}, [b"h\x02", b"i\x02"], b"h")


def test_small_batches_are_left_to_record_by_record() -> None:
    """A trickle is not worth numpy's overhead."""
    batch = batch_of(ROUTES["movie.mentions"], list(edge_mentions()))

    assert Columnar(IDS, CODEC).block_of(batch) is None


def test_block_of_counts_tells_how_old_their_observations_are() -> None:
    """Freshness is measured from the block as from rows."""
    key, count = SAMPLES["movie.mention_counts-key"], SAMPLES["movie.mention_counts-value"]
    observed = [1_700_000_000_000, 1_700_000_000_001]
    batch = batch_of(
        ROUTES["movie.mention_counts"],
        [encoded("movie.mention_counts", key, replace(count, oldest_observed_at=instant)) for instant in observed],
    )

    block = COLUMNAR.block_of(batch)

    assert block is not None
    assert block.oldest_observed == observed


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16_384, 2**35])
def test_leb128(number: int) -> None:
    """Seven bits a byte, the lowest first, a high bit on all but the last."""
    encoded_number = leb128(number)

    assert sum((byte & 127) << (7 * index) for index, byte in enumerate(encoded_number)) == number
    assert [byte >> 7 for byte in encoded_number] == [1] * (len(encoded_number) - 1) + [0]
    assert np.frombuffer(encoded_number, np.uint8).size == max(1, -(-number.bit_length() // 7))
