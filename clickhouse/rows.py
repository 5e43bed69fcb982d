"""One Kafka record becomes one row: pure, the same row for the same record however often it is delivered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import CorruptRecord, InvalidRecord
from clickhouse.tables import (
    ALERTS,
    COVERAGE,
    DEAD_LETTERS,
    FILMS,
    MENTION_COUNTS,
    MENTION_TERMS,
    MENTIONS,
    POPULARITY,
    Table,
)
from schemas import topics
from schemas.events import Mention

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.codec import Codec

    Row = tuple[Any, ...]
    Values = Callable[[Any], Row]
    RowBuilder = Callable[["Codec", "Record"], Row]

EPOCH_SHIFT: Final = 48

# A dead letter's message is for reading; what is longer quotes the record, whose text must not stay.
ERROR_CHARACTERS: Final = 300


# What a tombstone's row holds besides its identity; observed when the tombstone was sent.
NO_MENTION: Final = Mention(
    community="",
    kind="unknown",
    location="unknown",
    method="",
    confidence=0.0,
    score=0,
    observed_at=0,
    linker_version="",
    origin="",
)


@dataclass(slots=True)
class Record:
    """One Kafka record, undecoded.

    `timestamp`: Kafka's, milliseconds; `epoch`: how many topics of this name came before this one.
    """

    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    timestamp: int
    epoch: int = 0

    def position(self) -> Row:
        """Return the columns that say where the row came from, its revision last."""
        revision = self.epoch << EPOCH_SHIFT | (self.offset + 1)
        return self.partition, self.offset, self.timestamp, revision


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of a topic's records: the table, and how a record turns into its row.

    `source`: name of the Kafka topic that is read; the contract is `topic`'s.
    """

    source: str
    topic: topics.Topic
    table: Table
    build: RowBuilder

    def row(self, codec: Codec, record: Record) -> Row:
        """Return the record's row.

        Raises CorruptRecord, UnknownSchemaId or InvalidRecord for a record that can never be one.
        """
        row = self.build(codec, record)
        for index, name, least, greatest in _bounds(self.table):
            value = row[index]
            if value is not None and not least <= value <= greatest:
                raise InvalidRecord(f"{name}: {value} is not from {least} to {greatest}")
        return row


def film_row(codec: Codec, record: Record) -> Row:
    """Return the row of a film, or of a tombstone: the film left the catalogue."""
    if record.value is None:
        tmdb_id = codec.decode(topics.TMDB_MOVIES.key_subject, _key(record))
        return (tmdb_id, *_NO_FILM, record.timestamp, "", *record.position(), 1)
    film = codec.decode(topics.TMDB_MOVIES.value_subject, record.value)
    return (*_FILM(film), *record.position(), 0)


def popularity_row(codec: Codec, record: Record) -> Row:
    """Return the row of a popularity snapshot."""
    snapshot = codec.decode(topics.TMDB_POPULARITY.value_subject, _value(record))
    return (*_SNAPSHOT(snapshot), *record.position())


def mention_row(codec: Codec, record: Record) -> Row:
    """Return the row of a mention, or of its tombstone: the post no longer mentions the film."""
    key = codec.decode(topics.MOVIE_MENTIONS.key_subject, _key(record))
    if record.value is None:
        gone = replace(NO_MENTION, observed_at=record.timestamp)
        return (*_MENTION_KEY(key), *_MENTION(gone), *record.position(), 1)
    mention = codec.decode(topics.MOVIE_MENTIONS.value_subject, record.value)
    return (*_MENTION_KEY(key), *_MENTION(mention), *record.position(), 0)


def terms_row(codec: Codec, record: Record) -> Row:
    """Return the row of the words near a film, or of their tombstone: the post no longer mentions the film."""
    key = codec.decode(topics.MOVIE_TERMS.key_subject, _key(record))
    if record.value is None:
        return (*_MENTION_KEY(key), (), record.timestamp, *record.position(), 1)
    found = codec.decode(topics.MOVIE_TERMS.value_subject, record.value)
    return (*_MENTION_KEY(key), found.terms, found.observed_at, *record.position(), 0)


