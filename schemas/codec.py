"""Confluent's wire format: a zero byte, the schema id in four big-endian bytes, the Avro body.

Source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format

Instants and days stay integers (logical types are stripped before parsing, which changes no byte), so that decoding
builds no datetime objects.
"""

from __future__ import annotations

import struct
from dataclasses import fields
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.validation import validate

from cinepulse.errors import CorruptRecord, InvalidRecord
from schemas import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.registry import Schema, SchemaIds

MAGIC: Final = 0
HEADER: Final = struct.Struct(">bI")
INT32: Final = range(-(2**31), 2**31)

# What fastavro takes without a word outside unions: a float cut to an int, a text as a list of letters, any value as
# a boolean. These are the only types such fields may hold.
EXACT_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "long": (int,),
    "boolean": (bool,),
    "array": (tuple, list),
}

RECORD_TYPES: Final[dict[str, type]] = {
    "reddit.posts-value": events.RedditPost,
    "tmdb.popularity-value": events.TitleSnapshot,
    "tmdb.movies-value": events.Movie,
    "movie.mentions-key": events.MentionKey,
    "movie.mentions-value": events.Mention,
    "movie.terms-key": events.TermsKey,
    "movie.terms-value": events.MentionTerms,
    "movie.mention_counts-key": events.MentionCountKey,
    "movie.mention_counts-value": events.MentionCount,
    "tmdb.rankings-value": events.Ranking,
    "trend.alerts-key": events.AlertKey,
    "trend.alerts-value": events.Alert,
    "pipeline.coverage-key": events.CoverageKey,
    "pipeline.coverage-value": events.PollReport,
    "pipeline.dead_letters-value": events.DeadLetter,
}
TUPLE_FIELDS: Final[dict[type, tuple[str, ...]]] = {
    events.Movie: ("alternative_titles", "genres", "companies", "directors", "cast"),
    events.Ranking: ("tmdb_ids",),
    events.MentionTerms: ("terms",),
}


class Codec:
    """Encodes and decodes keys and values by subject; holds parsed schemas, so make one a process and share it."""

    def __init__(self, schema_ids: SchemaIds) -> None:
        self._ids = schema_ids
        self._writers: dict[str, tuple[bytes, Schema, Callable[[Any], Any]]] = {}
        self._readers: dict[tuple[str, int], tuple[Schema, Schema, tuple[str, ...]]] = {}

    def encode(self, subject: str, record: object) -> bytes:
        """Return the wire bytes of a record or primitive key.

        Raises InvalidRecord when a field does not fit the schema.
        """
        header, schema, as_datum = self._writer(subject)
        body = BytesIO()
        body.write(header)
        try:
            datum = as_datum(record)
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidRecord(f"{subject}: {error}") from error
        try:
            schemaless_writer(body, schema, datum, disable_tuple_notation=True)
        except (TypeError, ValueError, KeyError, OverflowError, AttributeError) as error:
            # fastavro's message quotes the value, which may be a post's text. It would live on in the error of a dead
            # letter, longer than texts may live.
            raise InvalidRecord(f"{subject}: {_misfits(schema, datum) or type(error).__name__}") from None
        return body.getvalue()

    def decode(self, subject: str, data: bytes) -> Any:
        """Return the record (or primitive key) in `data`, read as the newest version of `subject`.

        Raises CorruptRecord when the header or the body is not what it should be, UnknownSchemaId when nobody
        registered the header's id.
        """
        if len(data) < HEADER.size:
            raise CorruptRecord(f"{subject}: {len(data)} bytes are shorter than the header")
        magic, schema_id = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise CorruptRecord(f"{subject}: the first byte is {magic}, not 0")
        written, reader, ints = self._reader(subject, schema_id)
        body = BytesIO(data)
        body.seek(HEADER.size)
        try:
            datum: Any = schemaless_reader(body, written, reader)
        except Exception as error:
            # fastavro raises whatever its parser trips over, from EOFError to MemoryError-sized lengths.
            raise CorruptRecord(f"{subject}: {type(error).__name__}: {error}") from error
        if body.tell() != len(data):
            raise CorruptRecord(f"{subject}: {len(data) - body.tell()} bytes follow the body")
        for name in ints:
            if datum[name] is not None and datum[name] not in INT32:
                raise CorruptRecord(f"{subject}: {name} does not fit 32 bits")
        return _as_record(RECORD_TYPES.get(subject), datum)

    def _writer(self, subject: str) -> tuple[bytes, Schema, Callable[[Any], Any]]:
        if subject not in self._writers:
            latest = self._ids.latest(subject)
            header = HEADER.pack(MAGIC, latest.schema_id)
            as_datum = _datum_of(RECORD_TYPES.get(subject), latest.schema)
            self._writers[subject] = (header, _parse(latest.schema), as_datum)
        return self._writers[subject]

    def _reader(self, subject: str, schema_id: int) -> tuple[Schema, Schema, tuple[str, ...]]:
        if (subject, schema_id) not in self._readers:
            written = _parse(self._ids.by_id(schema_id))
            latest = self._ids.latest(subject).schema
            ints = tuple(name for name, kinds in _field_kinds(latest) if "int" in kinds)
            self._readers[subject, schema_id] = (written, _parse(latest), ints)
        return self._readers[subject, schema_id]


