"""Records to bytes and back, in memory: the contract's codec beside fastavro alone and Confluent's serializers.

fastavro alone turns a dict into an Avro body and back. Confluent's serializers and the codec write the wire format with
the schema's id and read a record whatever version wrote it; the codec takes and returns the records of the contract,
whose fields it checks more strictly than fastavro. Dicts for the peers are made before the time is taken, which is that
of the processor.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import blake2b
from io import BytesIO
from itertools import islice, repeat
from operator import attrgetter
from time import process_time
from typing import TYPE_CHECKING, Any, Final, Literal

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro import parse_schema, schemaless_reader, schemaless_writer

from benchmarks.suite.mention_stream import CODEC, IDS
from benchmarks.suite.model import RECORDS_A_SECOND, Contender, Measured, Stage, Workload
from benchmarks.suite.posts import generated_posts
from clickhouse.avro_columns import Numbers, read_columns
from schemas.codec import HEADER, MAGIC
from schemas.events import Mention
from schemas.topics import MOVIE_MENTIONS, REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from benchmarks.suite.bench import Bench
    from clickhouse.avro_columns import Column

RECORDS: Final = 50_000
WRITTEN_AT: Final = 1_760_000_000_000
Direction = Literal["encode", "decode"]


@dataclass(frozen=True, slots=True)
class Task:
    """Records of one subject, as records, as dicts and as bytes, and what to make of them."""

    subject: str
    direction: Direction
    records: Sequence[Any]
    data: Sequence[dict[str, Any]]
    encoded: Sequence[bytes]

    @property
    def schema(self) -> dict[str, Any]:
        """The newest schema."""
        return IDS.latest(self.subject).schema

    @property
    def names(self) -> Sequence[str]:
        """The fields in the order of the schema."""
        return [field["name"] for field in self.schema["fields"]]

    @property
    def header(self) -> bytes:
        """What stands before each body."""
        return HEADER.pack(MAGIC, IDS.latest(self.subject).schema_id)


@contextmanager
def task(bench: Bench, subject: str, direction: Direction, records: Callable[[int], Sequence[Any]]) -> Iterator[Task]:
    """Make records."""
    some = records(bench.records(RECORDS))
    yield Task(subject, direction, some, [asdict(one) for one in some], [CODEC.encode(subject, one) for one in some])


def mentions(number: int) -> list[Mention]:
    """Return mentions such as the link stage finds."""
    return [
        Mention(
            community=("movies", "boxoffice", "TrueFilm", "horror")[place % 4],
            kind="comment",
            location="body",
            method="name",
            confidence=0.5 + place % 100 / 200,
            score=place % 500,
            observed_at=WRITTEN_AT + place,
            linker_version="bc569081beda",
            thread_id=f"t3_{place:x}",
            sentiment=(place % 200 - 100) / 100 if place % 3 else None,
            author_sketch=place % 12_000,
        )
        for place in range(number)
    ]


def posts(number: int) -> list[Any]:
    """Return posts of the generated world."""
    some = generated_posts(min(number, RECORDS // 5))
    return list(islice((post for again in repeat(some) for post in again), number))


def contract(given: Task) -> Measured:
    """Use the product's codec."""
    if given.direction == "encode":
        return _encoded(partial(CODEC.encode, given.subject), given.records, given.header)
    return _decoded(partial(CODEC.decode, given.subject), given.encoded, attrgetter(*given.names))


def columns(given: Task) -> Measured:
    """Decode all at once into columns, as the sink does."""
    began = process_time()
    found = read_columns(given.schema, given.encoded, given.header)
    seconds = process_time() - began
    rows = zip(*(_values(found[name]) for name in given.names), strict=True)
    return Measured(len(given.encoded), seconds, _digest(map(repr, rows)))


def fastavro_alone(given: Task) -> Measured:
    """Use fastavro as its documentation shows for records without a header."""
    schema = parse_schema(plain(given.schema))
    if given.direction == "encode":

        def write(datum: dict[str, Any]) -> bytes:
            body = BytesIO()
            schemaless_writer(body, schema, datum)
            return body.getvalue()

        return _encoded(write, given.data, b"")
    bodies = [one[HEADER.size :] for one in given.encoded]
    return _decoded(lambda body: schemaless_reader(BytesIO(body), schema, None), bodies, _of_dict)


