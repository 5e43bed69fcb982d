"""Replays as folds: the stages' own states over records in memory, cut to some days."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.settings import Settings
from schemas.codec import Codec
from schemas.events import Mention, MentionCount, MentionCountKey, MentionKey, RedditPost
from schemas.partitioning import film_partition, post_partition
from schemas.reader import RawRecord
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTION_COUNTS, MOVIE_MENTIONS, REDDIT_POSTS
from stream_processors.posts import mentions_of
from stream_processors.replaying import Instants, MentionReplay, Observation, PostReplay, Produced
from stream_processors.resending import overtaken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IDS = ManifestIds()
CODEC = Codec(IDS)
PARTITIONS = 2
SETTINGS = Settings(partitions=PARTITIONS)
DAY = 86_400_000
BEGIN = 20_000 * DAY
INSTANTS = Instants(BEGIN, BEGIN + DAY)
SHARED = Path(__file__).parents[3] / "shared" / "data"

POST = RedditPost(
    fullname="t3_a1",
    kind="submission",
    subreddit="movies",
    title="7",
    body="",
    created_at=BEGIN + 5,
    observed_at=BEGIN + 1_000,
    score=1,
    state="live",
)


class Found:
    """A film that the linker finds."""

    location, method, confidence = "title", "name", 0.9

    def __init__(self, tmdb_id: int) -> None:
        self.tmdb_id = tmdb_id


def link(post: RedditPost) -> Mapping[int, Mention]:
    """Return a mention of each film whose number is in the title."""
    return mentions_of(post, [Found(int(word)) for word in (post.title or "").split()], "test")


class Log:
    """Records of a topic, each at its partition's next offset."""

    def __init__(self) -> None:
        self.records: list[RawRecord] = []
        self._ends = dict.fromkeys(range(PARTITIONS), 0)

    def add(self, partition: int, key: bytes | None, value: bytes | None, time: int) -> None:
        """Append a record."""
        self.records.append(RawRecord(partition, self._ends[partition], key, value, time))
        self._ends[partition] += 1

    def post(self, post: RedditPost) -> None:
        """Append an observation of a post."""
        value = CODEC.encode(REDDIT_POSTS.value_subject, post)
        self.add(post_partition(post.fullname, PARTITIONS), b"key", value, post.observed_at)

    def mention(self, tmdb_id: int, post_id: str, created_at: int, *, gone: bool = False) -> None:
        """Append a mention or its retraction."""
        key = MentionKey(tmdb_id=tmdb_id, platform="reddit", post_id=post_id, created_at=created_at)
        (mention,) = link(replace(POST, title=str(tmdb_id))).values()
        self.add(
            film_partition(tmdb_id, PARTITIONS),
            CODEC.encode(MOVIE_MENTIONS.key_subject, key),
            None if gone else CODEC.encode(MOVIE_MENTIONS.value_subject, mention),
            created_at,
        )


def standing(produced: Sequence[Produced]) -> dict[tuple[str, int], Mention]:
    """Return the mentions that stand after some records, by post and film."""
    found = {}
    for record in produced:
        key = CODEC.decode(MOVIE_MENTIONS.key_subject, record.key)
        found[key.post_id, key.tmdb_id] = record.value and CODEC.decode(MOVIE_MENTIONS.value_subject, record.value)
    return {place: mention for place, mention in found.items() if mention}


def counts_of(replay: MentionReplay) -> dict[tuple[int, int], MentionCount]:
    """Return the counts that a replay tells since the last time, by film and day."""
    found = {}
    for record in replay.take():
        key: MentionCountKey = CODEC.decode(MOVIE_MENTION_COUNTS.key_subject, record.key)
        found[key.tmdb_id, key.day] = CODEC.decode(MOVIE_MENTION_COUNTS.value_subject, record.value or b"")
    return found


