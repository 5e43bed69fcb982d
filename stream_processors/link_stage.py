"""The link stage: observations of posts in, mentions and retractions out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from cinepulse.errors import Poison
from cinepulse.metrics import FORGOTTEN_RETURNS, FUTURE_STAMPED, MENTIONS_EMITTED, RECORDS_PROCESSED
from schemas.events import MentionKey, MentionTerms, TermsKey
from schemas.partitioning import film_partition
from schemas.topics import MOVIE_MENTIONS, MOVIE_TERMS, REDDIT_POSTS
from stream_processors.identity import REDDIT, denial_of, pack_fullname
from stream_processors.outbox import Outgoing
from stream_processors.posts import check_post, encode_posts, merge_posts, next_step
from stream_processors.posts.known import KnownPosts
from stream_processors.posts.linked import RETRACTED, LinkedPost
from stream_processors.posts.table import pack_post, unpack_post
from stream_processors.stage import Flush, asks_to_forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from schemas.codec import Codec
    from schemas.events import Mention, RedditPost
    from stream_processors.dead_letters import DeadLetters

    Link = Callable[[RedditPost], Mapping[int, Mention]]
    Terms = Callable[[RedditPost], Mapping[int, tuple[str, ...]]]

T = TypeVar("T")

FUTURE_REASON = "created_in_future"


def terms_key(key: MentionKey) -> TermsKey:
    """Return the key of the words of a mention."""
    return TermsKey(tmdb_id=key.tmdb_id, platform=key.platform, post_id=key.post_id, created_at=key.created_at)


class Record(Protocol):
    """A Kafka record of `reddit.posts`."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Time that its producer gave it."""
        ...

    @property
    def key(self) -> bytes | None:
        """Key as it came."""
        ...

    @property
    def value(self) -> bytes | None:
        """Value as it came."""
        ...


class LinkStage:
    """Links posts.

    Args:
        codec: the contract.
        link: returns the mentions in a post, by film; looks up the catalogue of the moment.
        dead_letters: takes posts that cannot be linked.
        partitions: partitions of every topic.
        check_feed: raises the error that ended the catalogue's feed.
        terms: returns the words near each film of a post that was just linked; None sends none.
    """

    name = "link"
    source = REDDIT_POSTS.name
    slice_records = 50

    def __init__(  # noqa: PLR0913 - all that the stage is made of
        self,
        codec: Codec,
        link: Link,
        dead_letters: DeadLetters,
        *,
        partitions: int,
        check_feed: Callable[[], None] = lambda: None,
        terms: Terms | None = None,
    ) -> None:
        self._terms = terms
        self._check_feed = check_feed
        self._codec = codec
        self._link = link
        self._dead_letters = dead_letters
        self._partitions = partitions

    def open(self, partition: int) -> LinkPartition:
        """Return an empty table for one partition of `reddit.posts`."""
        return LinkPartition(
            partition, self._codec, self._link, self._dead_letters, self._partitions, terms=self._terms
        )

    def merge(self, bodies: Sequence[bytes]) -> bytes:
        """Return one body with the effect of several."""
        return merge_posts(bodies)

    def check(self) -> None:
        """Raise the error that ended the catalogue's feed, if it has."""
        self._check_feed()