def _parse(schema: Schema) -> Schema:
    return cast("Schema", parse_schema(_without_logical_types(schema)))


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_logical_types(child) for name, child in node.items() if name != "logicalType"}
    if isinstance(node, list):
        return [_without_logical_types(child) for child in node]
    return node


def _datum_of(record_type: type | None, schema: Schema) -> Callable[[Any], Any]:
    if record_type is None:
        exact = EXACT_TYPES.get(schema["type"], (str,))
        return lambda primitive: _checked({"key": primitive}, (("key", exact),))["key"]
    names = tuple(field.name for field in fields(record_type))
    values = attrgetter(*names)
    sole = tuple((name, kinds[0]) for name, kinds in _field_kinds(schema) if len(kinds) == 1)
    exact_fields = tuple((name, EXACT_TYPES[kind]) for name, kind in sole if kind in EXACT_TYPES)
    ints = tuple(name for name, kind in sole if kind == "int")

    def as_datum(record: Any) -> dict[str, Any]:
        datum = _checked(dict(zip(names, values(record), strict=True)), exact_fields)
        for name in ints:
            if datum[name] not in INT32:
                raise ValueError(f"{name} does not fit 32 bits")
        return datum

    return as_datum


def _checked(datum: dict[str, Any], exact: tuple[tuple[str, tuple[type, ...]], ...]) -> dict[str, Any]:
    for name, types in exact:
        if type(datum[name]) not in types:
            raise TypeError(f"{name} is {type(datum[name]).__name__}, not {types[0].__name__}")
    return datum


def _misfits(schema: Schema, datum: Any) -> str:
    """Return which fields do not fit, with the types of their values and without the values."""
    return ", ".join(
        f"{field['name']} does not take {type(datum[field['name']]).__name__}"
        for field in schema.get("fields", ())
        if not validate(datum[field["name"]], field["type"], raise_errors=False)
    )


def _field_kinds(schema: Schema) -> list[tuple[str, tuple[str, ...]]]:
    """Return each field's name and the Avro types it may have, one unless it is a union."""
    return [(field["name"], _kinds(field["type"])) for field in schema.get("fields", ())]


def _kinds(declared: Any) -> tuple[str, ...]:
    if isinstance(declared, list):
        return tuple(kind for branch in declared for kind in _kinds(branch))
    return (declared["type"] if isinstance(declared, dict) else declared,)


def _as_record(record_type: type | None, datum: Any) -> Any:
    if record_type is None:
        return datum
    for name in TUPLE_FIELDS.get(record_type, ()):
        datum[name] = tuple(datum[name])
    return record_type(**datum)
