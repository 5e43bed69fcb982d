"""Planted changes of a schema, with what FULL_TRANSITIVE says of each: one table for checker and registry."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from schemas.registry import Schema

BASE: Final[Schema] = {
    "type": "record",
    "name": "Showing",
    "namespace": "cinepulse.tests",
    "fields": [
        {"name": "tmdb_id", "type": "int"},
        {"name": "title", "type": "string"},
        {"name": "seats", "type": ["null", "int"], "default": None},
        {
            "name": "state",
            "type": {
                "type": "enum",
                "name": "ShowingState",
                "symbols": ["open", "sold_out", "unknown"],
                "default": "unknown",
            },
        },
        {"name": "rating", "type": {"type": "enum", "name": "Rating", "symbols": ["U", "PG"]}},
        {"name": "cast", "type": {"type": "array", "items": "string"}, "default": []},
        {
            "name": "cinema",
            "type": {"type": "record", "name": "Cinema", "fields": [{"name": "city", "type": "string"}]},
        },
        {"name": "checksum", "type": {"type": "fixed", "name": "Md5", "size": 16}},
        {"name": "begins_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}


@dataclass(frozen=True, slots=True)
class Change:
    """A second version of BASE; `reason` is a part of the checker's message, None where the change is allowed.

    `registry_allows`: True where Avro's own rules allow what our checker refuses.
    """

    name: str
    schema: Schema
    reason: str | None
    registry_allows: bool = False


def _changed(field: str, **attributes: Any) -> Schema:
    schema = deepcopy(BASE)
    next(found for found in schema["fields"] if found["name"] == field).update(attributes)
    return schema


def _without(field: str) -> Schema:
    return {**BASE, "fields": [found for found in BASE["fields"] if found["name"] != field]}


def _with(**field: Any) -> Schema:
    return {**BASE, "fields": [*BASE["fields"], field]}


def _enum(name: str, symbols: list[str], default: str | None = None) -> Schema:
    return {"type": "enum", "name": name, "symbols": symbols} | ({} if default is None else {"default": default})


CHANGES: Final = (
    Change("nothing", deepcopy(BASE), None),
    Change("a field with a default is added", _with(name="hall", type="string", default="1"), None),
    Change("a nullable field is added", _with(name="hall", type=["null", "string"], default=None), None),
    Change("a field with a default is removed", _without("seats"), None),
    Change("the fields change places", {**BASE, "fields": BASE["fields"][::-1]}, None),
    Change("docs are added", {**BASE, "doc": "A showing of a film."}, None),
    Change(
        "an enum with a default grows",
        _changed("state", type=_enum("ShowingState", ["open", "sold_out", "cancelled", "unknown"], "unknown")),
        None,
    ),
    Change("a field without a default is added", _with(name="hall", type="string"), "hall: the writer has no such"),
    Change("a field without a default is removed", _without("title"), "title: the writer has no such"),
    Change("a field is renamed", _changed("title", name="heading"), "heading: the writer has no such"),
    Change(
        "a field is renamed and the old name kept as an alias",
        _changed("title", name="heading", aliases=["title"]),
        "title: the writer has no such",
    ),
    Change("a text becomes a number", _changed("title", type="long"), "title: string became long"),
    Change("an int becomes a long", _changed("tmdb_id", type="long"), "tmdb_id: long became int"),
    Change("an int becomes a text", _changed("tmdb_id", type="string"), "tmdb_id: int became string"),
    Change("a field becomes nullable", _changed("title", type=["null", "string"]), "title: null became string"),
    Change("a field stops being nullable", _changed("seats", type="int", default=0), "seats: null became int"),
    Change(
        "a union changes its branch",
        _changed("seats", type=["null", "string"]),
        "seats: no branch of the reader's union takes",
    ),
    Change(
        "an enum without a default grows",
        _changed("rating", type=_enum("Rating", ["U", "PG", "R"])),
        "rating: the reader does not know R",
    ),
    Change(
        "an enum without a default shrinks",
        _changed("rating", type=_enum("Rating", ["U"])),
        "rating: the reader does not know PG",
    ),
    Change(
        "an enum is renamed",
        _changed("rating", type=_enum("Certificate", ["U", "PG"])),
        "rating: enum Rating became enum Certificate",
    ),
    Change(
        "a list holds other items", _changed("cast", type={"type": "array", "items": "long"}), "cast[]: string became"
    ),
    Change("a list becomes a text", _changed("cast", type="string", default=""), "cast: array became string"),
    Change(
        "a field inside a field is renamed",
        _changed("cinema", type={"type": "record", "name": "Cinema", "fields": [{"name": "town", "type": "string"}]}),
        "cinema.town: the writer has no such",
    ),
    Change(
        "a fixed changes its size",
        _changed("checksum", type={"type": "fixed", "name": "Md5", "size": 32}),
        "checksum: size 16 became 32",
    ),
    Change("the record is renamed", {**BASE, "name": "Screening"}, "record Showing became record Screening"),
    Change(
        "milliseconds become microseconds",
        _changed("begins_at", type={"type": "long", "logicalType": "timestamp-micros"}),
        "begins_at: logical type timestamp-millis became timestamp-micros",
        registry_allows=True,
    ),
)
