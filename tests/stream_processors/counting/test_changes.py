from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from stream_processors.counting.changes import CAME, TOLD, WENT, Changes

rows = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 2) | st.integers(2**64 - 2, 2**64 - 1), st.integers(0, 9), st.booleans()
    ),
    max_size=30,
)


@given(rows)
def test_rows_are_grouped_as_sets_would_have_it(some: list[tuple[int, int, int, bool]]) -> None:
    """Of each film-day: what is there now and was not before, what was and is not, the span of the observations."""
    changes, held = Changes(), defaultdict[int, set[int]](set)
    before = {slot: {0, 2**64 - 1} for slot in range(4)}
    for slot, posts in before.items():
        held[slot] |= posts
    seen, moved = defaultdict[int, list[int]](list), set[int]()
    for slot, post, observed_at, wanted in some:
        if wanted == (post in held[slot]):
            changes.add(slot, observed_at, kind=TOLD)
        else:
            changes.add(slot, observed_at, post, CAME if wanted else WENT)
            (held[slot].add if wanted else held[slot].discard)(post)
            moved.add(slot)
        seen[slot].append(observed_at)

    grouped = changes.grouped()

    assert grouped.slots.tolist() == sorted(seen)
    assert grouped.moved.tolist() == [slot in moved for slot in sorted(seen)]
    assert list(zip(grouped.oldest.tolist(), grouped.newest.tolist(), strict=True)) == [
        (min(seen[slot]), max(seen[slot])) for slot in sorted(seen)
    ]
    place = 0
    for slot, went, came in zip(
        *(column.tolist() for column in (grouped.slots, grouped.went, grouped.came)), strict=True
    ):
        posts = grouped.posts[place : place + went + came].tolist()
        place += went + came
        assert set(posts[:went]) == before[slot] - held[slot]
        assert set(posts[went:]) == held[slot] - before[slot]
        assert changes.net(slot) == came - went
    assert place == len(grouped.posts)
