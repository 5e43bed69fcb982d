from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.clock import ManualClock
from cinepulse.errors import DeadLetterRateExceeded
from schemas.codec import Codec
from schemas.events import Mention, RedditPost
from schemas.partitioning import film_partition
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS, MOVIE_TERMS, PIPELINE_DEAD_LETTERS, REDDIT_POSTS
from stream_processors.dead_letters import DeadLetters
from stream_processors.identity import denial_of, pack_fullname
from stream_processors.link_stage import LinkStage
from stream_processors.posts import decode_posts, mentions_of
from stream_processors.stage import FORGET_HEADER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stream_processors.link_stage import LinkPartition
    from stream_processors.outbox import Outgoing
    from stream_processors.stage import Flush

CODEC = Codec(ManifestIds())
NOW = 1_790_000_000_000
YEAR_2150 = 5_680_281_600_000

POST = RedditPost(
    fullname="t3_abc",
    kind="submission",
    subreddit="movies",
    title="7",
    body="",
    created_at=NOW - 5_000,
    observed_at=NOW,
    score=1,
    state="live",
)


@dataclass
class Record:
    """A record of `reddit.posts`."""

    offset: int
    value: bytes | None
    key: bytes | None = b"key"
    timestamp: int = NOW


@dataclass(frozen=True)
class Found:
    """What the linker finds."""

    tmdb_id: int
    confidence: float = 0.9
    location: str = "title"
    method: str = "rules"


def link(post: RedditPost) -> Mapping[int, Mention]:
    """Return a mention for each number in the title; fail over a certain one."""
    if post.title == "crash":
        raise ZeroDivisionError("division by zero")
    return mentions_of(post, [Found(int(word)) for word in (post.title or "").split() if word.isdigit()], "v1")


def stage() -> LinkStage:
    """Return a link stage."""
    letters = DeadLetters("link", REDDIT_POSTS.name, CODEC, ManualClock(NOW), partitions=4, max_share=0.5)
    return LinkStage(CODEC, link, letters, partitions=4)


def record(post: RedditPost, offset: int = 0) -> Record:
    """Return a post's record."""
    return Record(offset, CODEC.encode(REDDIT_POSTS.value_subject, post))


def sent(partition: LinkPartition) -> list[Outgoing]:
    """Take a flush and return what it sends."""
    flush = partition.take()
    return [] if flush is None else list(flush.outgoing)


def test_a_mention_goes_to_its_films_partition_with_the_time_of_its_observation() -> None:
    """The count stage finds all of a film in one partition, and knows of retractions when they were seen."""
    partition = stage().open(0)

    partition.fold([record(POST)])
    (mention,) = sent(partition)
    partition.fold([record(replace(POST, state="deleted", title=None, observed_at=NOW + 1_000), 1)])
    (retraction,) = sent(partition)

    key = CODEC.decode(MOVIE_MENTIONS.key_subject, mention.key)
    value = CODEC.decode(MOVIE_MENTIONS.value_subject, mention.value or b"")
    assert (key.tmdb_id, key.platform, key.post_id, key.created_at) == (7, "reddit", "t3_abc", NOW - 5_000)
    assert (value.community, value.observed_at, value.linker_version) == ("movies", NOW, "v1")
    assert (mention.topic, mention.partition) == (MOVIE_MENTIONS.name, film_partition(7, 4))
    assert (retraction.key, retraction.value) == (mention.key, None)
    assert (mention.timestamp, retraction.timestamp) == (NOW, NOW + 1_000)


def test_words_near_a_film_go_beside_the_mention_and_leave_with_it() -> None:
    """Each mention has a record of its words under the same identity, partition and time; a retraction takes both."""
    letters = DeadLetters("link", REDDIT_POSTS.name, CODEC, ManualClock(NOW), partitions=4, max_share=0.5)
    near = {7: ("spice", "sandworm")}
    partition = LinkStage(CODEC, link, letters, partitions=4, terms=lambda _post: near).open(0)

    partition.fold([record(POST)])
    mention, words = sent(partition)
    partition.fold([record(replace(POST, state="deleted", title=None, observed_at=NOW + 1_000), 1)])
    retraction, end = sent(partition)
    partition.fold([record(replace(POST, observed_at=NOW + 2_000), 2)])
    sent(partition)
    partition.fold([tombstone(3)])
    forgotten = sent(partition)

    assert (mention.topic, words.topic) == (MOVIE_MENTIONS.name, MOVIE_TERMS.name)
    assert (words.partition, words.timestamp) == (mention.partition, mention.timestamp)
    key = CODEC.decode(MOVIE_TERMS.key_subject, words.key)
    assert (key.tmdb_id, key.platform, key.post_id, key.created_at) == (7, "reddit", "t3_abc", NOW - 5_000)
    assert CODEC.decode(MOVIE_TERMS.value_subject, words.value or b"").terms == near[7]
    assert (retraction.value, end.topic, end.key, end.value) == (None, MOVIE_TERMS.name, words.key, None)
    assert [(one.topic, one.value) for one in forgotten] == [(MOVIE_MENTIONS.name, None), (MOVIE_TERMS.name, None)]


