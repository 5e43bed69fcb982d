"""Finds posts in the workers' changelogs, as their bodies pack them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.append import Place, RawAppend
from stream_processors.changelog import PartitionLog, is_body
from stream_processors.counting.runs import decode_run
from stream_processors.posts.table import decode_posts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from schemas.reader import RawRecord


@dataclass(frozen=True, slots=True)
class CountedPost:
    """A post in the sets of the count stage: of which film, on which day since 1970-01-01."""

    tmdb_id: int
    day: int
    fullname: str


def linked_in(body: bytes, posts: Mapping[int, str]) -> set[str]:
    """Return which of the posts, by packed fullname, a body of the link stage's changelog holds."""
    return {posts[number] for number, _ in decode_posts(body) if number in posts}


def counted_in(body: bytes, posts: Mapping[int, str]) -> set[CountedPost]:
    """Return which of the posts a body of the count stage's changelog holds, and where."""
    _, groups = decode_run(body)
    return {
        CountedPost(group.tmdb_id, group.day, posts[number])
        for group in groups
        for number in (*group.added, *group.removed)
        if number in posts
    }


@dataclass
class LogTraces:
    """Follows one changelog, record by record, and knows which of them hold what is looked for.

    `find` returns what a body holds. A body is superseded once a tombstone of its key follows it: then compaction takes
    it. Bodies that no owner reads, of workers that had lost their partition, nobody supersedes: `strays` does.
    """

    topic: str
    find: Callable[[bytes], Iterable[object]]
    holding: dict[Place, bytes] = field(default_factory=dict)
    found: set[object] = field(default_factory=set)
    _removed: set[tuple[int, bytes]] = field(default_factory=set)
    _logs: dict[int, PartitionLog] = field(default_factory=dict)

    def read(self, record: RawRecord) -> None:
        """Take the next record of a partition."""
        log = self._logs.setdefault(record.partition, PartitionLog(_ignore, _ignore, b"".join))
        log.read(record.offset, record.key, record.value)
        if record.key is None:
            return
        if record.value is None:
            self._removed.add((record.partition, record.key))
        elif is_body(record.key):
            held = set(self.find(record.value))
            if held:
                self.found |= held
                self.holding[Place(self.topic, record.partition, record.offset)] = record.key

    @property
    def waiting(self) -> list[Place]:
        """Return the records that hold something and are not superseded."""
        return [place for place, key in self.holding.items() if (place.partition, key) not in self._removed]

    def strays(self) -> list[RawAppend]:
        """Return tombstones for the bodies among them that no owner reads."""
        return [
            RawAppend(self.topic, place.partition, self.holding[place], None)
            for place in self.waiting
            if self.holding[place] not in self._logs[place.partition].keys
        ]


def _ignore(_: object) -> None:
    """Take what a log's reader is told."""
