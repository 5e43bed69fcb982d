"""Recorded posts: read from any packing, filled in, replayed in order and completely."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.errors import ConfigurationInvalid
from cinepulse.world.recorded import RecordedFeed, moments, read_lines
from tests.cinepulse.world.test_reddit import praw_of
from tests.fixtures.world import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from cinepulse.world.post import Post
    from tests.fixtures.world import RunningWorld

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SHARED = Path(__file__).parents[4] / "shared" / "data" / "reddit_posts_dev.jsonl.gz"
FOREVER = 1 << 40


def record(number: int, **fields: Any) -> bytes:
    """Return a line with the least that a record needs."""
    return (
        json.dumps({"id": f"a{number}", "subreddit": "movies", "created_utc": 1_000 + number, **fields}).encode()
        + b"\n"
    )


def feed_of(*lines: bytes, speed: float = 1e9, max_rate: float = 1e9) -> RecordedFeed:
    """Return a feed of lines, as fast as it can."""
    return RecordedFeed(lines, speed=speed, max_rate=max_rate)


def served(feed: RecordedFeed) -> list[Post]:
    """Return everything a feed has."""
    return list(feed.due(float("inf"), FOREVER))


def only(line: bytes) -> Post:
    """Return the post of a single line."""
    (post,) = served(feed_of(line))
    return post


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
def test_any_packing_is_read(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Plain, gzip and zstd files give the same lines, whatever they are called."""
    lines = [record(number) for number in range(3)]
    path = tmp_path / "posts"
    path.write_bytes(pack(b"".join(lines)))

    assert list(read_lines(path)) == lines


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08broken", gzip.compress(b"x" * 1000, mtime=0)[:-20], b"\x28\xb5\x2f\xfdbroken"]
)
def test_broken_packing_is_a_configuration_error(tmp_path: Path, content: bytes) -> None:
    """A cut or damaged file is named with what is wrong, not half replayed."""
    path = tmp_path / "posts.gz"
    path.write_bytes(content)

    with pytest.raises(ConfigurationInvalid, match=r"posts\.gz"):
        list(read_lines(path))


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(ConfigurationInvalid, match="nowhere"):
        list(read_lines(tmp_path / "nowhere"))


def test_unusable_lines_are_counted_by_reason() -> None:
    """What cannot be served is skipped with its reason; the rest is served."""
    feed = feed_of(
        record(1),
        b"{not json\n",
        b"[1]\n",
        b"\xff\xfe\n",
        b'{"created_utc": NaN, "id": "x", "subreddit": "a"}\n',
        record(2, created_utc="soon"),
        record(3, created_utc=None),
        record(4, id="with space"),
        record(5, id=None),
        record(6, subreddit=None),
        record(1),
    )

    assert feed.skipped == {"not_json": 3, "no_object": 1, "no_time": 2, "no_id": 2, "no_subreddit": 1, "duplicate": 1}
    assert [post.name for post in served(feed)] == ["t3_a1"]
    assert (feed.total, feed.exhausted) == (1, True)


def test_missing_fields_are_filled_in() -> None:
    """A bare record becomes a whole submission; what it has stays as it is."""
    post = only(record(1, title="Heat", score=7, created_utc="1230561420", link_flair_text="Review", rare=[1]))

    assert post.kind == "t3"
    assert post.data["name"] == "t3_a1"
    assert post.data["author"]
    assert (post.data["score"], post.data["link_flair_text"], post.data["rare"]) == (7, "Review", [1])
    assert post.data["created_utc"] == 1230561420.0
    assert post.data["permalink"] == "/r/movies/comments/a1/heat/"
    assert post.data["is_self"] is True


def test_permalinks_become_paths() -> None:
    """Old recordings hold whole addresses, Reddit gives paths."""
    post = only(
        record(1, permalink="http://www.reddit.com/r/movies/comments/a1/x/", url="http://imgur.com/x", is_self=None)
    )

    assert post.data["permalink"] == "/r/movies/comments/a1/x/"
    assert (post.data["is_self"], post.data["domain"]) == (False, "imgur.com")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"body": "yes"}, "t1_a1"),
        ({"link_id": "t3_b"}, "t1_a1"),
        ({"name": "t1_a1"}, "t1_a1"),
        ({"kind": "t1"}, "t1_a1"),
        ({"title": "yes"}, "t3_a1"),
        ({"id": "t3_A1"}, "t3_a1"),
        ({"id": None, "name": "t1_zz9"}, "t1_zz9"),
    ],
)
def test_kinds_are_told_apart(fields: dict[str, Any], name: str) -> None:
    """A comment is known by its body, thread, name or kind; the rest are submissions."""
    post = only(record(1, **fields))

    assert post.name == name
    assert ("body" in post.data) == name.startswith("t1_")