def test_words_that_fail_make_the_post_a_dead_letter() -> None:
    """Whatever text makes them fail, the post is poison as a whole and the posts behind it go on."""

    def failing(_post: RedditPost) -> dict[int, tuple[str, ...]]:
        raise ZeroDivisionError("division by zero")

    letters = DeadLetters("link", REDDIT_POSTS.name, CODEC, ManualClock(NOW), partitions=4, max_share=0.5)
    partition = LinkStage(CODEC, link, letters, partitions=4, terms=failing).open(0)

    partition.fold([record(POST)])

    assert [one.topic for one in sent(partition)] == [PIPELINE_DEAD_LETTERS.name]
    assert len(partition) == 0


def test_a_restored_state_knows_what_was_mentioned() -> None:
    """After a restart, an edit still retracts what an earlier worker mentioned."""
    first = stage().open(0)
    first.fold([record(replace(POST, title="7 8"))])
    flush = first.take()
    assert flush is not None

    second = stage().open(0)
    for body in flush.bodies:
        second.restore(body)
    second.fold([record(replace(POST, title="8", observed_at=NOW + 1), 1)])

    assert [(one.value is None, CODEC.decode(MOVIE_MENTIONS.key_subject, one.key).tmdb_id) for one in sent(second)] == [
        (True, 7)
    ]


def test_a_post_without_films_takes_no_memory_and_sends_nothing() -> None:
    """Most posts are about something else."""
    partition = stage().open(0)

    partition.fold([record(replace(POST, title="nothing"))])

    assert len(partition) == 0
    assert partition.take() is None


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (Record(0, record(POST).value[:-4]), "corrupt_record"),  # type: ignore[index]  # a post has a value
        (Record(0, b""), "corrupt_record"),
        (Record(0, b"\0\0\0\xff\xff" + b"x" * 50), "unknown_schema_id"),
        (record(replace(POST, title=None)), "title_missing"),
        (record(replace(POST, created_at=YEAR_2150)), "created_in_future"),
        (record(replace(POST, body="x" * 300_000)), "text_too_long"),
        (record(replace(POST, title="crash")), "link_failed"),
    ],
)
def test_poison_becomes_a_dead_letter_and_the_rest_is_linked(broken: Record, reason: str) -> None:
    """Whatever is in a record, it never stops those behind it."""
    partition = stage().open(2)

    partition.fold([broken, record(POST, 1)])

    letter, mention = sent(partition)
    dead = CODEC.decode(PIPELINE_DEAD_LETTERS.value_subject, letter.value or b"")
    assert (letter.topic, dead.reason, dead.partition, dead.offset) == (PIPELINE_DEAD_LETTERS.name, reason, 2, 0)
    assert mention.topic == MOVIE_MENTIONS.name


def test_a_mention_that_breaks_the_contract_changes_nothing() -> None:
    """A post of which one mention cannot be written is poison as a whole: no half of it is known or sent."""

    def impossible(post: RedditPost) -> dict[int, Any]:
        return {**link(post), 2**70: link(post)[7]}

    letters = DeadLetters("link", REDDIT_POSTS.name, CODEC, ManualClock(NOW), partitions=4, max_share=0.5)
    partition = LinkStage(CODEC, impossible, letters, partitions=4).open(0)

    partition.fold([record(POST)])

    assert [one.topic for one in sent(partition)] == [PIPELINE_DEAD_LETTERS.name]
    assert len(partition) == 0


def test_too_much_poison_stops_the_stage() -> None:
    """A wrong registry or a foreign topic must not drain into the dead letters."""
    partition = stage().open(0)

    with pytest.raises(DeadLetterRateExceeded):
        partition.fold([Record(offset, b"junk") for offset in range(200)])


@dataclass
class Tombstone:
    """A tombstone in `reddit.posts`, by which `cinepulse forget` speaks unless it has no header."""

    offset: int
    key: bytes | None
    value: bytes | None = None
    timestamp: int = NOW
    headers: tuple[tuple[str, bytes], ...] = ((FORGET_HEADER, b""),)


