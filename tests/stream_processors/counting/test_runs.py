from __future__ import annotations

import struct
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_processors.counting import runs
from stream_processors.counting.event_clock import Closing
from stream_processors.counting.runs import (
    Group,
    GroupColumns,
    Head,
    decode_run,
    encode_columns,
    encode_runs,
    merge_runs,
)

posts = st.lists(st.integers(0, 2**64 - 1), max_size=6)
numbers = st.integers(0, 2**62)
closings = st.builds(Closing, st.integers(0, 2**22), numbers, numbers)
heads = st.builds(
    Head, numbers, st.integers(0, 2**22), st.tuples(numbers, numbers), st.tuples(closings) | st.just(()), numbers
)
groups = st.builds(
    Group,
    tmdb_id=st.integers(-(2**63), 2**63 - 1),
    day=st.integers(0, 2**22),
    revision=st.integers(0, 2**62),
    added=posts,
    removed=posts,
)


def plain(body: bytes) -> tuple[Head, list[Group]]:
    """Return a body's clock and groups with plain lists."""
    head, found = decode_run(body)
    return head, [group._replace(added=list(group.added), removed=list(group.removed)) for group in found]


@given(heads, st.lists(groups, min_size=1, max_size=5))
def test_what_is_written_is_read(head: Head, some: list[Group]) -> None:
    """A body gives back its clock and its groups, in their order."""
    (body,) = encode_runs(head, some)

    assert plain(body) == (head, some)


def test_a_clock_that_moved_alone_makes_a_body() -> None:
    """A flush without changes keeps the clock: the records that moved it will not come again."""
    (body,) = encode_runs(Head(1, 2, (3, 4)), [])

    assert plain(body) == (Head(1, 2, (3, 4)), [])


def first_form(furthest: int, told_day: int, closing: int, some: list[Group]) -> bytes:
    """Return a body as version 0.1 wrote it."""
    groups = (
        struct.pack("<qqqII", group.tmdb_id, group.day, group.revision, len(group.added), len(group.removed))
        + struct.pack(f"<{len(group.added) + len(group.removed)}Q", *group.removed, *group.added)
        for group in some
    )
    return struct.pack("<qqq", furthest, told_day, closing) + b"".join(groups)


@given(numbers, st.integers(0, 2**22), numbers, st.lists(groups, max_size=3))
def test_the_first_form_is_read(furthest: int, told_day: int, closing: int, some: list[Group]) -> None:
    """A changelog that an earlier version wrote gives its groups, its clock and its one closing."""
    body = first_form(furthest, told_day, closing, some)

    for read in (body, merge_runs([body])):
        head, found = plain(read)
        assert found == some
        assert (head.furthest, head.told_day, head.legacy) == (furthest, told_day, furthest)
        assert head.closings == ((Closing(told_day, closing, furthest),) if told_day else ())


def first_reader(body: bytes) -> int:
    """Read a body as version 0.1 did and return how many posts it holds."""
    place, found = 24, 0
    while place < len(body):
        *_, come, gone = struct.unpack_from("<qqqII", body, place)
        place += 32
        posts = array("Q")
        posts.frombytes(body[place : place + (come + gone) * 8])
        place += (come + gone) * 8
        found += len(posts)
    return found


@given(heads, st.lists(groups, max_size=3))
def test_the_second_form_stops_a_reader_of_the_first(head: Head, some: list[Group]) -> None:
    """An earlier version that takes a partition over during an update ends with an error, never with half a state."""
    (body,) = encode_runs(head, some)

    with pytest.raises(ValueError, match="multiple"):
        first_reader(body)


def test_a_later_form_is_refused() -> None:
    """So does this one with what comes after it."""
    (body,) = encode_runs(Head(1, 2), [])

    with pytest.raises(ValueError, match="later version"):
        decode_run(struct.pack("<q", -3) + body[8:])


@given(st.lists(st.tuples(heads, st.lists(groups, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_merged_bodies_hold_all_groups_in_order_and_the_latest_clock(some: list[tuple[Head, list[Group]]]) -> None:
    """Applying the merged body is applying the bodies one after the other."""
    bodies = [body for head, parts in some for body in encode_runs(head, parts)]

    head, merged = plain(merge_runs(bodies))

    assert merged == [group for _, parts in some for group in parts]
    last = [max(column) for column in zip(*(head for head, _ in some), strict=True)]
    assert (head.furthest, head.told_day, head.legacy) == (last[0], last[1], last[4])
    assert head.clocks == tuple(max(head.clocks[place] for head, _ in some) for place in range(2))
    assert head.closings == tuple(sorted({closing for head, _ in some for closing in head.closings}))


def test_a_long_group_is_split_and_only_its_last_piece_has_the_revision() -> None:
    """A film-day counts as reached only when every piece of it is in the log: a crash may cut between two."""
    everything = list(range(2 * runs.POSTS_A_GROUP + 1))

    bodies = encode_runs(Head(0, 0), [Group(5, 9, 77, everything, [1, 2])])

    pieces = [group for body in bodies for group in plain(body)[1]]
    assert [post for piece in pieces for post in piece.added] == everything
    assert [piece.revision for piece in pieces] == [0, 0, 77]
    assert max(len(body) for body in bodies) <= runs.BODY_BYTES + runs.POSTS_A_GROUP * runs.POST_BYTES


@given(heads, st.lists(groups, max_size=6), st.sampled_from([150, 400, runs.BODY_BYTES]))
def test_columns_are_written_as_groups_are(head: Head, some: list[Group], body_bytes: int) -> None:
    """The bodies made of columns are byte for byte those made group by group, however small a body has to be."""
    rows = [(one.tmdb_id, one.day, one.revision, len(one.removed), len(one.added)) for one in some]
    posts = np.array([post for one in some for post in (*one.removed, *one.added)], np.uint64)
    columns = GroupColumns._make([*np.array(rows, np.int64).reshape(-1, 5).T, posts])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "BODY_BYTES", body_bytes)
        patch.setattr(runs, "POSTS_A_GROUP", 4)
        assert encode_columns(head, columns) == encode_runs(head, some)
