from __future__ import annotations

import random
from copy import deepcopy
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.utils import generate_many

from cinepulse.errors import SchemaIncompatible
from schemas.compatibility import PROMOTIONS, check_full_transitive, fingerprint, incompatibilities
from schemas.registry import SchemaVersion, read_manifest
from tests.schemas.changes import BASE, CHANGES, Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.registry import Schema

ALLOWED = [change for change in CHANGES if change.reason is None]
REFUSED = [change for change in CHANGES if change.reason is not None]
PRIMITIVES = {
    "null": None,
    "boolean": True,
    "int": 1,
    "long": 1,
    "float": 1.5,
    "double": 1.5,
    "string": "a",
    "bytes": b"a",
}


def _versions(*schemas: Schema) -> list[SchemaVersion]:
    return [SchemaVersion("showings-value", number, number, schema) for number, schema in enumerate(schemas, start=1)]


def _reads(reader: Any, writer: Any, data: Iterable[Any]) -> bool:
    """Return whether fastavro, an implementation of the rules by others, reads what `writer` wrote."""
    written, read = parse_schema(deepcopy(writer)), parse_schema(deepcopy(reader))
    for datum in data:
        body = BytesIO()
        schemaless_writer(body, written, datum)
        body.seek(0)
        try:
            schemaless_reader(body, written, read)
        except Exception:  # noqa: BLE001 - fastavro raises whatever its resolution trips over
            return False
    return True


@pytest.mark.parametrize("change", ALLOWED, ids=lambda change: change.name)
def test_a_harmless_change_is_allowed(change: Change) -> None:
    """What every reader can read, old and new, passes."""
    check_full_transitive(_versions(BASE, change.schema))


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.name)
def test_a_breaking_change_is_refused(change: Change) -> None:
    """What some reader cannot read is refused, with the field and the reason."""
    assert change.reason is not None

    with pytest.raises(SchemaIncompatible) as refusal:
        check_full_transitive(_versions(BASE, change.schema))

    assert change.reason in str(refusal.value)
    assert "showings-value: v" in str(refusal.value)


def test_every_pair_of_versions_counts() -> None:
    """A third version that fits the second but not the first is refused: transitive means all of them."""
    first = {"type": "record", "name": "Showing", "fields": [{"name": "seats", "type": "string"}]}
    second = {"type": "record", "name": "Showing", "fields": []}
    third = {"type": "record", "name": "Showing", "fields": [{"name": "seats", "type": "int", "default": 0}]}
    first["fields"] = [{"name": "seats", "type": "string", "default": ""}]

    check_full_transitive(_versions(first, second))
    check_full_transitive(_versions(second, third))
    with pytest.raises(SchemaIncompatible, match="v3 cannot read v1: seats: string became int"):
        check_full_transitive(_versions(first, second, third))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_fastavro_agrees_about_each_change(change: Change) -> None:
    """Where the checker finds nothing, fastavro reads; where it finds something, fastavro fails in that direction."""
    for reader, writer in ((change.schema, BASE), (BASE, change.schema)):
        random.seed(7)
        drawn = generate_many(parse_schema(deepcopy(writer)), 100)
        allowed = change.registry_allows or incompatibilities(reader, writer) == []

        assert _reads(reader, writer, drawn) == allowed


@pytest.mark.parametrize("writer", PRIMITIVES)
def test_fastavro_agrees_about_promotions(writer: str) -> None:
    """The table of wider types is the one that another implementation follows."""
    written = [PRIMITIVES[writer]]
    readers = [{"type": reader} for reader in PRIMITIVES if reader != writer]
    wider = {reader["type"] for reader in readers if _reads(reader, {"type": writer}, written)}

    assert PROMOTIONS.get(writer, frozenset()) == wider


def test_a_type_that_contains_itself_is_compared_once() -> None:
    """A reply that holds replies ends, and a change inside it is still found."""

    def reply(text: str) -> Schema:
        branches = ["null", "Reply"]
        fields = [{"name": "text", "type": text}, {"name": "answer", "type": branches, "default": None}]
        return {"type": "record", "name": "Reply", "fields": fields}

    assert incompatibilities(reply("string"), reply("string")) == []
    assert incompatibilities(reply("long"), reply("string")) == ["text: string became long"]


def test_a_type_used_by_name_is_compared() -> None:
    """The second use of a named type is resolved to its definition, by its short or its full name."""
    enum = {"type": "enum", "name": "Kind", "symbols": ["a"]}

    def schema(used: str, symbols: list[str]) -> Schema:
        fields = [{"name": "one", "type": {**enum, "symbols": symbols}}, {"name": "two", "type": used}]
        return {"type": "record", "name": "Pair", "namespace": "cinepulse", "fields": fields}

    assert incompatibilities(schema("Kind", ["a"]), schema("cinepulse.Kind", ["a"])) == []
    assert incompatibilities(schema("Kind", ["a"]), schema("cinepulse.Kind", ["a", "b"])) == [
        "one: the reader does not know b and has no default symbol",
        "two: the reader does not know b and has no default symbol",
    ]


@pytest.mark.parametrize(
    "subject", [subject for subject, versions in read_manifest().items() if "fields" in versions[-1].schema]
)
def test_removing_any_required_field_of_a_real_schema_is_refused(subject: str) -> None:
    """No field that readers rely on can leave any of the pipeline's schemas."""
    latest = read_manifest()[subject][-1]
    for field in latest.schema["fields"]:
        rest = {**latest.schema, "fields": [other for other in latest.schema["fields"] if other is not field]}
        refused = incompatibilities(latest.schema, rest) != []

        assert refused == ("default" not in field), field["name"]


def test_a_fingerprint_ignores_docs_and_sees_everything_else() -> None:
    """Better words keep the fingerprint; a changed default or symbol does not."""
    documented = {**BASE, "doc": "A showing."}
    changed = [change.schema for change in CHANGES if change.name not in {"nothing", "docs are added"}]

    assert fingerprint(documented) == fingerprint(BASE)
    assert all(fingerprint(schema) != fingerprint(BASE) for schema in changed)