def tombstone(offset: int, fullname: str = "t3_abc", **changes: Any) -> Tombstone:
    """Return a post's tombstone."""
    return Tombstone(offset, CODEC.encode(REDDIT_POSTS.key_subject, fullname), **changes)


def restored(*flushes: Flush | None) -> LinkPartition:
    """Return the state that a worker has that reads these flushes' bodies."""
    partition = stage().open(0)
    for flush in flushes:
        for body in flush.bodies if flush else ():
            partition.restore(body)
    return partition


def settle(partition: LinkPartition) -> Flush:
    """Take a flush and say that it is delivered."""
    flush = partition.take()
    assert flush is not None
    partition.settled(flush)
    return flush


def test_a_forgotten_post_is_retracted_and_nothing_of_it_stays() -> None:
    """First the retractions, then, once they are delivered, the whole log without the post's id."""
    partition = stage().open(0)
    partition.fold([record(replace(POST, title="7 8")), record(replace(POST, fullname="t3_other"), 1)])
    first = settle(partition)

    partition.fold([tombstone(2)])
    second = settle(partition)
    third = settle(partition)

    number = pack_fullname(b"t3_abc")
    keys = [CODEC.decode(MOVIE_MENTIONS.key_subject, one.key) for one in second.outgoing]
    assert {(key.tmdb_id, key.post_id) for key in keys} == {(7, "t3_abc"), (8, "t3_abc")}
    assert [one.value for one in second.outgoing] == [None, None]
    assert (second.again, second.whole, third.outgoing) == (True, None, [])
    assert number in dict(decode_posts(first.bodies[0]))
    assert third.whole is not None
    assert set(dict(decode_posts(b"".join(third.whole)))) == {pack_fullname(b"t3_other"), denial_of(b"t3_abc")}


def test_a_forgotten_post_does_not_come_back() -> None:
    """Neither from another poll nor a backfill, nor after a restart from the state's bodies or from the whole."""
    partition = stage().open(0)
    partition.fold([record(POST), tombstone(1)])
    flushes = [settle(partition), settle(partition)]
    whole = flushes[1].whole
    assert whole is not None
    anew = stage().open(0)
    for body in whole:
        anew.restore(body)

    for one in (partition, restored(*flushes), anew):
        one.fold([record(replace(POST, observed_at=NOW + 9_000, score=50), 2)])
        assert one.take() is None


def test_a_post_that_was_never_known_can_be_forgotten() -> None:
    """Whatever is asked for must not come later either."""
    partition = stage().open(0)

    partition.fold([tombstone(0), record(POST, 1)])

    assert settle(partition).outgoing == []


def test_retractions_are_sent_again_after_a_crash_that_lost_them() -> None:
    """The state got out and what it leads to did not: the tombstone comes again, and so do the retractions."""
    partition = stage().open(0)
    partition.fold([record(POST)])
    first = settle(partition)
    partition.fold([tombstone(1)])
    lost = partition.take()

    heir = restored(first, lost)
    heir.fold([tombstone(1)])

    assert [(one.topic, one.value) for one in settle(heir).outgoing] == [(MOVIE_MENTIONS.name, None)]


def test_a_tombstone_alone_takes_back_nothing() -> None:
    """It removes a text from the topic before its time; what was linked stays."""
    partition = stage().open(0)
    partition.fold([record(POST)])
    settle(partition)

    partition.fold([tombstone(1, headers=())])

    assert partition.take() is None
    assert len(partition) == 1


def test_a_deleted_post_leaves_the_state_and_its_log() -> None:
    """A day of stream time after it named its last film it is dropped, and some hours later the log is written anew.

    Until it is dropped, an older observation of it that comes late brings nothing back.
    """
    partition = stage().open(0)
    partition.fold([record(POST)])
    settle(partition)
    partition.fold([record(replace(POST, state="deleted", title=None, observed_at=NOW + 1_000), 1)])
    settle(partition)
    partition.fold([record(replace(POST, observed_at=NOW + 500), 2)])
    late = partition.take()
    other = replace(POST, fullname="t3_other", title="8")
    at = NOW + 25 * 3_600_000
    value = CODEC.encode(REDDIT_POSTS.value_subject, replace(other, observed_at=at))
    partition.fold([Record(3, value, timestamp=at)])
    last = settle(partition)

    assert late is None
    assert last.whole is not None
    assert set(dict(decode_posts(b"".join(last.whole)))) == {pack_fullname(b"t3_other")}
