from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, fields
from functools import reduce
from operator import or_
from types import GenericAlias, NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from schemas import events
from schemas.codec import RECORD_TYPES, TUPLE_FIELDS
from schemas.registry import read_manifest

MANIFEST = read_manifest()
SCHEMAS = {subject: MANIFEST[subject][-1].schema for subject in RECORD_TYPES}
PRIMITIVES = {
    "null": NoneType,
    "boolean": bool,
    "int": int,
    "long": int,
    "double": float,
    "string": str,
    "bytes": bytes,
}


def _python_type(declared: Any) -> Any:
    """Return the annotation that an Avro type calls for, an enum's as the set of its symbols."""
    if isinstance(declared, list):
        return reduce(or_, (_python_type(branch) for branch in declared))
    if isinstance(declared, str):
        return PRIMITIVES[declared]
    if declared["type"] == "enum":
        return frozenset(declared["symbols"])
    if declared["type"] == "array":
        return GenericAlias(tuple, (_python_type(declared["items"]), ...))
    return PRIMITIVES[declared["type"]]


def _shape(annotation: Any) -> Any:
    """Return an annotation in a form that compares equal whatever its spelling or order."""
    if isinstance(annotation, UnionType):
        return frozenset(_shape(branch) for branch in get_args(annotation))
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    return annotation


@pytest.mark.parametrize("subject", SCHEMAS)
def test_a_record_has_exactly_its_schemas_fields(subject: str) -> None:
    """No field exists on one side only, whatever the order."""
    declared = {field["name"] for field in SCHEMAS[subject]["fields"]}

    assert {field.name for field in fields(RECORD_TYPES[subject])} == declared


@pytest.mark.parametrize("subject", SCHEMAS)
def test_a_record_is_named_as_its_schema(subject: str) -> None:
    """The class and the Avro record carry one name."""
    assert RECORD_TYPES[subject].__name__ == SCHEMAS[subject]["name"]


@pytest.mark.parametrize("subject", SCHEMAS)
def test_annotations_say_what_the_schema_says(subject: str) -> None:
    """Types, nullability and enum symbols agree field by field."""
    hints = get_type_hints(RECORD_TYPES[subject], vars(events))

    for field in SCHEMAS[subject]["fields"]:
        assert _shape(hints[field["name"]]) == _shape(_python_type(field["type"])), field["name"]


@pytest.mark.parametrize("subject", SCHEMAS)
def test_defaults_agree(subject: str) -> None:
    """A field may be left out in Python exactly where a reader may fill it in, with the same value."""
    avro = {
        field["name"]: tuple(field["default"]) if isinstance(field["default"], list) else field["default"]
        for field in SCHEMAS[subject]["fields"]
        if "default" in field
    }

    assert {
        field.name: field.default for field in fields(RECORD_TYPES[subject]) if field.default is not MISSING
    } == avro


@pytest.mark.parametrize("subject", SCHEMAS)
def test_lists_are_tuples(subject: str) -> None:
    """Every array field is one that the codec turns into a tuple, so that records stay immutable."""
    arrays = tuple(
        field["name"]
        for field in SCHEMAS[subject]["fields"]
        if isinstance(field["type"], dict) and field["type"]["type"] == "array"
    )

    assert TUPLE_FIELDS.get(RECORD_TYPES[subject], ()) == arrays


def test_records_are_frozen_and_slotted() -> None:
    """A record cannot be changed after it is made, and holds nothing beside its fields."""
    key = events.MentionCountKey(tmdb_id=1, day=2)

    with pytest.raises(FrozenInstanceError):
        key.day = 3  # type: ignore[misc]  # the very thing that must fail
    assert not hasattr(key, "__dict__")


def test_every_record_of_the_module_has_a_subject() -> None:
    """No event is left without a schema."""
    assert set(get_args(events.Event)) == set(RECORD_TYPES.values())
