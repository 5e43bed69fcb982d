from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_processors.posts import LinkedPost, decode_posts, encode_posts, merge_posts
from stream_processors.posts.table import BODY_BYTES, pack_post, unpack_post

longs = st.integers(-(2**63), 2**63 - 1)
linked = st.builds(LinkedPost, longs, longs, st.dictionaries(longs, st.integers(0, 2**32 - 1), max_size=4))
tables = st.dictionaries(st.integers(0, 2**64 - 1), st.binary(max_size=40), max_size=5)


@given(linked)
def test_a_post_is_packed_without_loss(post: LinkedPost) -> None:
    """What a worker knows of a post survives a restart."""
    assert unpack_post(pack_post(post)) == post


@given(tables)
def test_what_is_written_is_read(table: dict[int, bytes]) -> None:
    """A body gives back its posts."""
    assert dict(entry for body in encode_posts(table) for entry in decode_posts(body)) == table


@given(st.lists(tables.filter(bool), min_size=1, max_size=4))
def test_a_merged_body_holds_the_latest_of_each_post(some: list[dict[int, bytes]]) -> None:
    """Applying the merged body is applying the bodies one after the other."""
    bodies = [body for table in some for body in encode_posts(table)]

    merged = dict(decode_posts(merge_posts(bodies)))

    assert merged == {name: packed for table in some for name, packed in table.items()}


def test_a_large_table_is_cut_into_records_that_kafka_takes() -> None:
    """A flush of any size becomes bodies well below a megabyte."""
    table = dict.fromkeys(range(20000), b"x" * 100)

    bodies = encode_posts(table)

    assert max(map(len, bodies)) < 2 * BODY_BYTES
    assert len(dict(entry for body in bodies for entry in decode_posts(body))) == 20_000
