"""Recorded posts, replayed in the order and at a multiple of the speed in which they were made."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import sys
import tempfile
import weakref
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import ConfigurationInvalid
from cinepulse.world.fields import comment_data, submission_data
from cinepulse.world.post import Post

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
# Dumps of Reddit are packed with windows of up to 2 GiB.
WINDOW_LOG: Final = 31
QUIET_GAP_SECONDS: Final = 3600.0
ID_DIGITS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
# A packed id and its kind share 64 bits.
ID_LENGTH: Final = 11
REDDIT_HOSTS: Final = ("https://www.reddit.com", "http://www.reddit.com", "https://reddit.com", "http://reddit.com")


class Unusable(Exception):
    """A record cannot be served; the message is the reason it is counted under."""


class RecordedFeed:
    """A feed of recorded posts, in the order of their `created_utc`.

    The records wait in a temporary file: memory holds some 150 bytes a post.

    Args:
        lines: one JSON object each, as Reddit gives a submission or a comment; fields may be missing.
        speed: seconds between posts are divided by it; gaps of more than an hour are left out.
        max_rate: most posts a second, whatever the speed.
    """

    def __init__(self, lines: Iterable[bytes], *, speed: float, max_rate: float) -> None:
        self._spool: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the feed
        weakref.finalize(self, self._spool.close)
        self._starts = array("Q", [0])
        self._skipped: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}
        communities: Counter[str] = Counter()
        created = array("d")
        for line in lines:
            try:
                post = post_of(line)
            except Unusable as unusable:
                self._skipped[str(unusable)] += 1
                continue
            if post.name in self._numbers:
                self._skipped["duplicate"] += 1
                continue
            self._numbers[post.name] = len(created)
            created.append(post.data["created_utc"])
            communities[str(post.data["subreddit"])] += 1
            self._starts.append(self._starts[-1] + self._spool.write(line))
        self._spool.flush()
        self._subreddits = tuple(name for name, _ in communities.most_common())
        self._order = array("Q", sorted(range(len(created)), key=created.__getitem__))
        self._moments = moments([created[number] for number in self._order], speed=speed, max_rate=max_rate)
        self._yielded = 0

    @property
    def subreddits(self) -> Sequence[str]:
        """The communities of the records, busiest first."""
        return self._subreddits

    @property
    def total(self) -> int:
        """How many records can be served."""
        return len(self._order)

    @property
    def exhausted(self) -> bool:
        """Whether all have been served."""
        return self._yielded == len(self._order)

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many lines could not be served, by reason."""
        return self._skipped

    def backlog(self) -> Iterator[Post]:
        """Yield nothing: a recording begins with its first post."""
        return iter(())

    def due(self, now: float, room: int) -> Iterator[Post]:
        """Yield the records whose time has come, oldest first."""
        until = min(len(self._order), self._yielded + room)
        while self._yielded < until and self._moments[self._yielded] <= now:
            place = self._yielded
            self._yielded += 1
            yield self._post(place)

    def find(self, name: str) -> Post | None:
        """Return a record that has been served, by fullname."""
        number = self._numbers.get(name)
        if number is None:
            return None
        # Rarely asked, so the place in time is looked for instead of kept.
        place = self._order.index(number)
        return self._post(place) if place < self._yielded else None

    def yielded(self) -> Iterator[Post]:
        """Yield again what has been served."""
        return (self._post(place) for place in range(self._yielded))

    def _post(self, place: int) -> Post:
        number = self._order[place]
        start, end = self._starts[number], self._starts[number + 1]
        post = post_of(os.pread(self._spool.fileno(), end - start, start))
        post.at = self._moments[place]
        return post


