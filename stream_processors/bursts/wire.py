"""The state of a detector as bytes for the changelog: frames of what changed, closed by a head.

A flush is a list of frames that ends with a `HEAD`, in one body or in several, each of which begins with a `PART` that
names the flush. Whoever reads takes a flush in once all of its parts are there: one of which a crash cut off the end
changes nothing, and its records are folded again. Flushes applied twice, in their order, give what applying them once
gives, so that bodies may be joined and read beside those that they were joined from.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from stream_processors.bursts.baseline import Baseline
from stream_processors.bursts.film import Film
from stream_processors.bursts.rules import DAY_HOURS
from stream_processors.bursts.volume import HourVolume

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stream_processors.bursts.detector import Detector

FRAME: Final = struct.Struct("<IB")
PART, FILM, CYCLE, HOUR, HEAD = range(1, 6)

FILM_HEAD: Final = struct.Struct("<qqddqqqdqI")
POST: Final = struct.Struct("<qQq")
GONE: Final = -2
"""In an author's place: the post was taken out."""
CYCLE_HEAD: Final = struct.Struct("<qd31dI")
UNKNOWN_HOUR: Final = struct.Struct("<q")
HOUR_BODY: Final = struct.Struct("<qqqqqqq")
PART_BODY: Final = struct.Struct("<QQI")
HEAD_BODY: Final = struct.Struct("<QqI")
PENDING: Final = struct.Struct("<qqII")

# Kafka takes records of a megabyte; a body stays well below, and a piece of a film's posts far below.
BODY_BYTES: Final = 400_000
POSTS_A_FRAME: Final = 4_000

Frame = tuple[int, bytes]


class Pending(NamedTuple):
    """An alert that has to be sent: its film, event time in milliseconds, and the encoded record."""

    tmdb_id: int
    at: int
    key: bytes
    value: bytes


def encode_changes(detector: Detector, flush: FlushId, pending: Sequence[Pending]) -> list[bytes]:
    """Return the bodies with what changed in a detector since its changes were last taken."""
    volume = detector.volume
    frames: list[Frame] = []
    for tmdb_id, changes in detector.changes.items():
        frames += _film_frames(tmdb_id, detector.films[tmdb_id], changes)
    if detector.turned:
        frames.append(_cycle_frame(detector))
    frames += (_hour_frame(hour, volume.hours[hour]) for hour in sorted(detector.heard) if hour in volume.hours)
    frames.append(_head_frame(flush.revision, detector.now, pending))
    return list(_bodies(frames, flush))


def encode_whole(detector: Detector, flush: FlushId, pending: Sequence[Pending]) -> list[bytes]:
    """Return the bodies with the whole state of a detector."""
    frames: list[Frame] = []
    for tmdb_id, film in detector.films.items():
        posts = {(hour, post): author for hour, some in film.hours.items() for post, author in some.items()}
        frames += _film_frames(tmdb_id, film, posts)
    frames.append(_cycle_frame(detector))
    frames += (_hour_frame(hour, volume) for hour, volume in detector.volume.hours.items())
    frames.append(_head_frame(flush.revision, detector.now, pending))
    return list(_bodies(frames, flush))


class FlushId(NamedTuple):
    """Names a flush: how many owners its state has had, and the revision that it reaches; `whole`: the state anew."""

    generation: int
    revision: int
    whole: bool = False

    def number(self) -> int:
        """Return the generation with the mark of a whole state."""
        return self.generation << 1 | self.whole


