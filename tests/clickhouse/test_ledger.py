"""The ledger: entries that grow, holes between them, and which topic of its name is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.batches import Batch, Waiting
from clickhouse.ledger import Entry, Span, TopicEpoch, epochs, extended, holes
from clickhouse.rows import routes

ROUTE = routes()[0]


def batch(first: int, count: int, *, epoch: int = 0) -> Batch:
    """Return a batch of `count` records from offset `first`."""
    waiting = Waiting(ROUTE, 0, epoch, first)
    for offset in range(first, first + count):
        waiting.add(offset, b"k", b"v", 0)
    return waiting.take(count)


def grown(*batches: Batch, limit: int = 1_000) -> list[Entry]:
    """Return the ledger's entries after these batches, each as it last was."""
    entries: list[Entry] = []
    for one in batches:
        last = extended(entries[-1] if entries else None, one, "id", limit=limit)
        if entries and last.span.first == entries[-1].span.first:
            entries[-1] = last
        else:
            entries.append(last)
    return entries


def test_consecutive_batches_share_an_entry() -> None:
    """Batches that join grow one entry, which sums what they held."""
    (entry,) = grown(batch(0, 5), batch(5, 3))

    assert (entry.span, entry.rows, entry.batches) == (Span(0, 7), 8, 2)


@pytest.mark.parametrize(
    ("second", "limit"),
    [(batch(6, 1), 1_000), (batch(3, 4), 1_000), (batch(5, 1, epoch=1), 1_000), (batch(5, 1), 5)],
    ids=["a gap", "an overlap", "another epoch", "a full entry"],
)
def test_what_does_not_join_opens_an_entry(second: Batch, limit: int) -> None:
    """An entry never claims offsets that its batches did not cover, nor grows for ever."""
    first, after = grown(batch(0, 5), second, limit=limit)

    assert first.span == Span(0, 4)
    assert after.span == Span(second.first, second.last)


def test_failed_records_are_no_rows() -> None:
    """What went to dead letters is counted apart."""
    entry = extended(None, batch(0, 5), "id", failed=2)

    assert (entry.rows, entry.dead_letters) == (3, 2)


@pytest.mark.parametrize(
    ("spans", "begin", "end", "missing"),
    [
        ([], 0, 0, []),
        ([], 3, 5, [Span(3, 4)]),
        ([Span(0, 4)], 0, 5, []),
        ([Span(0, 1), Span(3, 4)], 0, 5, [Span(2, 2)]),
        ([Span(3, 4), Span(0, 3)], 0, 5, []),
        ([Span(2, 9)], 0, 5, [Span(0, 1)]),
        ([Span(0, 1)], 0, 5, [Span(2, 4)]),
        ([Span(0, 9), Span(1, 2)], 5, 12, [Span(10, 11)]),
        ([Span(20, 30)], 0, 5, [Span(0, 4)]),
    ],
)
def test_holes(spans: list[Span], begin: int, end: int, missing: list[Span]) -> None:
    """Holes are what of the asked offsets no span covers, whatever the order and overlap of the spans."""
    assert holes(spans, begin, end) == missing


@given(
    spans=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10))), begin=st.integers(0, 20), size=st.integers(0, 20)
)
def test_holes_are_exactly_the_uncovered_offsets(spans: list[tuple[int, int]], begin: int, size: int) -> None:
    """Against counting offset by offset."""
    found = holes([Span(first, first + length) for first, length in spans], begin, begin + size)

    covered = {offset for first, length in spans for offset in range(first, first + length + 1)}
    listed = [offset for first, last in found for offset in range(first, last + 1)]
    assert listed == [offset for offset in range(begin, begin + size) if offset not in covered]


def test_topic_made_anew_gets_the_next_epoch() -> None:
    """The same id keeps its epoch, another id of the same name gets the one after the highest, a new name the first."""
    stored = [("a", "a1", 0), ("a", "a2", 1), ("b", "b1", 0)]

    found = epochs(stored, {"a": "a2", "b": "b2", "c": "c1"})

    assert found == {"a": TopicEpoch("a2", 1), "b": TopicEpoch("b2", 1), "c": TopicEpoch("c1", 0)}
