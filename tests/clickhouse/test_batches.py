"""Batches: contiguous ranges, tokens, quotas."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clickhouse.batches import Waiting, cut, quotas
from clickhouse.rows import routes

ROUTES = {route.topic.name: route for route in routes()}


def waiting(topic: str = "tmdb.movies", position: int = 0, records: int = 0, epoch: int = 0) -> Waiting:
    """Return a partition with some records of 10 bytes."""
    made = Waiting(ROUTES[topic], 1, epoch, position)
    for offset in range(position, position + records):
        made.add(offset, b"key", b"seven..", 1_000 + offset)
    return made


def test_batch_covers_from_the_position_to_the_last_record() -> None:
    """A batch begins where the one before ended, with the holes that compaction left within."""
    partition = waiting(position=10)
    for offset in (12, 15):
        partition.add(offset, b"k", b"v", 5)

    batch = partition.take(100)

    assert (batch.first, batch.last, batch.records.offsets) == (10, 15, [12, 15])
    assert (partition.position, len(partition)) == (16, 0)


@given(limits=st.lists(st.integers(1, 9), min_size=40, max_size=40))
def test_batches_of_one_partition_join_without_gap_or_overlap(limits: list[int]) -> None:
    """Whatever the limits, consecutive batches tile the offsets and hold each record once."""
    partition = waiting(records=40)

    batches = [partition.take(limit) for limit in limits if len(partition)]

    assert batches[0].first == 0
    assert batches[-1].last == 39
    assert all(before.last + 1 == after.first for before, after in pairwise(batches))
    assert [record.offset for batch in batches for record in batch] == list(range(40))


def test_record_that_comes_again_is_left_out() -> None:
    """What a client delivers twice, as after a resume, waits once."""
    partition = waiting(records=3)

    partition.add(1, b"again", b"again", 0)

    assert partition.take(10).records.offsets == [0, 1, 2]


def test_records_come_out_whole() -> None:
    """A batch yields each record with its key, value, timestamp, partition and epoch."""
    partition = waiting(position=7, records=1, epoch=2)
    partition.add(8, b"gone", None, 9)

    plain, tombstone = partition.take(10)

    assert (plain.key, plain.value, plain.offset, plain.timestamp) == (b"key", b"seven..", 7, 1_007)
    assert (tombstone.key, tombstone.value, tombstone.partition, tombstone.epoch) == (b"gone", None, 1, 2)


def test_token_names_the_range_and_the_epoch() -> None:
    """The same range of the same topic gives the same token, another epoch another one."""
    first, again, anew = (waiting("movie.mentions", records=5, epoch=epoch).take(5).token(0, 4) for epoch in (0, 0, 1))

    assert first == again == "mentions:0:movie.mentions:1:0-4"
    assert anew == "mentions:1:movie.mentions:1:0-4"


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
    flood, trickle, idle = waiting("tmdb.popularity", records=1_000), waiting(records=3), waiting()

    batches = cut([flood, trickle, idle], most=1_000, together=100)

    assert [len(batch) for batch in batches] == [97, 3]


def test_cut_keeps_each_batch_within_its_own_limit() -> None:
    """No partition gets more than one insert's rows, and none of those that wait gets nothing."""
    many = [waiting(records=50) for _ in range(4)]

    assert [len(batch) for batch in cut(many, most=20, together=1_000)] == [20, 20, 20, 20]
    assert [len(batch) for batch in cut(many, most=20, together=2)] == [1, 1, 1, 1]


def test_size_follows_what_waits() -> None:
    """The bytes that wait shrink with what is taken, down to none."""
    partition = waiting(records=10)
    before = partition.size

    partition.take(4)

    assert (before, partition.size) == (100, 60)
    partition.take(100)
    assert partition.size == 0


def test_counts_and_mentions_are_written_before_bulk_loads() -> None:
    """What people wait for comes first: counts, then mentions."""
    assert [route.table.name for route in routes()][:2] == ["mention_counts", "mentions"]