def mention_count_row(codec: Codec, record: Record) -> Row:
    """Return the row of a film's count on a day; its revision is the record's own."""
    key = codec.decode(topics.MOVIE_MENTION_COUNTS.key_subject, _key(record))
    count = codec.decode(topics.MOVIE_MENTION_COUNTS.value_subject, _value(record))
    return (key.tmdb_id, key.day, *_COUNT(count), *record.position()[:-1], count.revision)


def alert_row(codec: Codec, record: Record) -> Row:
    """Return the row of something that happened to a film."""
    key = codec.decode(topics.TREND_ALERTS.key_subject, _key(record))
    alert = codec.decode(topics.TREND_ALERTS.value_subject, _value(record))
    return (*_ALERT_KEY(key), *_ALERT(alert), *record.position())


def coverage_row(codec: Codec, record: Record) -> Row:
    """Return the row of one poll of a listing."""
    key = codec.decode(topics.PIPELINE_COVERAGE.key_subject, _key(record))
    poll = codec.decode(topics.PIPELINE_COVERAGE.value_subject, _value(record))
    return (key.source, key.listing, *_POLL(poll), *record.position())


def dead_letter_row(codec: Codec, record: Record) -> Row:
    """Return the row of a dead letter, without its bytes: they may hold text."""
    letter = codec.decode(topics.PIPELINE_DEAD_LETTERS.value_subject, _value(record))
    message = letter.error[:ERROR_CHARACTERS]
    return (*_LETTER_SOURCE(letter), message, *_LETTER_FACTS(letter), *record.position())


def routes(prefix: str = "") -> tuple[Route, ...]:
    """Return the routes in the order in which their rows are written when several wait.

    `prefix` stands before the topics' names, for a pipeline beside the real one.
    """
    return tuple(
        Route(prefix + topic.name, topic, table, row)
        for topic, table, row in (
            (topics.MOVIE_MENTION_COUNTS, MENTION_COUNTS, mention_count_row),
            (topics.MOVIE_MENTIONS, MENTIONS, mention_row),
            (topics.MOVIE_TERMS, MENTION_TERMS, terms_row),
            (topics.TREND_ALERTS, ALERTS, alert_row),
            (topics.PIPELINE_COVERAGE, COVERAGE, coverage_row),
            (topics.TMDB_MOVIES, FILMS, film_row),
            (topics.PIPELINE_DEAD_LETTERS, DEAD_LETTERS, dead_letter_row),
            (topics.TMDB_POPULARITY, POPULARITY, popularity_row),
        )
    )


@cache
def _bounds(table: Table) -> tuple[tuple[int, str, float, float], ...]:
    """Return place, name, least and greatest value of the table's bounded columns."""
    names = table.column_names
    return tuple((names.index(name), name, *bounds) for name, bounds in table.bounds.items())


def _between(table: Table, first: str, last: str) -> Values:
    """Return a getter of the fields that have the names of the table's columns from `first` to `last`."""
    names = table.column_names
    values: Values = attrgetter(*names[names.index(first) : names.index(last) + 1])
    return values


_FILM: Final = _between(FILMS, "tmdb_id", "source")
_NO_FILM: Final = ("", None, None, (), None, (), (), (), (), *(None,) * 10)
_SNAPSHOT: Final = _between(POPULARITY, "tmdb_id", "origin")
_MENTION_KEY: Final = _between(MENTIONS, "tmdb_id", "created_at")
_MENTION: Final = _between(MENTIONS, "community", "author_sketch")
_COUNT: Final = _between(MENTION_COUNTS, "mentions", "closed_revision")
_ALERT_KEY: Final = _between(ALERTS, "kind", "at")
_ALERT: Final = _between(ALERTS, "happened_at", "since")
_POLL: Final = _between(COVERAGE, "started_at", "covered_to")
_LETTER_SOURCE: Final = _between(DEAD_LETTERS, "stage", "reason")
_LETTER_FACTS: Final = _between(DEAD_LETTERS, "value_size", "failed_at")


def _key(record: Record) -> bytes:
    if record.key is None:
        raise CorruptRecord("the record has no key")
    return record.key


def _value(record: Record) -> bytes:
    if record.value is None:
        raise InvalidRecord("a tombstone has no meaning in this topic")
    return record.value