class Reader:
    """Applies bodies to a detector, flush by flush."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._waiting: dict[tuple[int, int], dict[int, list[Frame]]] = {}
        self.revision = 0
        self.generation = 0
        """The highest of any flush, whole or cut off."""
        self.pending: list[Pending] = []

    def read(self, body: bytes) -> None:
        """Take the next body."""
        flush = (0, 0)
        frames: list[Frame] = []
        for kind, content in _frames(body):
            if kind == PART:
                number, revision, part = PART_BODY.unpack(content)
                self.generation = max(self.generation, number >> 1)
                flush, frames = (number, revision), []
                self._waiting.setdefault(flush, {})[part] = frames
            elif kind == HEAD:
                self._take_in(self._waiting.pop(flush), content)
            else:
                frames.append((kind, content))

    def forget(self) -> None:
        """Drop the flushes of which parts are missing."""
        self._waiting = {}

    def _take_in(self, parts: dict[int, list[Frame]], head: bytes) -> None:
        if len(parts) == max(parts) + 1:
            for part in sorted(parts):
                for frame in parts[part]:
                    self._apply(*frame)
            self._close(head)

    def _apply(self, kind: int, content: bytes) -> None:
        if kind == FILM:
            _read_film(self._detector, content)
        elif kind == CYCLE:
            _read_cycle(self._detector, content)
        elif kind == HOUR:
            hour, mentions, films, *both = HOUR_BODY.unpack(content)
            first, second = (both[0], both[1]), (both[2], both[3])
            self._detector.volume.hours[hour] = HourVolume(mentions, films, first, second)
        else:
            raise ValueError(f"the changelog holds a frame of kind {kind}, which a later version of cinepulse wrote")

    def _close(self, content: bytes) -> None:
        self.revision, self._detector.now, count = HEAD_BODY.unpack_from(content)
        place = HEAD_BODY.size
        self.pending = []
        for _ in range(count):
            tmdb_id, at, key, value = PENDING.unpack_from(content, place)
            place += PENDING.size
            end = place + key + value
            self.pending.append(Pending(tmdb_id, at, content[place : place + key], content[place + key : end]))
            place = end
        self._detector.volume.forget(self._detector.hour)


def _film_frames(tmdb_id: int, film: Film, posts: Mapping[tuple[int, int], int | None]) -> Iterator[Frame]:
    changes = iter(posts.items())
    fixed = (
        tmdb_id,
        film.through,
        *film.baseline,
        film.began_at,
        film.began_day,
        film.ended_hour,
        film.peak,
        film.peak_mentions,
    )
    while True:
        some = [
            POST.pack(hour, post, GONE if author is None else author)
            for (hour, post), author in islice(changes, POSTS_A_FRAME)
        ]
        yield FILM, FILM_HEAD.pack(*fixed, len(some)) + b"".join(some)
        if len(some) < POSTS_A_FRAME:
            return


def _read_film(detector: Detector, content: bytes) -> None:
    tmdb_id, through, m, s2, began_at, began_day, ended_hour, peak, peak_mentions, _ = FILM_HEAD.unpack_from(content)
    film = detector.films.setdefault(tmdb_id, Film(through))
    film.through, film.baseline, film.working = through, Baseline(m, s2), None
    film.began_at, film.began_day, film.ended_hour = began_at, began_day, ended_hour
    film.peak, film.peak_mentions = peak, peak_mentions
    for hour, post, author in POST.iter_unpack(content[FILM_HEAD.size :]):
        posts = film.hours.setdefault(hour, {})
        if author == GONE:
            posts.pop(post, None)
        else:
            posts[post] = author
    film.hours = {hour: posts for hour, posts in film.hours.items() if posts and hour > through}


def _cycle_frame(detector: Detector) -> Frame:
    volume = detector.volume
    unknown = b"".join(UNKNOWN_HOUR.pack(hour) for hour in sorted(volume.unknown))
    head = CYCLE_HEAD.pack(volume.start, volume.level, *volume.by_hour, *volume.by_day, len(volume.unknown))
    return CYCLE, head + unknown


def _read_cycle(detector: Detector, content: bytes) -> None:
    start, level, *factors, _ = CYCLE_HEAD.unpack_from(content)
    volume = detector.volume
    volume.start, volume.level = start, level
    volume.by_hour, volume.by_day = list(factors[:DAY_HOURS]), list(factors[DAY_HOURS:])
    volume.unknown = {hour for (hour,) in UNKNOWN_HOUR.iter_unpack(content[CYCLE_HEAD.size :])}


def _hour_frame(hour: int, volume: HourVolume) -> Frame:
    return HOUR, HOUR_BODY.pack(hour, volume.mentions, volume.films, *volume.first, *volume.second)


def _head_frame(revision: int, now: int, pending: Sequence[Pending]) -> Frame:
    parts = [HEAD_BODY.pack(revision, now, len(pending))]
    for one in pending:
        parts += (PENDING.pack(one.tmdb_id, one.at, len(one.key), len(one.value)), one.key, one.value)
    return HEAD, b"".join(parts)


def _bodies(frames: Iterable[Frame], flush: FlushId) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = number = 0
    for kind, content in frames:
        if size + len(content) > BODY_BYTES and parts:
            yield b"".join(parts)
            parts, size, number = [], 0, number + 1
        if not parts:
            named = PART_BODY.pack(flush.number(), flush.revision, number)
            parts = [FRAME.pack(len(named), PART), named]
        parts += (FRAME.pack(len(content), kind), content)
        size += FRAME.size + len(content)
    yield b"".join(parts)


def _frames(body: bytes) -> Iterator[Frame]:
    place = 0
    while place < len(body):
        length, kind = FRAME.unpack_from(body, place)
        place += FRAME.size
        yield kind, body[place : place + length]
        place += length