def moments(created: Sequence[float], *, speed: float, max_rate: float) -> array[float]:
    """Return when posts appear, in seconds from the first, for ascending times of creation in seconds."""
    at, found = 0.0, array("d")
    for index, instant in enumerate(created):
        if index:
            gap = instant - created[index - 1]
            at += max(gap / speed if gap <= QUIET_GAP_SECONDS else 0.0, 1 / max_rate)
        found.append(at)
    return found


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a plain, gzip or zstd file.

    Raises ConfigurationInvalid when the file cannot be read or its packing is broken.
    """
    try:
        with path.open("rb") as packed, _unpacked(packed) as plain:
            yield from plain
    except (OSError, EOFError, zstd.ZstdError) as error:
        raise ConfigurationInvalid(f"recorded posts {path}: {error}") from error


def _unpacked(packed: BinaryIO) -> BinaryIO:
    head = packed.read(4)
    packed.seek(0)
    if head.startswith(GZIP_MAGIC):
        return io.BufferedReader(gzip.GzipFile(fileobj=packed))
    if head == ZSTD_MAGIC:
        return io.BufferedReader(
            zstd.ZstdFile(packed, options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
        )
    return packed


def post_of(line: bytes) -> Post:
    """Return the post of a recorded JSON object, with what is missing filled in as Reddit would.

    Raises Unusable with the reason when there is no object, id, time or community in it.
    """
    try:
        given = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unusable("not_json") from None
    if isinstance(given, dict) and isinstance(given.get("data"), dict):
        given = {"kind": given.get("kind"), **given["data"]}
    if not isinstance(given, dict):
        raise Unusable("no_object")
    kind = _kind(given)
    sound = {
        **given,
        "id": _id(given),
        "created_utc": _time(given.get("created_utc")),
        "subreddit": _community(given),
        "permalink": _path(given.get("permalink")),
    }
    if kind == "t1":
        sound["link_id"] = _link_id(given)
    filled = comment_data(sound) if kind == "t1" else submission_data(sound)
    extra = {name: value for name, value in given.items() if name not in filled and name != "kind"}
    return Post("t1" if kind == "t1" else "t3", extra | filled, 0.0)


def _refuse_constant(text: str) -> float:
    raise ValueError(text)


def _kind(given: Mapping[str, Any]) -> str:
    named = str(given.get("name") or "")[:3]
    if given.get("kind") in ("t1", "t3"):
        return str(given["kind"])
    if named in ("t1_", "t3_"):
        return named[:2]
    return "t1" if "body" in given or "link_id" in given else "t3"


def _id(given: Mapping[str, Any]) -> str:
    text = given.get("id") or given.get("name")
    bare = str(text).lower().rpartition("_")[2] if isinstance(text, str) else ""
    if not 0 < len(bare) <= ID_LENGTH or not ID_DIGITS.issuperset(bare):
        raise Unusable("no_id")
    return bare


def _time(value: object) -> float:
    # Old dumps hold texts.
    try:
        seconds = float(value)  # type: ignore[arg-type] # whatever float() takes is a time
    except (TypeError, ValueError, OverflowError):
        raise Unusable("no_time") from None
    if not math.isfinite(seconds):
        raise Unusable("no_time")
    return seconds


def _community(given: Mapping[str, Any]) -> str:
    name = given.get("subreddit") or str(given.get("subreddit_name_prefixed") or "").removeprefix("r/")
    if not isinstance(name, str) or not name:
        raise Unusable("no_subreddit")
    return name


def _link_id(given: Mapping[str, Any]) -> str:
    link = given.get("link_id")
    if isinstance(link, str) and link:
        return link if link.startswith("t3_") else f"t3_{link}"
    parent = given.get("parent_id")
    # A comment whose thread is not recorded still needs one; its own id names a thread that no info call finds.
    return parent if isinstance(parent, str) and parent.startswith("t3_") else f"t3_{_id(given)}"


def _path(permalink: object) -> str | None:
    if not isinstance(permalink, str):
        return None
    for host in REDDIT_HOSTS:
        permalink = permalink.removeprefix(host)
    return permalink
