from __future__ import annotations

import json
import traceback
import tracemalloc
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import CorruptRecord, InvalidRecord, UnknownSchemaId
from schemas.codec import HEADER, RECORD_TYPES, Codec
from schemas.registry import ManifestIds, SchemaVersion, read_manifest
from tests.schemas.samples import GOLDEN, SAMPLES, any_record

if TYPE_CHECKING:
    from schemas.registry import Schema

SUBJECTS = list(read_manifest())
RECORD_SUBJECTS = [subject for subject in SUBJECTS if subject in RECORD_TYPES]
CODEC = Codec(ManifestIds())


def _long(value: int) -> bytes:
    """Return an Avro long by the specification's zig-zag variable-length code, written apart from fastavro."""
    rest = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*encoded, rest])


def _header(subject: str) -> bytes:
    return HEADER.pack(0, ManifestIds().latest(subject).schema_id)


def _context(subject: str) -> SerializationContext:
    topic, _, part = subject.rpartition("-")
    return SerializationContext(topic, MessageField.KEY if part == "key" else MessageField.VALUE)


def _confluent(serde: type, client: SchemaRegistryClient, subject: str) -> Any:
    schema = json.dumps(ManifestIds().latest(subject).schema)
    return serde(client, schema, conf={"subject.name.strategy": topic_subject_name_strategy})


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_bytes_of_a_sample_never_change(subject: str) -> None:
    """Records that are already in Kafka stay readable: today's code writes and reads yesterday's bytes."""
    golden = bytes.fromhex(GOLDEN[subject])

    assert CODEC.encode(subject, SAMPLES[subject]) == golden
    assert CODEC.decode(subject, golden) == SAMPLES[subject]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_confluents_serializer_writes_the_same_bytes(subject: str) -> None:
    """Confluent's own Avro serializer gives these bytes, but for the id that its registry hands out."""
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    record = SAMPLES[subject]
    datum = asdict(record) if subject in RECORD_TYPES else record

    theirs = _confluent(AvroSerializer, client, subject)(datum, _context(subject))

    ours = CODEC.encode(subject, record)
    assert theirs[: HEADER.size] == HEADER.pack(0, 1)
    assert theirs[HEADER.size :] == ours[HEADER.size :]


@pytest.mark.parametrize("subject", RECORD_SUBJECTS)
def test_confluents_deserializer_reads_our_bytes(subject: str) -> None:
    """A consumer that uses Confluent's deserializer sees every field of the record."""
    client = SchemaRegistryClient.new_client({"url": "mock://"})
    schema = ManifestIds().latest(subject).schema
    _confluent(AvroSerializer, client, subject)(asdict(SAMPLES[subject]), _context(subject))
    ours = HEADER.pack(0, 1) + CODEC.encode(subject, SAMPLES[subject])[HEADER.size :]

    theirs = _confluent(AvroDeserializer, client, subject)(ours, _context(subject))

    assert set(theirs) == {field["name"] for field in schema["fields"]}
    assert Codec(ManifestIds()).encode(subject, _record(subject, theirs)) == CODEC.encode(subject, SAMPLES[subject])


def _record(subject: str, datum: dict[str, Any]) -> Any:
    """Return the record of a datum whose instants and days Confluent's deserializer made into objects."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    plain = {
        name: (value - epoch) // timedelta(milliseconds=1)
        if isinstance(value, datetime)
        else (value - epoch.date()).days
        if isinstance(value, date)
        else value
        for name, value in datum.items()
    }
    return RECORD_TYPES[subject](**plain)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_any_record_survives_the_round_trip(subject: str) -> None:
    """What the schema allows is read back equal, whatever the values."""

    @given(any_record(subject))
    def holds(record: Any) -> None:
        assert CODEC.decode(subject, CODEC.encode(subject, record)) == record

    holds()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_body_cut_anywhere_is_corrupt(subject: str) -> None:
    """Each proper prefix of a record is refused as corrupt, the cut header included."""
    whole = CODEC.encode(subject, SAMPLES[subject])

    for length in range(len(whole)):
        with pytest.raises(CorruptRecord):
            CODEC.decode(subject, whole[:length])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_byte_too_many_is_corrupt(subject: str) -> None:
    """A body that goes on after its last field is not this schema's."""
    with pytest.raises(CorruptRecord, match="1 bytes follow the body"):
        CODEC.decode(subject, CODEC.encode(subject, SAMPLES[subject]) + b"\x00")


@pytest.mark.parametrize("magic", [1, 0x7B, -1])
def test_another_magic_byte_is_corrupt(magic: int) -> None:
    """JSON, plain Avro and other framings are told apart by their first byte."""
    body = CODEC.encode("reddit.posts-key", "t3_a")[HEADER.size :]

    with pytest.raises(CorruptRecord, match=f"the first byte is {magic}, not 0"):
        CODEC.decode("reddit.posts-key", HEADER.pack(magic, 1) + body)


