"""Where to begin reading: at what is committed, never silently elsewhere."""

from __future__ import annotations

import pytest

from cinepulse.errors import OffsetsExpired
from clickhouse.offsets import Extent, Partition, start_offsets

PLACE = Partition("t", 0)


@pytest.mark.parametrize(
    ("extent", "committed", "start"),
    [
        (Extent(0, 10), {}, 0),
        (Extent(4, 10), {}, 4),
        (Extent(0, 10), {PLACE: 7}, 7),
        (Extent(0, 10), {PLACE: 10}, 10),
        (Extent(4, 10), {PLACE: 4}, 4),
    ],
    ids=["nothing committed", "begin expired, nothing committed", "in between", "at the end", "at the begin"],
)
def test_reading_begins_at_the_committed_offset(extent: Extent, committed: dict[Partition, int], start: int) -> None:
    """The committed offset, or the begin where there is none."""
    assert start_offsets({PLACE: extent}, committed) == {PLACE: start}


@pytest.mark.parametrize("committed", [3, 11], ids=["expired", "beyond the end"])
def test_offset_that_kafka_does_not_have_is_an_error(committed: int) -> None:
    """Expired or beyond the end, records may be lost, which is said; told to accept that, reading begins anew."""
    extent = {PLACE: Extent(4, 10)}

    with pytest.raises(OffsetsExpired, match=r"t-0: offset \d+ is committed, but Kafka has 4 to 10"):
        start_offsets(extent, {PLACE: committed})
    assert start_offsets(extent, {PLACE: committed}, accept_gaps=True) == {PLACE: 4}
