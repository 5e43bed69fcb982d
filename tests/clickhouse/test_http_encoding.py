"""Content codings: whole bodies come back, broken and oversized ones are refused before they fill memory."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.http_encoding import Decoder, Encoder, negotiate
from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

CODINGS = ("gzip", "deflate", "lz4", "zstd")
LIMIT = 10_000_000


def encode(coding: str, pieces: Iterable[bytes]) -> bytes:
    """Return the pieces encoded as one body."""
    encoder = Encoder(coding)
    return b"".join(encoder.feed(piece) for piece in pieces) + encoder.finish()


def decode(coding: str, chunks: Iterable[bytes], limit: int = LIMIT) -> bytes:
    """Return the chunks of a body decoded."""
    decoder = Decoder(coding, limit)
    body = b"".join(piece for chunk in chunks for piece in decoder.feed(chunk))
    decoder.finish()
    return body


@given(
    st.sampled_from(("", *CODINGS)),
    st.lists(st.binary(max_size=5000), max_size=5),
    st.integers(min_value=1, max_value=3000),
)
def test_a_body_comes_back(coding: str, pieces: list[bytes], cut: int) -> None:
    """What the encoder makes of a body, cut anywhere, the decoder turns back."""
    body = encode(coding, pieces)

    decoded = decode(coding, [body[start : start + cut] for start in range(0, len(body), cut)])

    assert decoded == b"".join(pieces)


@pytest.mark.parametrize("coding", CODINGS)
def test_several_frames_are_one_body(coding: str) -> None:
    """Clients may compress a body in independent frames, one after the other."""
    frames = encode(coding, [b"one "]) + encode(coding, [b"two "]) + encode(coding, [b"three"])

    assert decode(coding, [frames]) == b"one two three"


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_is_seen_early(coding: str) -> None:
    """A small body that grows beyond the limit is refused after at most the limit and one step."""
    bomb = encode(coding, [bytes(1_000_000)] * 64)
    given_out: list[int] = []

    with pytest.raises(RequestRefused) as refused:
        given_out.extend(map(len, Decoder(coding, 2_000_000).feed(bomb)))

    assert refused.value.status == 413
    assert len(bomb) < 2_000_000
    assert sum(given_out) <= 2_000_000


@pytest.mark.parametrize("coding", ["", *CODINGS])
def test_the_limit_holds_for_what_is_sent_too(coding: str) -> None:
    """A body of more bytes than the limit is refused whatever it decodes to."""
    with pytest.raises(RequestRefused) as refused:
        decode(coding, [bytes(range(256)) * 100], limit=1000)

    assert refused.value.status == 413


@pytest.mark.parametrize("coding", CODINGS)
def test_a_truncated_body_is_refused(coding: str) -> None:
    """A body that ends inside a frame is no shorter body: it was cut on its way."""
    body = encode(coding, [bytes(range(256)) * 1000])

    with pytest.raises(RequestRefused) as refused:
        decode(coding, [body[:-10]])

    assert refused.value.status == 400


@pytest.mark.parametrize("coding", CODINGS)
def test_another_coding_is_refused(coding: str) -> None:
    """A body that is not what its Content-Encoding says is the client's error."""
    with pytest.raises(RequestRefused) as refused:
        decode(coding, [b"INSERT INTO t FORMAT CSV\n1,2\n"])

    assert refused.value.status == 400


def test_an_unknown_coding_is_refused() -> None:
    """A coding that nobody here knows is told as such."""
    with pytest.raises(RequestRefused, match="Unknown compression method: snappy"):
        Decoder("snappy", LIMIT)


@pytest.mark.parametrize(
    ("coding", "decode_whole"),
    [("gzip", gzip.decompress), ("deflate", zlib.decompress), ("lz4", lz4.frame.decompress)],
)
def test_others_read_what_the_encoder_makes(coding: str, decode_whole: object) -> None:
    """The encoded body is the plain format of its name."""
    assert callable(decode_whole)
    assert decode_whole(encode(coding, [b"a" * 10_000, b"", b"b"])) == b"a" * 10_000 + b"b"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("lz4,zstd,gzip", "lz4"),
        ("ZSTD", "zstd"),
        ("*", ""),
    ],
)
def test_answers_in_a_coding_that_the_client_takes(accepted: str, expected: str) -> None:
    """The cheapest of the accepted codings is used, none when none is known."""
    assert negotiate(accepted) == expected