def test_an_unknown_schema_id_has_its_own_error() -> None:
    """An id that nobody registered may be registered later, so it is told apart from corruption."""
    with pytest.raises(UnknownSchemaId, match="4294967295"):
        CODEC.decode("reddit.posts-key", HEADER.pack(0, 2**32 - 1) + b"\x02a")


@pytest.mark.parametrize("subject", RECORD_SUBJECTS)
def test_another_subjects_record_is_corrupt(subject: str) -> None:
    """A record of a known schema on the wrong topic is refused, not read as something else."""
    for other in set(SUBJECTS) - {subject}:
        with pytest.raises(CorruptRecord):
            CODEC.decode(subject, CODEC.encode(other, SAMPLES[other]))


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        pytest.param("reddit.posts-key", _long(2**31 - 1) + b"t3_a", id="a text of 2 GiB"),
        pytest.param("reddit.posts-key", _long(2**62) + b"t3_a", id="a text of 4 EiB"),
        pytest.param("reddit.posts-key", _long(-1) + b"t3_a", id="a text of negative length"),
        pytest.param("reddit.posts-key", b"\xff" * 10_000, id="a length without an end"),
        pytest.param(
            "tmdb.movies-value",
            _long(1) + _long(1) + b"A" + _long(0) * 2 + _long(2**61) + _long(1) + b"a",
            id="a list of 2^61 items",
        ),
        pytest.param(
            "tmdb.movies-value",
            _long(1) + _long(1) + b"A" + _long(0) * 2 + _long(-(2**61)) + _long(2**61) + _long(1) + b"a",
            id="a list of 2^61 items with its size",
        ),
    ],
)
def test_a_length_that_lies_takes_no_memory(subject: str, body: bytes) -> None:
    """A header that claims gigabytes is refused from the bytes that are there, without reserving what it claims."""
    data = _header(subject) + body
    CODEC.decode(subject, CODEC.encode(subject, SAMPLES[subject]))
    tracemalloc.start()

    with pytest.raises(CorruptRecord):
        CODEC.decode(subject, data)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (_long(1) + _long(2) + _long(9) + _long(0) * 8, "list index"),
        (_long(1) + _long(2) + _long(0) + _long(1) * 3 + _long(9) + _long(0) * 4, "list index"),
        (_long(1) + _long(2) + _long(0) + _long(2**31) + _long(0) * 9, "requests does not fit 32 bits"),
    ],
    ids=["enum symbol", "union branch", "int of 33 bits"],
)
def test_an_index_or_number_out_of_range_is_corrupt(body: bytes, wrong: str) -> None:
    """A symbol or branch that the schema does not have, or an int that is a long, is refused."""
    subject = "pipeline.coverage-value"

    with pytest.raises(CorruptRecord, match=wrong):
        CODEC.decode(subject, _header(subject) + body)


def test_text_that_is_not_utf_8_is_corrupt() -> None:
    """Bytes that are no text are refused where a text is due."""
    with pytest.raises(CorruptRecord, match="UnicodeDecodeError"):
        CODEC.decode("reddit.posts-key", _header("reddit.posts-key") + _long(2) + b"\xff\xfe")


@given(data=st.binary(max_size=200), subject=st.sampled_from(SUBJECTS))
def test_noise_never_raises_anything_else(data: bytes, subject: str) -> None:
    """Whatever lies behind the header, decoding gives a record or CorruptRecord, so the pipeline can go on."""
    with suppress(CorruptRecord):
        CODEC.decode(subject, _header(subject) + data)


@given(data=st.data(), subject=st.sampled_from(SUBJECTS))
def test_damage_to_a_record_never_raises_anything_else(data: st.DataObject, subject: str) -> None:
    """A real record with any byte changed gives a record or one of the two errors of decoding."""
    damaged = bytearray(CODEC.encode(subject, SAMPLES[subject]))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    with suppress(CorruptRecord, UnknownSchemaId):
        CODEC.decode(subject, bytes(damaged))


WRONG: list[Any] = [object(), b"bytes", (1, 2), ("string", "text"), {"a": 1}, 2**70, "\ud83d", 5.5]


@pytest.mark.parametrize("subject", RECORD_SUBJECTS)
@pytest.mark.parametrize("wrong", WRONG, ids=[type(value).__name__ + str(i) for i, value in enumerate(WRONG)])
def test_a_field_of_another_type_is_refused(subject: str, wrong: Any) -> None:
    """No field takes a value that reads back as another: not a cut float, not a text as a list of its letters."""
    for field in fields(RECORD_TYPES[subject]):
        changed = replace(SAMPLES[subject], **{field.name: wrong})
        with suppress(InvalidRecord):
            assert CODEC.decode(subject, CODEC.encode(subject, changed)) == changed


