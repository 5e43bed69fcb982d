"""One record becomes one row: every topic, tombstones, and records that lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinepulse.errors import CorruptRecord, InvalidRecord, Poison
from clickhouse.rows import ERROR_CHARACTERS, Record, Route, routes
from schemas.codec import Codec
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS, MOVIE_TERMS, TMDB_MOVIES
from tests.schemas.samples import SAMPLES, any_record

CODEC = Codec(ManifestIds())
ROUTES = {route.topic.name: route for route in routes()}
BEYOND = 1 << 62


def record_of(route: Route, key: Any, value: Any, **position: Any) -> Record:
    """Return the record that a producer of the topic would have made."""
    return Record(
        None if key is None else CODEC.encode(route.topic.key_subject, key),
        None if value is None else CODEC.encode(route.topic.value_subject, value),
        position.get("partition", 3),
        position.get("offset", 41),
        position.get("timestamp", 1_700_000_000_000),
        position.get("epoch", 0),
    )


def sample(topic: str, **position: Any) -> tuple[Route, Record]:
    """Return a topic's route and the record of its samples."""
    route = ROUTES[topic]
    return route, record_of(route, SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"], **position)


def named(route: Route, record: Record) -> dict[str, Any]:
    """Return the record's row by column."""
    return dict(zip(route.table.column_names, route.row(CODEC, record), strict=True))


@pytest.mark.parametrize("topic", ROUTES)
def test_row_has_the_columns_of_its_table(topic: str) -> None:
    """Each topic's sample becomes a row of exactly its table's columns, with its Kafka position and revision."""
    route, record = sample(topic, epoch=2)

    row = named(route, record)

    assert (row["source_partition"], row["source_offset"], row["kafka_timestamp"]) == (3, 41, 1_700_000_000_000)
    own = SAMPLES["movie.mention_counts-value"].revision
    assert row["revision"] == (own if topic == "movie.mention_counts" else (2 << 48) + 42)


@pytest.mark.parametrize("topic", ROUTES)
def test_same_record_gives_the_same_row(topic: str) -> None:
    """Processing a record twice gives equal rows: nothing random, no clock."""
    route, record = sample(topic)

    assert route.row(CODEC, record) == route.row(CODEC, record)


@pytest.mark.parametrize("topic", ROUTES)
def test_row_carries_the_fields_of_the_record(topic: str) -> None:
    """Every column that a field of the record's key or value names holds that field."""
    route, record = sample(topic)

    row = named(route, record)

    for subject in (f"{topic}-key", f"{topic}-value"):
        values = SAMPLES[subject]
        for name in row.keys() & set(getattr(values, "__slots__", ())):
            assert row[name] == getattr(values, name), name


def test_dead_letter_leaves_its_bytes_behind() -> None:
    """A dead letter's row has neither key nor value, and its message is cut: they may hold text."""
    route = ROUTES["pipeline.dead_letters"]
    letter = replace(SAMPLES["pipeline.dead_letters-value"], error="x" * 10_000, value=b"secret text")

    row = named(route, record_of(route, "reddit.posts", letter))

    assert row["error"] == "x" * ERROR_CHARACTERS
    assert b"secret text" not in row.values()


def test_mention_tombstone_is_a_deleted_row_of_the_same_key() -> None:
    """A retraction has the key's columns, no community, and is marked deleted under the next revision."""
    route, live = sample("movie.mentions", offset=41)
    gone = replace(live, value=None, offset=42)

    before, after = named(route, live), named(route, gone)

    identity = ("tmdb_id", "platform", "post_id", "created_at")
    assert [after[name] for name in identity] == [before[name] for name in identity]
    assert (before["is_deleted"], after["is_deleted"]) == (0, 1)
    assert after["revision"] == before["revision"] + 1
    assert after["community"] == ""


def test_words_and_their_tombstone_have_one_identity() -> None:
    """A retraction of words hides the words themselves: the same key columns, a higher revision, nothing else."""
    route, live = sample("movie.terms")
    gone = replace(live, value=None, offset=live.offset + 1)

    before, after = named(route, live), named(route, gone)

    identity = ("tmdb_id", "platform", "post_id", "created_at")
    assert [after[name] for name in identity] == [before[name] for name in identity]
    assert (before["is_deleted"], after["is_deleted"]) == (0, 1)
    assert after["revision"] == before["revision"] + 1
    assert (len(before["terms"]), after["terms"]) == (4, ())


def test_film_tombstone_is_a_deleted_row() -> None:
    """A film that leaves the catalogue keeps its id and nothing else."""
    route = ROUTES["tmdb.movies"]

    row = named(route, record_of(route, 693_134, None))

    assert (row["tmdb_id"], row["is_deleted"], row["title"]) == (693_134, 1, "")


@pytest.mark.parametrize(
    "topic", sorted(ROUTES.keys() - {MOVIE_MENTIONS.name, MOVIE_TERMS.name, TMDB_MOVIES.name}), ids=lambda topic: topic
)
def test_tombstone_elsewhere_is_refused(topic: str) -> None:
    """Topics in which a null value has no meaning refuse one by name."""
    route, record = sample(topic)

    with pytest.raises(InvalidRecord, match="tombstone"):
        route.row(CODEC, replace(record, value=None))


@pytest.mark.parametrize("topic", ["movie.mentions", "movie.mention_counts", "pipeline.coverage"])
def test_missing_key_is_refused(topic: str) -> None:
    """A record whose identity is in its key cannot do without."""
    route, record = sample(topic)

    with pytest.raises(CorruptRecord, match="no key"):
        route.row(CODEC, replace(record, key=None))


@pytest.mark.parametrize(
    ("topic", "part", "change"),
    [
        ("movie.mentions", "key", {"created_at": -1}),
        ("movie.mentions", "key", {"created_at": BEYOND}),
        ("movie.mentions", "value", {"observed_at": BEYOND}),
        ("movie.mentions", "value", {"confidence": 1.5}),
        ("movie.mentions", "value", {"confidence": float("nan")}),
        ("movie.mention_counts", "key", {"day": 65_536}),
        ("movie.mention_counts", "value", {"mentions": -1}),
        ("movie.mention_counts", "value", {"revision": -1}),
        ("movie.mention_counts", "value", {"watermark": BEYOND}),
        ("tmdb.popularity", "value", {"observed_at": BEYOND}),
        ("tmdb.movies", "value", {"observed_at": -1}),
        ("pipeline.coverage", "value", {"gap_to": BEYOND}),
        ("pipeline.dead_letters", "value", {"failed_at": BEYOND}),
    ],
)
def test_value_that_no_column_holds_is_refused(topic: str, part: str, change: dict[str, Any]) -> None:
    """A well-formed record with an impossible value is refused as invalid, before it reaches ClickHouse."""
    route = ROUTES[topic]
    key, value = SAMPLES[f"{topic}-key"], SAMPLES[f"{topic}-value"]
    if part == "key":
        key = replace(key, **change)
    else:
        value = replace(value, **change)

    with pytest.raises(InvalidRecord):
        route.row(CODEC, record_of(route, key, value))


@pytest.mark.parametrize("topic", ROUTES)
@given(data=st.data())
def test_any_record_gives_a_row_or_is_poison(topic: str, data: st.DataObject) -> None:
    """Whatever record the schema allows, the outcome is a row of the table's width or a named refusal."""
    route = ROUTES[topic]
    key, value = data.draw(any_record(f"{topic}-key")), data.draw(any_record(f"{topic}-value"))

    try:
        row = route.row(CODEC, record_of(route, key, value))
    except Poison as error:
        assert error.reason == "invalid_record"  # noqa: PT017 - one of two outcomes
    else:
        assert len(row) == len(route.table.columns)


@pytest.mark.parametrize("topic", ROUTES)
@given(junk=st.binary(max_size=64))
def test_any_bytes_are_a_row_or_poison(topic: str, junk: bytes) -> None:
    """Bytes that no producer of ours wrote never raise anything but Poison."""
    route, record = sample(topic)

    try:
        route.row(CODEC, replace(record, value=junk))
    except Poison as error:
        assert error.reason in {"corrupt_record", "unknown_schema_id", "invalid_record"}  # noqa: PT017 - as above


def test_prefix_changes_the_source_and_not_the_contract() -> None:
    """A prefixed pipeline reads other topics under the same subjects."""
    plain, prefixed = routes()[0], routes("shadow.")[0]

    assert prefixed.source == f"shadow.{plain.source}"
    assert prefixed.topic == plain.topic