class LinkPartition:
    """The posts of one partition that name films, and what is to be sent about them."""

    def __init__(  # noqa: PLR0913 - what the stage was given, and which partition it is
        self,
        partition: int,
        codec: Codec,
        link: Link,
        dead_letters: DeadLetters,
        partitions: int,
        *,
        terms: Terms | None = None,
    ) -> None:
        self._terms = terms
        self._partition = partition
        self._codec = codec
        self._link = link
        self._dead_letters = dead_letters
        self._partitions = partitions
        self._posts = KnownPosts()
        self._outgoing: list[Outgoing] = []

    def __len__(self) -> int:
        return len(self._posts)

    def begin_epoch(self, epoch: int) -> None:
        """Do nothing: a post's table is about the post, whatever topic it came in."""

    def restore(self, body: bytes) -> None:
        """Apply one body of the changelog."""
        self._posts.restore(body)

    def restored(self) -> None:
        """Do nothing: nothing hangs over."""

    def fold(self, records: Sequence[Record]) -> None:
        """Link posts; raises DeadLetterRateExceeded."""
        poisoned = 0
        for record in records:
            try:
                self._observe(record)
            except Poison as poison:
                poisoned += 1
                if poison.reason == FUTURE_REASON:
                    FUTURE_STAMPED.labels("link").inc()
                self._outgoing.append(self._dead_letters.letter(self._partition, record, poison))
        RECORDS_PROCESSED.labels("link").inc(len(records))
        self._dead_letters.observe(self._partition, len(records), poisoned)

    def take(self) -> Flush | None:
        """Return the changed posts and what to send about them since the last call."""
        changed, whole, forgotten = self._posts.take()
        if not changed and not self._outgoing:
            return None
        outgoing, self._outgoing = self._outgoing, []
        bodies = None if whole is None else encode_posts(whole)
        return Flush(encode_posts(changed), outgoing, receipt=forgotten, whole=bodies, again=bool(forgotten))

    def settled(self, flush: Flush) -> None:
        """Drop the forgotten posts whose retractions are delivered."""
        if flush.receipt:
            self._posts.erase(flush.receipt)

    def _observe(self, record: Record) -> None:
        self._posts.passed(record.timestamp)
        if record.value is None:
            # A tombstone alone takes a text out of the topic, and says nothing about its mentions.
            if asks_to_forget(record):
                self._forget(record)
            return
        post: RedditPost = self._codec.decode(REDDIT_POSTS.value_subject, record.value)
        check_post(post, sent_at=record.timestamp)
        encoded = post.fullname.encode("utf-8", "surrogatepass")
        if self._posts.is_denied(denial_of(encoded)):
            FORGOTTEN_RETURNS.labels("link").inc()
            return
        fullname = pack_fullname(encoded)
        packed = self._posts.get(fullname)
        step = next_step(None if packed is None else unpack_post(packed), post, self._safe_link)
        if step is None:
            return
        # Encoded first: a post of which one mention breaks the contract changes nothing.
        terms = self._safe_terms(post) if any(mention is not None for _, mention in step.sends) else {}
        outgoing = [
            one
            for tmdb_id, mention in step.sends
            for one in self._records(
                MentionKey(tmdb_id=tmdb_id, platform=REDDIT, post_id=post.fullname, created_at=step.post.created_at),
                mention,
                terms.get(tmdb_id, ()),
                post.observed_at,
            )
        ]
        self._posts.put(fullname, pack_post(step.post))
        self._outgoing += outgoing
        for _, mention in step.sends:
            MENTIONS_EMITTED.labels("retraction" if mention is None else "mention").inc()

    def _safe_terms(self, post: RedditPost) -> Mapping[int, tuple[str, ...]]:
        return {} if self._terms is None else self._safely(self._terms, post)

    def _safe_link(self, post: RedditPost) -> Mapping[int, Mention]:
        return self._safely(self._link, post)

    def _safely(self, read: Callable[[RedditPost], Mapping[int, T]], post: RedditPost) -> Mapping[int, T]:
        try:
            return read(post)
        except Exception as error:
            # Whatever text makes the linker fail, the posts behind it must not wait for a new version of it.
            raise Poison(f"{post.fullname}: {type(error).__name__}: {error}", reason="link_failed") from error

    def _forget(self, record: Record) -> None:
        """Retract what a post led to, and remember that it must not come back.

        What is known of it goes with the flush after the one that delivers the retractions: until then, a crash would
        leave nobody who knows what to retract.
        """
        fullname: str = self._codec.decode(REDDIT_POSTS.key_subject, record.key or b"")
        encoded = fullname.encode("utf-8", "surrogatepass")
        number = pack_fullname(encoded)
        packed = self._posts.get(number)
        if packed is not None:
            known = unpack_post(packed)
            for tmdb_id in known.films:
                key = MentionKey(tmdb_id=tmdb_id, platform=REDDIT, post_id=fullname, created_at=known.created_at)
                self._outgoing += self._records(key, None, (), record.timestamp)
            MENTIONS_EMITTED.labels("retraction").inc(len(known.films))
            gone = LinkedPost(known.created_at, known.observed_at, dict.fromkeys(known.films, RETRACTED))
            self._posts.put(number, pack_post(gone))
        self._posts.deny(denial_of(encoded), number)

    def _records(
        self, key: MentionKey, mention: Mention | None, terms: tuple[str, ...], observed_at: int
    ) -> Iterator[Outgoing]:
        """Yield the records about a mention or retraction."""
        # Encoded first: what breaks the contract has no partition either.
        value = None if mention is None else self._codec.encode(MOVIE_MENTIONS.value_subject, mention)
        encoded = self._codec.encode(MOVIE_MENTIONS.key_subject, key)
        partition = film_partition(key.tmdb_id, self._partitions)
        # The record's time is that of the observation it rests on: a retraction has no value to say it.
        yield Outgoing(MOVIE_MENTIONS.name, partition, encoded, value, observed_at)
        if self._terms is not None:
            near = MentionTerms(terms=terms, observed_at=observed_at)
            value = None if mention is None else self._codec.encode(MOVIE_TERMS.value_subject, near)
            encoded = self._codec.encode(MOVIE_TERMS.key_subject, terms_key(key))
            yield Outgoing(MOVIE_TERMS.name, partition, encoded, value, observed_at)
