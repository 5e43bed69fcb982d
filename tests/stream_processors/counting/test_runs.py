from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_processors.counting import runs
from stream_processors.counting.runs import Group, Head, decode_run, encode_runs, merge_runs

posts = st.lists(st.integers(0, 2**64 - 1), max_size=6)
heads = st.builds(Head, st.integers(0, 2**62), st.integers(0, 2**22), st.integers(0, 2**62))
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


def test_no_groups_make_no_body() -> None:
    """A flush without changes writes nothing to the changelog."""
    assert encode_runs(Head(1, 2, 3), []) == []


@given(st.lists(st.tuples(heads, st.lists(groups, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_merged_bodies_hold_all_groups_in_order_and_the_latest_clock(some: list[tuple[Head, list[Group]]]) -> None:
    """Applying the merged body is applying the bodies one after the other."""
    bodies = [body for head, parts in some for body in encode_runs(head, parts)]

    head, merged = plain(merge_runs(bodies))

    assert merged == [group for _, parts in some for group in parts]
    assert head == Head(*(max(column) for column in zip(*(head for head, _ in some), strict=True)))


def test_a_long_group_is_split_and_only_its_last_piece_has_the_revision() -> None:
    """A film-day counts as reached only when every piece of it is in the log: a crash may cut between two."""
    everything = list(range(2 * runs.POSTS_A_GROUP + 1))

    bodies = encode_runs(Head(0, 0, 0), [Group(5, 9, 77, everything, [1, 2])])

    pieces = [group for body in bodies for group in plain(body)[1]]
    assert [post for piece in pieces for post in piece.added] == everything
    assert [piece.revision for piece in pieces] == [0, 0, 77]
    assert max(len(body) for body in bodies) <= runs.BODY_BYTES + runs.POSTS_A_GROUP * runs.POST_BYTES