def confluent(given: Task) -> Measured:
    """Use Confluent's serializers, with a registry in memory."""
    registry = SchemaRegistryClient.new_client({"url": "mock://bench"})
    context = SerializationContext("bench", MessageField.VALUE)
    writer = AvroSerializer(registry, json.dumps(plain(given.schema)))
    header = writer(given.data[0], context)[: HEADER.size]
    if given.direction == "encode":
        return _encoded(lambda datum: writer(datum, context), given.data, header)
    wire = [header + one[HEADER.size :] for one in given.encoded]
    reader = AvroDeserializer(registry)
    return _decoded(lambda one: reader(one, context), wire, _of_dict)


def exact(given: Task) -> str:
    """Return the digest of what is to come out."""
    if given.direction == "encode":
        return _digest(one[HEADER.size :].hex() for one in given.encoded)
    return _digest(map(repr, map(attrgetter(*given.names), given.records)))


def _encoded(encode: Callable[[Any], bytes], data: Sequence[Any], header: bytes) -> Measured:
    began = process_time()
    found = [encode(one) for one in data]
    seconds = process_time() - began
    return _measured(len(data), seconds, (one.removeprefix(header).hex() for one in found))


def _decoded(
    decode: Callable[[bytes], Any], wire: Sequence[bytes], fields: Callable[[Any], tuple[Any, ...]]
) -> Measured:
    began = process_time()
    found = [decode(one) for one in wire]
    seconds = process_time() - began
    return _measured(len(wire), seconds, (repr(fields(one)) for one in found))


def _measured(records: int, seconds: float, found: Iterable[str]) -> Measured:
    return Measured(records, seconds, _digest(found), {"us_a_record": 1e6 * seconds / records})


def _digest(lines: Iterable[str]) -> str:
    digest = blake2b(digest_size=8)
    for line in lines:
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _values(column: Column) -> list[Any]:
    """Return a column's values as Python has them."""
    if isinstance(column, Numbers):
        found = column.values.tolist()
    else:
        ends = (column.starts + column.lengths).tolist()
        text = column.buffer.tobytes()
        found = [text[start:end].decode() for start, end in zip(column.starts.tolist(), ends, strict=True)]
    if column.null is None:
        return list(found)
    return [None if null else value for value, null in zip(found, column.null.tolist(), strict=True)]


def _of_dict(datum: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(datum.values())


def plain(node: Any) -> Any:
    """Return a schema without logical types: nobody has to make dates."""
    if isinstance(node, dict):
        return {name: plain(child) for name, child in node.items() if name != "logicalType"}
    return [plain(child) for child in node] if isinstance(node, list) else node


def _workload(name: str, about: str, subject: str, direction: Direction, records: Callable[[int], Any]) -> Workload:
    return Workload(name, about, partial(task, subject=subject, direction=direction, records=records))


_MENTION, _POST = MOVIE_MENTIONS.value_subject, REDDIT_POSTS.value_subject

STAGE: Final = Stage(
    name="codec",
    about="records of the contract to bytes on the wire, and back",
    unit=RECORDS_A_SECOND,
    workloads=(
        _workload("mention-encode", "a mention's value to bytes", _MENTION, "encode", mentions),
        _workload("mention-decode", "a mention's value from bytes", _MENTION, "decode", mentions),
        _workload("post-encode", "a post to bytes", _POST, "encode", posts),
        _workload("post-decode", "a post from bytes", _POST, "decode", posts),
    ),
    contenders=(
        Contender("cinepulse", contract, peer=False, about="checked records of the contract"),
        Contender(
            "cinepulse, columns",
            columns,
            peer=False,
            about="many records at once into columns, as the sink reads them",
            workloads=("mention-decode",),
        ),
        Contender("fastavro", fastavro_alone, peer=True, about="dicts, bodies without header, one schema"),
        Contender("confluent-kafka", confluent, peer=True, about="AvroSerializer and AvroDeserializer, dicts"),
    ),
    reference=exact,
)