def test_posts_become_what_the_link_stage_makes_of_them() -> None:
    """An edit moves the films, a deletion takes them back, and the offsets of a partition have no hole."""
    log = Log()
    log.post(replace(POST, title="1 2"))
    log.post(replace(POST, fullname="t3_b1", title="3"))
    log.post(replace(POST, title="2 4", observed_at=BEGIN + 2_000))
    log.post(replace(POST, fullname="t3_b1", title=None, state="deleted", observed_at=BEGIN + 3_000))
    replay = PostReplay(SETTINGS, CODEC, link, INSTANTS)

    produced = replay.fold(log.records)

    assert set(standing(produced)) == {("t3_a1", 2), ("t3_a1", 4)}
    for partition in range(PARTITIONS):
        offsets = [record.offset for record in produced if record.partition == partition]
        assert offsets == list(range(len(offsets)))
    assert (replay.replayed, replay.poison) == (4, 0)


def test_posts_of_other_days_are_left_out_by_their_first_observation() -> None:
    """The day begins within and ends without; a later observation that claims another time stays with its post."""
    log = Log()
    for name, created_at in (
        ("t3_b1", BEGIN - 1),
        ("t3_b2", BEGIN),
        ("t3_b3", BEGIN + DAY - 1),
        ("t3_b4", BEGIN + DAY),
    ):
        log.post(replace(POST, fullname=name, title="1", created_at=created_at, observed_at=BEGIN + 2 * DAY))
    log.post(replace(POST, fullname="t3_b1", title="2", observed_at=BEGIN + 2 * DAY + 1))
    log.post(replace(POST, fullname="t3_b2", title="2", created_at=BEGIN - 1, observed_at=BEGIN + 2 * DAY + 1))
    replay = PostReplay(SETTINGS, CODEC, link, INSTANTS)

    produced = replay.fold(log.records)

    assert set(standing(produced)) == {("t3_b2", 2), ("t3_b3", 1)}
    assert set(replay.latest) == {"t3_b2", "t3_b3"}


def test_posts_are_told_before_they_are_linked() -> None:
    """Those of the days and only those, an edit and a deletion too, and none is linked that was not told before."""
    log = Log()
    log.post(replace(POST, title="1"))
    log.post(replace(POST, fullname="t3_b1", title="2", created_at=BEGIN - 1))
    log.post(replace(POST, fullname="t3_c1", title=None, state="deleted"))
    log.add(0, b"key", b"junk", BEGIN)
    told: list[RedditPost] = []

    def link_told(post: RedditPost) -> Mapping[int, Mention]:
        assert post in told
        return link(post)

    replay = PostReplay(SETTINGS, CODEC, link_told, INSTANTS, prepare=told.extend)

    assert set(standing(replay.fold(log.records))) == {("t3_a1", 1)}
    assert {post.fullname for post in told} == {"t3_a1", "t3_c1"}
    assert replay.poison == 1


def test_the_latest_observation_of_a_post_is_known() -> None:
    """Where it lies, for sending it again; one that comes late is not the latest, the same one again is."""
    log = Log()
    log.post(replace(POST, title="1", observed_at=BEGIN + 2_000))
    log.post(replace(POST, title="1", observed_at=BEGIN + 1_000))
    partition = post_partition(POST.fullname, PARTITIONS)
    replay = PostReplay(SETTINGS, CODEC, link, INSTANTS)

    replay.fold(log.records)
    assert replay.latest == {"t3_a1": Observation(BEGIN + 2_000, partition, 0)}

    log.post(replace(POST, title="1", observed_at=BEGIN + 2_000))
    replay.fold(log.records[2:])
    assert replay.latest == {"t3_a1": Observation(BEGIN + 2_000, partition, 2)}


def test_poison_is_told_and_left_out() -> None:
    """Bytes that are no post, a post without a value, and one that the linker cannot take."""
    log = Log()
    log.add(0, b"key", b"\0\0\0\0\x01cut", BEGIN)
    log.add(0, b"key", None, BEGIN)
    log.post(replace(POST, title="not a number"))
    replay = PostReplay(SETTINGS, CODEC, link, INSTANTS)

    assert replay.fold(log.records) == []
    assert replay.poison == 3


