"""Batches: contiguous ranges, tokens, quotas, and few enough partitions for one insert."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.batches import STRETCHES_PER_INSERT, Batch, Waiting, cut, quotas
from clickhouse.rows import Route, routes
from tests.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from schemas.events import DeadLetter

ROUTES = {route.topic.name: route for route in routes()}
LETTER: DeadLetter = SAMPLES["pipeline.dead_letters-value"]
PARTITIONS_ALLOWED = 100


def waiting(topic: str = "tmdb.movies", position: int = 0) -> Waiting:
    """Return a partition that has read nothing yet."""
    return Waiting(ROUTES[topic], 1, 0, position)


def mention(created_at: int) -> tuple[object, ...]:
    """Return as much of a mention's row as batches look at."""
    return (1, "reddit", "t1_a", created_at)


def test_batch_covers_from_the_position_to_the_last_record() -> None:
    """A batch begins where the one before ended, holes of compaction and rejected records within."""
    partition = waiting(position=10)
    for offset in (12, 15):
        partition.add(offset, (offset,), 1)
    partition.reject(17, LETTER)

    batch = partition.take(100)

    assert (batch.first, batch.last, list(batch.offsets)) == (10, 17, [12, 15])
    assert batch.letters == (LETTER,)
    assert (partition.position, len(partition), partition.due) == (18, 0, False)


def test_batches_of_one_partition_join_without_gap_or_overlap() -> None:
    """Whatever the limits, consecutive batches tile the offsets, and rows and letters lie in their own batch."""
    partition = waiting()
    for offset in range(0, 40, 2):
        partition.add(offset, (offset,), 1)
        partition.reject(offset + 1, LETTER)

    batches = []
    while partition.due:
        batches.append(partition.take(7))

    assert batches[0].first == 0
    assert batches[-1].last == 39
    assert all(before.last + 1 == after.first for before, after in zip(batches, batches[1:], strict=False))
    assert [row[0] for batch in batches for row in batch.rows] == list(range(0, 40, 2))
    assert [len(batch.letters) for batch in batches] == [7, 7, 6]


def test_token_names_the_range_and_the_epoch() -> None:
    """The same range of the same topic gives the same token, another epoch another one."""
    first, again, anew = (Batch(ROUTES["movie.mentions"], 2, epoch, 5, 9, (), ()) for epoch in (0, 0, 1))

    assert first.token == again.token == "mentions:0:movie.mentions:2:5-9"
    assert anew.token == "mentions:1:movie.mentions:2:5-9"


def test_halves_split_rows_and_tile_the_range() -> None:
    """Bisecting keeps every row and covers the same offsets, so the halves' tokens differ from the whole's."""
    batch = Batch(ROUTES["movie.mentions"], 0, 0, 0, 9, (1, 4, 8), (("a",), ("b",), ("c",)))

    left, right = batch.halves()

    assert [*left.rows, *right.rows] == list(batch.rows)
    assert (left.first, left.last, right.first, right.last) == (0, 3, 4, 9)


@given(sizes=st.lists(st.integers(0, 1_000), max_size=20), limit=st.integers(0, 2_000))
def test_quotas_fill_the_limit_and_favour_the_small(sizes: list[int], limit: int) -> None:
    """Quotas never pass the limit or a size, use all there is room for, and cut no one below an equal share."""
    given_out = quotas(sizes, limit)

    assert sum(given_out) == min(sum(sizes), limit)
    assert all(0 <= quota <= size for quota, size in zip(given_out, sizes, strict=True))
    fair = limit // max(1, len(sizes))
    assert all(quota >= min(size, fair) for quota, size in zip(given_out, sizes, strict=True))


def test_cut_lets_a_trickle_pass_beside_a_flood() -> None:
    """A bulk load in one topic leaves a small partition whole within the same limit."""
    flood, trickle, idle = waiting("tmdb.popularity"), waiting("tmdb.movies"), waiting()
    for offset in range(1_000):
        flood.add(offset, (1, 0), 1)
    for offset in range(3):
        trickle.add(offset, (offset,), 1)

    batches = cut([flood, trickle, idle], 100)

    assert [len(batch.rows) for batch in batches] == [97, 3]


def test_cut_takes_letters_without_rows() -> None:
    """A partition with nothing but rejected records still moves on."""
    rejected = waiting()
    rejected.reject(0, LETTER)

    (batch,) = cut([rejected], 10)

    assert (batch.first, batch.last, len(batch.rows), len(batch.letters)) == (0, 0, 0, 1)


@pytest.mark.parametrize("months", [1, 62, 200])
def test_rows_of_many_months_are_cut_below_the_insert_limit(months: int) -> None:
    """Posts of many years never touch more partitions in one insert than ClickHouse allows, and none is lost."""
    partition = waiting("movie.mentions")
    created = [
        int(datetime(2008 + month // 12, month % 12 + 1, day, tzinfo=UTC).timestamp() * 1_000)
        for month in range(months)
        for day in (1, 28)
    ]
    for offset, instant in enumerate(created):
        partition.add(offset, mention(instant), 1)

    batches = []
    while partition.due:
        batches.append(partition.take(50_000))

    assert sum(len(batch.rows) for batch in batches) == len(created)
    for batch in batches:
        touched = {datetime.fromtimestamp(row[3] / 1_000, UTC).strftime("%Y%m") for row in batch.rows}
        assert len(touched) < PARTITIONS_ALLOWED
    assert len(batches) <= 2 + months // STRETCHES_PER_INSERT


@given(created=st.lists(st.integers(0, 5_000_000_000_000), min_size=1, max_size=300))
def test_rows_in_any_order_are_cut_below_the_insert_limit(created: list[int]) -> None:
    """The bound holds for instants in any order, and every batch makes progress."""
    partition = waiting("movie.mentions")
    for offset, instant in enumerate(created):
        partition.add(offset, mention(instant), 1)

    while partition.due:
        batch = partition.take(50_000)

        assert batch.rows
        touched = {datetime.fromtimestamp(row[3] / 1_000, UTC).strftime("%Y%m") for row in batch.rows}
        assert len(touched) < PARTITIONS_ALLOWED


def test_size_shrinks_with_what_is_taken() -> None:
    """The bytes that wait follow the rows that wait, down to none."""
    partition = waiting()
    for offset in range(10):
        partition.add(offset, (offset,), 100)

    partition.take(4)

    assert partition.size == 600
    partition.take(100)
    assert partition.size == 0


def routes_are_written_counts_first() -> list[Route]:
    """Return the routes in the order of writing."""
    return list(routes())


def test_counts_and_mentions_are_written_before_bulk_loads() -> None:
    """What people wait for comes first: counts, then mentions."""
    assert [route.table.name for route in routes_are_written_counts_first()][:2] == ["mention_counts", "mentions"]