def test_a_listing_child_is_unwrapped() -> None:
    """The form that listings have, kind and data, is read too."""
    inner = json.loads(record(1, body="x"))

    assert only(json.dumps({"kind": "t1", "data": inner}).encode()).name == "t1_a1"


def test_posts_taken_away_before_they_were_recorded_say_so() -> None:
    """A recorded removal or deletion is part of the truth."""
    states = [
        only(record(1, **fields)).state(0)
        for fields in (
            {"removed_by_category": "moderator"},
            {"body": "[deleted]"},
            {"body": "[removed]"},
            {"body": "x"},
        )
    ]

    assert states == ["removed", "deleted", "removed", "live"]


def test_order_is_by_time_and_stable() -> None:
    """Records come by `created_utc`; those of one second keep their place in the file."""
    feed = feed_of(record(5), record(1), record(2, created_utc=1_001), record(3))

    assert [post.data["id"] for post in served(feed)] == ["a1", "a2", "a3", "a5"]


def test_speed_gaps_and_the_rate_limit() -> None:
    """Time runs at a multiple, gaps above an hour vanish, and no two posts are closer than the rate allows."""
    at = moments([0, 10, 10, 20, 20 + 3_601, 30 + 3_601], speed=10, max_rate=5)

    assert list(at) == pytest.approx([0, 1, 1.2, 2.2, 2.4, 3.4])


def test_posts_come_when_due() -> None:
    """Nothing comes early, and no more than there is room for."""
    feed = feed_of(*[record(number) for number in range(5)], speed=1)

    steps = [[post.data["id"] for post in feed.due(now, room)] for now, room in ((0.5, 9), (2, 1), (2, 9), (99, 9))]

    assert steps == [["a0"], ["a1"], ["a2"], ["a3", "a4"]]
    assert feed.exhausted
    assert [post.data["id"] for post in feed.yielded()] == ["a0", "a1", "a2", "a3", "a4"]


def test_a_replay_needs_no_known_films(make_world: Callable[..., RunningWorld], tmp_path: Path) -> None:
    """With a recording any catalogue will do, however small, since no story is told."""
    (tmp_path / "posts").write_bytes(record(1))
    (tmp_path / "films").write_text("tmdb_id,title,popularity,vote_count\n1,Only One,3,10\n")

    world = make_world(posts=tmp_path / "posts", catalog=tmp_path / "films", paused=False)

    assert [film["id"] for film in world.tmdb("/movie/popular").json()["results"]] == [1]


def test_lone_surrogates_survive_to_the_client(make_world: Callable[..., RunningWorld], tmp_path: Path) -> None:
    """Text that is no valid Unicode, as old dumps hold, is served as JSON escapes."""
    path = tmp_path / "posts"
    path.write_bytes(record(1, title="half \ud83d pair"))
    world = make_world(posts=path, speed=1e9, paused=False)

    with praw_of(world) as reddit:
        eventually(lambda: world.state()["exhausted"])
        (post,) = reddit.subreddit("movies").new()

    assert post.title == "half \ud83d pair"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared recording is not at hand")
def test_the_whole_recording_is_read_by_a_poller(make_world: Callable[..., RunningWorld]) -> None:
    """All 16,120 posts reach a praw client in the order of the file, at full speed, because the world waits for it."""
    expected = [json.loads(line)["id"] for line in read_lines(SHARED)]
    world = make_world(posts=SHARED, speed=1e9, max_rate=1e5)
    assert world.state()["posts_total"] == len(expected)
    assert world.state()["skipped"] == {}
    got: list[str] = []
    known: set[str] = set()

    with praw_of(world) as reddit:
        multi = reddit.subreddit("+".join(world.state()["subreddits"]))

        def poll() -> bool:
            fresh = []
            for post in multi.new(limit=1000):
                if post.id in known:
                    break
                fresh.append(post.id)
            got.extend(reversed(fresh))
            known.update(fresh)
            return len(got) >= len(expected)

        poll()
        world.start()
        eventually(poll, 60)

    assert got == expected
    assert world.state()["exhausted"]