def test_mentions_are_counted_as_sets() -> None:
    """Duplicates count once, a retraction takes out, other days stay out; revisions are those of the log."""
    log = Log()
    film = 7
    log.mention(film, "t3_a1", BEGIN)
    log.mention(film, "t3_a1", BEGIN)
    log.mention(film, "t1_a2", BEGIN + 1)
    log.mention(film, "t3_a3", BEGIN + 2)
    log.mention(film, "t3_a3", BEGIN + 2, gone=True)
    log.mention(film, "t3_a4", BEGIN + DAY)
    replay = MentionReplay(SETTINGS, CODEC, IDS, INSTANTS, epoch=3)

    chosen = replay.fold(log.records)
    (count,) = counts_of(replay).values()

    assert [record.offset for record in chosen[film_partition(film, PARTITIONS)]] == [0, 1, 2, 3, 4]
    assert (count.mentions, count.submissions, count.comments) == (2, 1, 1)
    assert count.revision == (3 << 48) + 5
    assert counts_of(replay) == {}


def test_a_mention_without_a_readable_key_is_poison() -> None:
    """It is told and counted nowhere."""
    log = Log()
    log.add(0, b"junk", b"junk", BEGIN)
    log.add(1, None, None, BEGIN)
    replay = MentionReplay(SETTINGS, CODEC, IDS, INSTANTS)

    assert not replay.fold(log.records)
    assert (replay.replayed, replay.poison, replay.take()) == (0, 2, [])


@pytest.mark.parametrize(
    ("latest", "again"),
    [
        pytest.param(Observation(10, 0, 4), False, id="what was sent is still the latest"),
        pytest.param(Observation(11, 0, 8), True, id="a later one lies before what was sent"),
        pytest.param(Observation(11, 0, 10), False, id="a later one lies behind what was sent"),
    ],
)
def test_an_observation_that_was_overtaken_is_sent_again(latest: Observation, *, again: bool) -> None:
    """The link stage may know nothing of an observation without films, so its order with what was sent counts."""
    assert bool(overtaken({"t3_a1": Observation(10, 0, 9)}, {"t3_a1": latest})) == again


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded posts of ../shared/data are not there")
def test_recorded_posts_replay_to_what_the_linker_finds() -> None:
    """Real posts through a replay give exactly the linker's mentions, twice the same bytes, and counts that fit."""
    from stream_processors.linking import LINKER_VERSION, Catalog, message_of
    from stream_processors.linking import link as find
    from stream_processors.linking.catalog_csv import read_movies

    def mentions(post: RedditPost) -> Mapping[int, Mention]:
        return mentions_of(post, find(message_of(post), catalog), LINKER_VERSION)

    with gzip.open(SHARED / "catalog.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        catalog = Catalog.build(sorted(read_movies(lines), key=lambda movie: -(movie.vote_count or 0))[:5_000])
    posts = recorded_posts(600)
    log = Log()
    for post in posts:
        log.post(post)
    ever = Instants(0, 1 << 45)
    first, second = (PostReplay(SETTINGS, CODEC, mentions, ever).fold(log.records) for _ in range(2))
    counted = MentionReplay(SETTINGS, CODEC, IDS, ever)
    counted.fold(first)

    assert first == second
    assert standing(first) == {(post.fullname, film): one for post in posts for film, one in mentions(post).items()}
    assert sum(count.mentions for count in counts_of(counted).values()) == len(standing(first)) > 0


def recorded_posts(limit: int) -> list[RedditPost]:
    """Return the first recorded posts as the producer would send them."""
    from cinepulse.world.recorded import post_of
    from producers.reddit.records import read_post

    posts: list[RedditPost] = []
    with gzip.open(SHARED / "reddit_posts_dev.jsonl.gz") as lines:
        for line in lines:
            served: dict[str, Any] = json.loads(json.dumps(post_of(line).data))
            kind = "t1" if "body" in served and "title" not in served else "t3"
            post = read_post({"kind": kind, "data": served}, 1_790_000_000_000)
            if isinstance(post, RedditPost):
                posts.append(post)
            if len(posts) == limit:
                break
    return posts
