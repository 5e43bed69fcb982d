"""Where a post can be: every topic, table, state and file, looked through from beginning to end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cinepulse.errors import Poison
from clickhouse.erasure import rows_of_posts
from producers.database import FOLDER
from producers.reddit.forgotten import PollerMemory
from schemas.append import Place
from schemas.provision import admin_client, describe_topics
from schemas.reader import TopicReader
from schemas.topics import MOVIE_MENTIONS, MOVIE_TERMS, PIPELINE_DEAD_LETTERS, REDDIT_POSTS
from stream_processors.changelog_store import changelog_topic
from stream_processors.identity import REDDIT, pack_fullname
from stream_processors.traces import CountedPost, LogTraces, counted_in, linked_in
from stream_processors.workers import COUNT_APP, LINK_APP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from cinepulse.settings import Settings
    from clickhouse.client import Client
    from schemas.codec import Codec
    from schemas.events import MentionKey, RedditPost, TermsKey
    from schemas.reader import RawRecord
    from schemas.topics import Topic

Keyed = dict[Place, bytes]
"""Records with their keys."""

LINK_LOG: Final = changelog_topic(LINK_APP)
COUNT_LOG: Final = changelog_topic(COUNT_APP)

# What goes when nobody does anything, at the latest; see docs/deletions.md.
UNTIL: Final = {
    REDDIT_POSTS.name: "48 h after it was read",
    PIPELINE_DEAD_LETTERS.name: "48 h after it failed",
    MOVIE_MENTIONS.name: "36 h after its retraction; the retraction itself 30 days",
    MOVIE_TERMS.name: "48 h after it was read",
    LINK_LOG.name: "48 h after it was deleted on Reddit",
    COUNT_LOG.name: "48 h after its retraction",
    "producer": "it is forgotten here, or 1500 newer posts of its listing were read",
    "logs": "the file is rotated away, after 30 MB of newer lines",
}
TABLES_UNTIL: Final = "7 h after its retraction"
LETTERS_UNTIL: Final = "30 days after it failed"


@dataclass(frozen=True, slots=True)
class Found:
    """How often the posts were found in one place, and when that ends at the latest by itself."""

    where: str
    what: str
    found: int
    until: str = ""


@dataclass
class PostRecords:
    """What `reddit.posts` holds of some posts: their own records, and comments that quote their title."""

    own: Keyed = field(default_factory=dict)
    comments: Keyed = field(default_factory=dict)


class Scan:
    """Looks for posts.

    Args:
        settings: where Kafka and the data directory are.
        codec: reads the topics.
        client: asks ClickHouse.
        posts: fullnames.
        author: whose dead letters count as well, None for nobody's.
    """

    def __init__(
        self, settings: Settings, codec: Codec, client: Client, posts: Iterable[str], author: str | None = None
    ) -> None:
        self.settings = settings
        self.codec = codec
        self.client = client
        self.posts = frozenset(posts)
        names = sorted(self.posts) + ([author] if author else [])
        self._pattern = re.compile(
            rb"(?<![\w-])(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?![\w-])", re.IGNORECASE
        )
        self._packed = {pack_fullname(name.encode()): name for name in self.posts}
        states = describe_topics(admin_client(settings), [LINK_LOG, COUNT_LOG])
        self._logs = {name for name, state in states.items() if state is not None}

    @property
    def memory(self) -> PollerMemory:
        """The Reddit producer's file below the data directory."""
        return PollerMemory(self.settings.data_dir / FOLDER / "reddit.sqlite")

    def post_records(self) -> PostRecords:
        """Return the records of `reddit.posts` that are about the posts or quote them, tombstones included."""
        found = PostRecords()
        for place, record in self._records(REDDIT_POSTS):
            key = record.key or b""
            if self._name_of(key) in self.posts:
                found.own[place] = key
            elif record.value is not None and self._pattern.search(record.value):
                # A comment holds the title of the post that it is under, and whatever cannot be read may.
                post = _decoded(self.codec, REDDIT_POSTS.value_subject, record.value)
                if post is None or (post.thread_id in self.posts and post.thread_title):
                    found.comments[place] = key
        return found

    def letters(self) -> Keyed:
        """Return the dead letters that name one of the posts, or the author, anywhere in their bytes."""
        return {
            place: record.key or b""
            for place, record in self._records(PIPELINE_DEAD_LETTERS)
            if record.value is not None and self._pattern.search(record.value)
        }

    def mentions(self) -> Keyed:
        """Return the mentions of the posts, tombstones included."""
        return {
            place: record.key or b""
            for place, record in self._records(MOVIE_MENTIONS)
            if record.key is not None and self._pattern.search(record.key) and self._is_mention(record.key)
        }

    def terms(self) -> Keyed:
        """Return the words near films in the posts, tombstones included."""
        return {
            place: record.key or b""
            for place, record in self._records(MOVIE_TERMS)
            if record.key is not None and self._pattern.search(record.key) and self._is_mention(record.key, MOVIE_TERMS)
        }

    def logs(self) -> list[LogTraces]:
        """Return the workers' changelogs, unread."""
        both = (
            LogTraces(LINK_LOG.name, lambda body: linked_in(body, self._packed)),
            LogTraces(COUNT_LOG.name, lambda body: counted_in(body, self._packed)),
        )
        return [one for one in both if one.topic in self._logs]

    def counted(self) -> set[CountedPost]:
        """Return the posts that the count stage's changelog holds."""
        traces = [one for one in self.logs() if one.topic == COUNT_LOG.name]
        for one in traces:
            self.read_log(one)
        return {held for one in traces for held in one.found if isinstance(held, CountedPost)}

    def read_log(self, traces: LogTraces) -> None:
        """Read a changelog to its end."""
        with TopicReader(self.settings, traces.topic, "forget") as reader:
            for record in reader.to_end():
                traces.read(record)

    def everything(self) -> list[Found]:
        """Look everywhere, and return each place with what was found in it."""
        records, logs = self.post_records(), self.logs()
        for one in logs:
            self.read_log(one)
        rows = rows_of_posts(self.client, sorted(self.posts))
        letters = rows.pop("dead_letters")
        return [
            self._topic(REDDIT_POSTS, "records", records.own),
            self._topic(REDDIT_POSTS, "comments with its title", records.comments),
            self._topic(PIPELINE_DEAD_LETTERS, "dead letters", self.letters()),
            self._topic(MOVIE_MENTIONS, "mentions and retractions", self.mentions()),
            self._topic(MOVIE_TERMS, "words near films", self.terms()),
            *(Found(one.topic, "bodies of the state", len(one.holding), UNTIL[one.topic]) for one in logs),
            *(Found(f"table {name}", "rows", count, TABLES_UNTIL) for name, count in rows.items()),
            Found("table dead_letters", "messages", letters, LETTERS_UNTIL),
            *self._files(),
        ]

    def _files(self) -> Iterator[Found]:
        memory = self.memory
        if memory.exists:
            yield Found("producer's memory", "rows", memory.count(self.posts), UNTIL["producer"])
        yield Found("logs", "lines", sum(map(self._lines, self._log_files())), UNTIL["logs"])

    def _log_files(self) -> list[Path]:
        folder = self.settings.data_dir / "logs"
        return sorted(path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else []

    def _lines(self, path: Path) -> int:
        with path.open("rb") as lines:
            return sum(self._pattern.search(line) is not None for line in lines)

    def _topic(self, topic: Topic, what: str, records: Keyed) -> Found:
        return Found(topic.name, what, len(records), UNTIL[topic.name])

    def _records(self, topic: Topic) -> Iterator[tuple[Place, RawRecord]]:
        with TopicReader(self.settings, topic.name, "forget") as reader:
            for record in reader.to_end():
                yield Place(topic.name, record.partition, record.offset), record

    def _name_of(self, key: bytes) -> str | None:
        try:
            name: str = self.codec.decode(REDDIT_POSTS.key_subject, key)
        except Poison:
            return None
        return name

    def _is_mention(self, key: bytes, topic: Topic = MOVIE_MENTIONS) -> bool:
        try:
            mention: MentionKey | TermsKey = self.codec.decode(topic.key_subject, key)
        except Poison:
            return True
        return mention.platform == REDDIT and mention.post_id in self.posts


def posts_by(settings: Settings, codec: Codec, author: str) -> set[str]:
    """Return the fullnames of an author's posts in `reddit.posts`: authors are known nowhere else, and there for 48 h.

    Reddit's account names are the same in any case of letters.
    """
    wanted, found = author.casefold(), set()
    with TopicReader(settings, REDDIT_POSTS.name, "forget") as reader:
        for record in reader.to_end():
            if record.value is None or wanted.encode() not in record.value.lower():
                continue
            post = _decoded(codec, REDDIT_POSTS.value_subject, record.value)
            if post is not None and (post.author or "").casefold() == wanted:
                found.add(post.fullname)
    return found


def _decoded(codec: Codec, subject: str, value: bytes) -> RedditPost | None:
    try:
        post: RedditPost = codec.decode(subject, value)
    except Poison:
        return None
    return post
