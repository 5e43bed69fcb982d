from __future__ import annotations

from itertools import islice

from hypothesis import example, given
from hypothesis import strategies as st

from cinepulse.clock import MILLISECONDS_PER_DAY
from cinepulse.world.catalog import load_films
from cinepulse.world.generator import Generator
from schemas.events import Mention, MentionKey
from schemas.topics import MOVIE_MENTIONS
from stream_processors.counting.columns import DAY_BITS, UNREAD
from stream_processors.counting.wire import MentionKeys, MentionValues
from stream_processors.identity import MAX_DIGITS, pack_fullname
from tests.stream_processors.counting.test_wire import CODEC, IDS, keys, mentions

usual_keys = st.builds(
    MentionKey,
    tmdb_id=st.integers(0, 2**28),
    platform=st.just("reddit"),
    post_id=st.from_regex(r"t[13]_[0-9a-z]{1,13}", fullmatch=True)
    | st.sampled_from(["t3_0abc", "t1_aBc", "t1_a?c", "t2_abc"]),
    created_at=st.integers(1_100_000_000_000, 2_150_000_000_000),
)
usual_mentions = st.builds(
    Mention,
    community=st.just("movies"),
    kind=st.just("comment"),
    location=st.just("body"),
    method=st.just("name"),
    confidence=st.just(0.9),
    score=st.integers(-(2**31), 2**31 - 1) | st.integers(-300, 300),
    observed_at=st.integers(1_100_000_000_000, 2_150_000_000_000),
    linker_version=st.just("bc569081beda"),
    thread_id=st.none() | st.just("t3_1abcde"),
    num_comments=st.none() | st.integers(0, 10_000),
    sentiment=st.none() | st.just(-0.5),
    author_sketch=st.none() | st.integers(0, 65_535),
)


def encoded(subject: str, record: object, changes: list[tuple[int, int]], cut: int) -> bytes:
    """Return a record's bytes, some of them changed, some of them cut off."""
    data = bytearray(CODEC.encode(subject, record))
    for place, byte in changes:
        data[place % len(data)] = byte
    return bytes(data[: len(data) - cut])


no_changes: list[tuple[int, int]] = []
changes = st.just(no_changes) | st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=2)
cuts = st.just(0) | st.integers(0, 20)
raw_keys = st.builds(encoded, st.just(MOVIE_MENTIONS.key_subject), usual_keys | keys, changes, cuts)
raw_values = st.builds(encoded, st.just(MOVIE_MENTIONS.value_subject), usual_mentions | mentions, changes, cuts)


@given(st.lists(raw_keys | st.just(b""), min_size=1, max_size=6))
def test_what_is_read_by_columns_is_what_is_read_one_by_one(some: list[bytes]) -> None:
    """A row that is read has the film, day, post and instant that its key alone gives; broken ones are left unread."""
    reader = MentionKeys(CODEC, IDS)

    for key, film_day, post, created_at in zip(some, *reader.read_all(some), strict=True):
        if film_day != UNREAD:
            tmdb_id, alone, instant = reader.read(key)
            assert (film_day, post, created_at) == (
                tmdb_id << DAY_BITS | instant // MILLISECONDS_PER_DAY,
                alone,
                instant,
            )


@given(usual_keys)
def test_the_usual_form_is_read(key: MentionKey) -> None:
    """Every Reddit post whose id packs without loss is read by columns, films up to 2^27 alike."""
    digits = key.post_id[3:]
    numeric = key.post_id.startswith(("t1_", "t3_")) and digits.isalnum() and digits == digits.lower()
    usual = numeric and not digits.startswith("0") and len(digits) <= MAX_DIGITS and key.tmdb_id < 2**27

    columns = MentionKeys(CODEC, IDS).read_all([CODEC.encode(MOVIE_MENTIONS.key_subject, key)])

    assert (columns.film_days[0] != UNREAD) == usual


def test_mentions_of_the_loopback_world_are_of_the_usual_form() -> None:
    """What is tried with its posts, as faults and demos are, is what happens with Reddit's."""
    films = list(load_films().by_id.values())
    posts = Generator(7, films, ["movies"], rate=40.0, stamp=lambda at: 1_760_000_000 + at).tell(1)
    found = [
        MentionKey(tmdb_id=7, platform="reddit", post_id=post.name, created_at=1_760_000_000_000)
        for post in islice(posts, 100)
    ]

    columns = MentionKeys(CODEC, IDS).read_all([CODEC.encode(MOVIE_MENTIONS.key_subject, key) for key in found])

    assert columns.posts == [pack_fullname(key.post_id.encode()) for key in found]
    assert UNREAD not in columns.film_days


@given(st.lists(raw_values | st.just(b""), min_size=1, max_size=6))
def test_no_broken_value_passes_for_whole(some: list[bytes]) -> None:
    """What is said to be whole is so where it is looked over by itself."""
    values = MentionValues(CODEC, IDS)

    for value, whole in zip(some, values.are_whole(some).tolist(), strict=True):
        if whole:
            values.check(value)


@given(usual_mentions)
@example(
    Mention(
        community="m",
        kind="comment",
        location="body",
        method="n",
        confidence=1,
        score=0,
        observed_at=1_700_000_000_000,
        linker_version="v",
    )
)
def test_the_usual_values_are_whole(mention: Mention) -> None:
    """A mention as the linker writes it is told by its shape, but for scores of many digits."""
    value = CODEC.encode(MOVIE_MENTIONS.value_subject, mention)

    (whole,) = MentionValues(CODEC, IDS).are_whole([value])

    assert whole == (-(2**27) <= mention.score < 2**27)
