"""Takes posts out of everything, in the order in which nothing can bring them back.

First the producer and the linker learn that the posts are not to come again. Then the linker retracts, the counter
counts without them, the sink stores that; each is waited for. Only then is removed what still tells of the posts:
records, state and rows. A scan of all of it says what is left.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cinepulse.commands.forget_scan import COUNT_LOG, LINK_LOG, Scan
from cinepulse.commands.groups import Consumers
from clickhouse.erasure import erase_posts, mentions_of_posts
from clickhouse.offsets import Partition
from clickhouse.service import GROUP as SINK_GROUP
from clickhouse.terms import count_terms
from schemas.append import Appender, Place, RawAppend
from schemas.compaction import Compaction
from schemas.events import MentionKey, TermsKey
from schemas.partitioning import film_partition, post_partition
from schemas.reader import TopicReader
from schemas.topics import MOVIE_MENTIONS, MOVIE_TERMS, PIPELINE_DEAD_LETTERS, REDDIT_POSTS
from stream_processors.changelog import PROOF
from stream_processors.identity import REDDIT
from stream_processors.stage import FORGET_HEADER
from stream_processors.workers import COUNT_APP, LINK_APP

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from cinepulse.commands.forget_scan import Found
    from schemas.topics import Topic

HEADERS: Final = ((FORGET_HEADER, b""),)
PAUSE_SECONDS: Final = 0.3
MS_PER_DAY: Final = 86_400_000

# Less than what compaction leaves alone in the mentions: a reader who falls behind further ends it in time.
LATE_SECONDS: Final = 3.0

# A key that nothing has: its tombstone closes a segment and means nothing to anybody.
ROLL: Final = "cinepulse/roll"


@dataclass
class Forgetting:
    """Forgets the posts of a scan.

    `wait_seconds`: longest wait for each of the workers, and for the broker's compaction. `say`: told what is done.
    """

    scan: Scan
    wait_seconds: float
    say: Callable[[str], None] = lambda _text: None
    notes: list[str] = field(default_factory=list)
    _superseded: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._settings, self._codec = self.scan.settings, self.scan.codec
        self._appender = Appender(self._settings, "forget")
        self._consumers = Consumers(self._settings)

    def run(self) -> list[Found]:
        """Forget the posts and return what a scan of everything finds afterwards.

        Safe to repeat, and to go on with after it was killed. Raises BrokerUnavailable, DatabaseUnavailable.
        """
        self._forget_in_producer()
        self._take_texts()
        self._retract()
        self._clean_states()
        self.say("removing records from the topics")
        self._compact()
        self.say("deleting rows")
        erase_posts(self.scan.client, sorted(self.scan.posts))
        count_terms(self.scan.client)
        self.say("looking everywhere again")
        return self.scan.everything()

    def _forget_in_producer(self) -> None:
        memory = self.scan.memory
        if memory.exists:
            memory.forget(self.scan.posts)
        else:
            self.notes.append(f"no producer keeps its memory at {memory.path}: run this where the Reddit producer runs")

    def _take_texts(self) -> None:
        """Put tombstones behind the posts' records, comments that quote them and dead letters; wait for the linker."""
        self.say("taking the texts out")
        records, letters = self.scan.post_records(), self.scan.letters()
        count = self._settings.partitions
        own = [
            RawAppend(REDDIT_POSTS.name, post_partition(name, count), self._post_key(name), None, headers=HEADERS)
            for name in sorted(self.scan.posts)
        ]
        others = _tombstones(REDDIT_POSTS, records.comments) + _tombstones(PIPELINE_DEAD_LETTERS, letters)
        ends = self._appender.append(own + others)
        self._superseded |= {*records.own, *records.comments, *letters, *ends}
        self._wait_for("link", LINK_APP, ends[: len(own)])

    def _retract(self) -> None:
        """Put tombstones behind every mention that anything knows of; wait for the counter and the sink."""
        self.say("retracting")
        mentions = self.scan.mentions()
        keys = {key: place.partition for place, key in mentions.items()}
        for one in mentions_of_posts(self.scan.client, sorted(self.scan.posts)):
            keys |= self._mention_key(one.tmdb_id, one.post_id, one.created_at)
        for held in self.scan.counted():
            if not any(held.fullname.encode() in key for key in keys):
                keys |= self._mention_key(held.tmdb_id, held.fullname, held.day * MS_PER_DAY)
        ends = self._appender.append(
            [RawAppend(MOVIE_MENTIONS.name, partition, key, None, headers=HEADERS) for key, partition in keys.items()]
        )
        terms = self.scan.terms()
        words = self._appender.append(_tombstones(MOVIE_TERMS, terms))
        self._superseded |= {*mentions, *terms, *ends, *words}
        self._wait_for("count", COUNT_APP, ends)
        self._wait_for("sink", SINK_GROUP, [*ends, *words])

    def _clean_states(self) -> None:
        """Wait until the workers have written their states without the posts."""
        deadline = time.monotonic() + self.wait_seconds
        for traces in self.scan.logs():
            with TopicReader(self._settings, traces.topic, "forget") as reader:
                while True:
                    for record in reader.to_end():
                        traces.read(record)
                    strays = traces.strays()
                    if strays:
                        self._appender.append(strays)
                    elif not traces.waiting or time.monotonic() > deadline:
                        break
                    self.say(f"waiting for {traces.topic} to be written anew")
                    time.sleep(PAUSE_SECONDS)
            if traces.waiting:
                self.notes.append(f"{traces.topic}: its worker has not written its state anew; does it run?")
            self._superseded |= set(traces.holding) - set(traces.waiting)

    def _compact(self) -> None:
        rolls: dict[Topic, bytes] = {
            REDDIT_POSTS: self._post_key(ROLL),
            PIPELINE_DEAD_LETTERS: self._codec.encode(PIPELINE_DEAD_LETTERS.key_subject, ROLL),
            MOVIE_MENTIONS: self._codec.encode(
                MOVIE_MENTIONS.key_subject, MentionKey(tmdb_id=0, platform="cinepulse", post_id="roll", created_at=0)
            ),
            MOVIE_TERMS: self._codec.encode(
                MOVIE_TERMS.key_subject, TermsKey(tmdb_id=0, platform="cinepulse", post_id="roll", created_at=0)
            ),
            LINK_LOG: PROOF,
            COUNT_LOG: PROOF,
        }
        used = {place.topic for place in self._superseded}
        behind = self._consumers.behind(_ends(self._superseded, MOVIE_MENTIONS.name))
        if behind:
            # Whoever has read a mention must get to read its tombstone too, so the tombstones stay for now.
            used.discard(MOVIE_MENTIONS.name)
            self.notes.append(f"{MOVIE_MENTIONS.name}: {', '.join(sorted(behind))} has yet to read the retractions")
        places = {place for place in self._superseded if place.topic in used}
        chosen = {topic: key for topic, key in rolls.items() if topic.name in used}
        with Compaction(self._settings, chosen, careful=[MOVIE_MENTIONS.name]) as opened:
            left = opened.until_gone(places, self.wait_seconds, self._consumers.keep_up(MOVIE_MENTIONS, LATE_SECONDS))
        if left:
            self.notes.append(f"Kafka has not compacted {', '.join(sorted({place.topic for place in left}))} yet")

    def _wait_for(self, part: str, group: str, places: Collection[Place]) -> None:
        self.say(f"waiting for {part}")
        if not self._consumers.wait(group, _ends(places), self.wait_seconds):
            self.notes.append(f"{part} has not come so far within {self.wait_seconds:g} s; does it run?")

    def _post_key(self, fullname: str) -> bytes:
        return self._codec.encode(REDDIT_POSTS.key_subject, fullname)

    def _mention_key(self, tmdb_id: int, fullname: str, created_at: int) -> dict[bytes, int]:
        key = MentionKey(tmdb_id=tmdb_id, platform=REDDIT, post_id=fullname, created_at=created_at)
        partition = film_partition(tmdb_id, self._settings.partitions)
        return {self._codec.encode(MOVIE_MENTIONS.key_subject, key): partition}


def _tombstones(topic: Topic, records: dict[Place, bytes]) -> list[RawAppend]:
    keyed = {(place.partition, key) for place, key in records.items()}
    return [RawAppend(topic.name, partition, key, None) for partition, key in sorted(keyed)]


def _ends(places: Iterable[Place], topic: str | None = None) -> dict[Partition, int]:
    """Return the offset after the last of the places in each partition, of one topic or of all."""
    ends: dict[Partition, int] = {}
    for place in places:
        if topic in (None, place.topic):
            partition = Partition(place.topic, place.partition)
            ends[partition] = max(ends.get(partition, 0), place.offset + 1)
    return ends
