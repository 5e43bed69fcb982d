"""Decoding a batch: rows, rejects, and pieces that touch few enough partitions of the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.batches import Batch, Waiting
from clickhouse.decoding import STRETCHES_PER_INSERT, Piece, decode, pieces
from clickhouse.rows import routes
from schemas.codec import Codec
from schemas.registry import ManifestIds
from tests.schemas.samples import SAMPLES

CODEC = Codec(ManifestIds())
ROUTES = {route.topic.name: route for route in routes()}
KEY, MENTION = SAMPLES["movie.mentions-key"], SAMPLES["movie.mentions-value"]
PARTITIONS_ALLOWED = 100


def mentions(created: list[int]) -> Piece:
    """Return the decoded batch of mentions written at these instants."""
    waiting = Waiting(ROUTES["movie.mentions"], 0, 0, 0)
    value = CODEC.encode("movie.mentions-value", MENTION)
    for offset, instant in enumerate(created):
        waiting.add(offset, CODEC.encode("movie.mentions-key", replace(KEY, created_at=instant)), value, 1)
    return decode(waiting.take(len(created)), CODEC)[0]


def batch_of(topic: str, values: list[bytes | None]) -> Batch:
    """Return a batch of records with the sample's key and these values, from offset 5."""
    waiting = Waiting(ROUTES[topic], 2, 0, 5)
    for offset, value in enumerate(values, start=5):
        waiting.add(offset, CODEC.encode(f"{topic}-key", SAMPLES[f"{topic}-key"]), value, 1)
    return waiting.take(100)


def test_poison_is_set_apart_and_the_rest_becomes_rows() -> None:
    """A broken record between good ones costs nobody else, and keeps its bytes, place and reason."""
    good = CODEC.encode("movie.mentions-value", MENTION)

    whole, (rejected,) = decode(batch_of("movie.mentions", [good, good[:-3], good]), CODEC)

    assert (whole.offsets, len(whole.rows), whole.first, whole.last) == ([5, 7], 2, 5, 7)
    assert (rejected.source, rejected.record.partition, rejected.record.offset) == ("movie.mentions", 2, 6)
    assert (rejected.reason, rejected.record.value) == ("corrupt_record", good[:-3])


def test_a_letter_that_was_taken_back_is_no_row_and_no_failure() -> None:
    """Its tombstone takes bytes out of the topic, which the table never had; elsewhere a null value is poison."""
    letter = CODEC.encode("pipeline.dead_letters-value", SAMPLES["pipeline.dead_letters-value"])

    whole, rejected = decode(batch_of("pipeline.dead_letters", [letter, None]), CODEC)
    _, (poison,) = decode(batch_of("pipeline.coverage", [None]), CODEC)

    assert (whole.offsets, whole.first, whole.last, rejected) == ([5], 5, 6, [])
    assert poison.reason == "invalid_record"


def test_cut_pieces_tile_the_range() -> None:
    """Cutting keeps every row and covers the same offsets, so that the parts' tokens differ from the whole's."""
    whole = mentions([1_000 * number for number in range(5)])

    left, right = whole.cut(2)

    assert [*left.rows, *right.rows] == whole.rows
    assert (left.first, left.last, right.first, right.last) == (0, 1, 2, 4)
    assert len({whole.token, left.token, right.token}) == 3


@pytest.mark.parametrize("months", [1, 62, 200])
def test_rows_of_many_months_are_cut_below_the_insert_limit(months: int) -> None:
    """Posts of many years never touch more partitions in one insert than ClickHouse allows, and none is lost."""
    created = [
        int(datetime(2008 + month // 12, month % 12 + 1, day, tzinfo=UTC).timestamp() * 1_000)
        for month in range(months)
        for day in (1, 28)
    ]

    found = pieces(mentions(created))

    assert [row[3] for piece in found for row in piece.rows] == created
    assert all(len(months_of(piece)) < PARTITIONS_ALLOWED for piece in found)
    assert len(found) <= 2 + months // STRETCHES_PER_INSERT


@given(created=st.lists(st.integers(0, 5_000_000_000_000), min_size=1, max_size=200))
def test_rows_in_any_order_are_cut_below_the_insert_limit(created: list[int]) -> None:
    """The bound holds for instants in any order, and the pieces' ranges tile the batch's."""
    found = pieces(mentions(created))

    assert all(piece.rows and len(months_of(piece)) < PARTITIONS_ALLOWED for piece in found)
    assert [piece.first for piece in found] == [0, *(piece.last + 1 for piece in found[:-1])]
    assert found[-1].last == len(created) - 1


def months_of(piece: Piece) -> set[str]:
    """Return the months, and so the table's partitions, that the rows lie in."""
    return {datetime.fromtimestamp(row[3] / 1_000, UTC).strftime("%Y%m") for row in piece.rows}