@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        ("tmdb.movies-value", {"genres": "Drama"}),
        ("tmdb.movies-value", {"tmdb_id": True}),
        ("tmdb.movies-value", {"runtime_minutes": 2**31}),
        ("tmdb.movies-value", {"title": None}),
        ("pipeline.coverage-value", {"requests": 2**31}),
        ("movie.mention_counts-key", {"day": 2**31}),
        ("movie.mention_counts-value", {"state": "done"}),
        ("reddit.posts-value", {"over_18": "yes"}),
        ("reddit.posts-value", {"score": None}),
    ],
)
def test_a_field_outside_the_contract_is_refused(subject: str, changes: dict[str, Any]) -> None:
    """Values that another Avro implementation could not read, or would read as something else, are not written."""
    with pytest.raises(InvalidRecord, match=subject):
        CODEC.encode(subject, replace(SAMPLES[subject], **changes))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"title": ["my secret text"]}, "title does not take list"),
        ({"edited_at": "my secret text"}, "edited_at does not take str"),
        ({"state": "my secret text"}, "state does not take str"),
        ({"body": ["my secret text"]}, "body does not take list"),
        ({"author": "\ud83d my secret text"}, "UnicodeEncodeError"),
        ({"score": 2**64}, "score does not take int"),
        ({"over_18": "my secret text"}, "over_18 is str, not bool"),
    ],
)
def test_the_error_names_the_field_and_keeps_its_value_to_itself(changes: dict[str, Any], complaint: str) -> None:
    """A dead letter's error outlives the post, so that nothing of the post may be in it, nor in a logged traceback."""
    with pytest.raises(InvalidRecord, match=complaint) as failure:
        CODEC.encode("reddit.posts-value", replace(SAMPLES["reddit.posts-value"], **changes))

    assert "secret" not in "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    ("subject", "key"), [("tmdb.movies-key", 5.5), ("tmdb.movies-key", "5"), ("reddit.posts-key", 5)]
)
def test_a_key_of_another_type_is_refused(subject: str, key: Any) -> None:
    """A primitive key is checked as a field is."""
    with pytest.raises(InvalidRecord, match=subject):
        CODEC.encode(subject, key)


def test_a_record_of_another_kind_is_refused() -> None:
    """Passing the wrong record is an error of the record, not a crash of the stage."""
    with pytest.raises(InvalidRecord):
        CODEC.encode("tmdb.movies-value", SAMPLES["movie.mentions-key"])


def test_forty_megabytes_of_text_survive() -> None:
    """The codec sets no limit of its own: a huge post is the business of the stage that reads it."""
    post = replace(SAMPLES["reddit.posts-value"], body="x" * 40_000_000)

    assert CODEC.decode("reddit.posts-value", CODEC.encode("reddit.posts-value", post)) == post


class _Versions:
    """Ids of one subject, some of whose versions the manifest does not have."""

    def __init__(self, schemas: dict[int, Schema], latest: int) -> None:
        self._schemas = schemas
        self._latest = latest

    def latest(self, subject: str) -> SchemaVersion:
        """Return the version that this code writes."""
        return SchemaVersion(subject, 1, self._latest, self._schemas[self._latest])

    def by_id(self, schema_id: int) -> Schema:
        """Return any version."""
        return self._schemas[schema_id]


def test_a_newer_record_is_read_by_older_code() -> None:
    """A field that a newer producer added is skipped by a consumer that does not know it."""
    subject = "pipeline.coverage-key"
    first = ManifestIds().latest(subject).schema
    second = {**first, "fields": [*first["fields"], {"name": "region", "type": "string", "default": "all"}]}
    newer = HEADER.pack(0, 99) + CODEC.encode(subject, SAMPLES[subject])[HEADER.size :] + _long(2) + b"eu"

    assert Codec(_Versions({11: first, 99: second}, latest=11)).decode(subject, newer) == SAMPLES[subject]


def test_an_older_record_is_read_by_newer_code() -> None:
    """A field that an older producer did not write takes its default."""
    subject = "reddit.posts-value"
    second = ManifestIds().latest(subject).schema
    first = {**second, "fields": [field for field in second["fields"] if field["name"] != "origin"]}
    older = HEADER.pack(0, 98) + CODEC.encode(subject, SAMPLES[subject])[HEADER.size : -len(_long(8) + b"backfill")]

    newer = Codec(_Versions({2: second, 98: first}, latest=2)).decode(subject, older)

    assert newer == replace(SAMPLES[subject], origin="live")


def test_mentions_of_the_first_version_tell_no_sentiment_and_no_author() -> None:
    """A mention that was linked before either was computed is read as one of which neither is known."""
    old = bytes.fromhex(
        "00000000080c6d6f766965730206147469746c655f79656172000000000000ec3f021274335f3161626364651800c689"
        "84f5be63103031323361626364086c697665"
    )

    mention = CODEC.decode("movie.mentions-value", old)

    assert mention == replace(SAMPLES["movie.mentions-value"], sentiment=None, author_sketch=None)


def test_poll_reports_of_the_first_version_cover_nothing() -> None:
    """A report written before backfills mended coverage is read as one that mended none."""
    old = bytes.fromhex(
        "000000000c8090fcf4be63d09ffcf4be630214d00f000280d2e9f3be630280dbe3f4be63000200000000006c8240020000000000107440"
    )

    report = CODEC.decode("pipeline.coverage-value", old)

    assert report == replace(SAMPLES["pipeline.coverage-value"], covered_from=None, covered_to=None)
