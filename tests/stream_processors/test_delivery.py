from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import RecordsMissing
from stream_processors.delivery import Batch, Deliveries


def ledger(start: int = 10) -> Deliveries:
    """Return a ledger in epoch 1 with partition 0."""
    deliveries = Deliveries()
    deliveries.begin(1, {0: start})
    return deliveries


def batch(start: int, end: int, epoch: int = 1, partition: int = 0) -> Batch:
    """Return a batch without records."""
    return Batch(partition, epoch, start, end, ())


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.randoms(use_true_random=False), st.integers(0, 12))
def test_a_commit_never_passes_unfinished_work(sizes: list[int], order: object, finished: int) -> None:
    """Whatever the order in which batches are done, the commit is the end of the done ones without a gap."""
    deliveries, batches, place = ledger(0), [], 0
    for size in sizes:
        batches.append(batch(place, place + size))
        place += size
        assert deliveries.accept(batches[-1])
    shuffled = list(batches)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    done = set(shuffled[:finished])

    for one in done:
        deliveries.done(one)

    prefix = 0
    for one in batches:
        if one not in done:
            break
        prefix = one.end
    assert deliveries.committable() == ({0: prefix} if prefix else {})


def test_a_batch_that_leaves_a_gap_is_refused_loudly() -> None:
    """Records lost on the way to the agent end the worker instead of being committed past."""
    deliveries = ledger()
    deliveries.accept(batch(10, 20))

    with pytest.raises(RecordsMissing, match="offset 20 should come next, 21 came"):
        deliveries.accept(batch(21, 30))


def test_the_first_batch_must_start_where_processing_goes_on() -> None:
    """A first batch that got lost is noticed as well."""
    with pytest.raises(RecordsMissing):
        ledger(10).accept(batch(15, 20))


def test_a_batch_of_another_epoch_is_not_accepted_and_not_committed() -> None:
    """What was fetched before a rebalance comes again after it; having processed it counts for nothing."""
    deliveries = ledger()
    old = batch(10, 20)
    deliveries.accept(old)

    deliveries.begin(2, {0: 10, 1: 0})
    deliveries.done(old)

    assert not deliveries.accept(old)
    assert deliveries.committable() == {}
    assert deliveries.accept(batch(10, 20, epoch=2))


def test_a_partition_that_is_not_assigned_is_not_accepted() -> None:
    """An epoch knows its partitions."""
    assert not ledger().accept(batch(0, 5, partition=3))


def test_an_ended_epoch_commits_nothing() -> None:
    """Between a revocation and the next assignment nothing is current."""
    deliveries = ledger()
    one = batch(10, 20)
    deliveries.accept(one)
    deliveries.done(one)

    deliveries.end()

    assert deliveries.committable() == {}
    assert not deliveries.is_current(one)


def test_an_offset_is_committed_once() -> None:
    """What Kafka has taken is not sent again; a refused commit is."""
    deliveries = ledger()
    one = batch(10, 20)
    deliveries.accept(one)
    deliveries.done(one)

    refused = deliveries.committable()
    taken = deliveries.committable()
    deliveries.committed(taken, epoch=1)

    assert refused == taken == {0: 20}
    assert deliveries.committable() == {}
    assert deliveries.committed_offsets() == {0: 20}


def test_a_commit_of_an_earlier_epoch_is_not_noted() -> None:
    """An answer that comes after a rebalance says nothing about the new assignment."""
    deliveries = ledger()

    deliveries.committed({0: 99}, epoch=0)

    assert deliveries.committed_offsets() == {0: 10}
