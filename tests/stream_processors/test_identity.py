from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream_processors.identity import COMMENT, HASHED, KIND_MASK, SUBMISSION, pack_fullname, pack_post

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
texts = st.text(alphabet=DIGITS + "ABC_ ", min_size=0, max_size=14)


def test_a_submission_and_a_comment_with_one_number_differ() -> None:
    """The kind is part of the identity, and can be read back from it."""
    submission, comment = pack_fullname(b"t3_1abc234"), pack_fullname(b"t1_1abc234")

    assert submission & KIND_MASK == SUBMISSION
    assert comment & KIND_MASK == COMMENT
    assert submission >> 2 == comment >> 2 == int("1abc234", 36)


@given(st.tuples(st.sampled_from(["t3_", "t1_", "t5_", ""]), texts), st.tuples(st.sampled_from(["t3_", "t1_"]), texts))
def test_no_two_texts_share_a_number(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Another spelling of the same base 36 number, such as capitals or leading zeros, is another post."""
    first, second = "".join(one), "".join(other)

    assert (pack_fullname(first.encode()) == pack_fullname(second.encode())) == (first == second)


@given(st.text(max_size=30), st.sampled_from(["reddit", "lemmy", ""]))
def test_every_identity_fits_eight_bytes(post_id: str, platform: str) -> None:
    """Any text at all is packed, below 2^64 and never to 0."""
    assert 0 < pack_post(platform, post_id) < 2**64


def test_platforms_do_not_mix() -> None:
    """The same id elsewhere is another post, and says that it is a hash."""
    assert pack_post("lemmy", "t3_1abc234") != pack_post("reddit", "t3_1abc234")
    assert pack_post("lemmy", "t3_1abc234") & KIND_MASK == HASHED
