"""Whether a schema can change without breaking a reader or a writer of any version: FULL_TRANSITIVE, offline.

The rules are those of the Avro specification, "Schema Resolution"
(https://avro.apache.org/docs/1.12.0/specification/#schema-resolution), asked in both directions, because old records
are read by new code and new records by code that has not been deployed yet. One rule is stricter than the
specification: a changed logical type is refused, since the same integer would then mean another instant.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import SchemaIncompatible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.registry import Schema, SchemaVersion

PROMOTIONS: Final[dict[str, frozenset[str]]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""Writer's type -> the wider types a reader may declare."""

Names = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Side:
    """One schema of a comparison with the named types that it defines."""

    schema: Any
    names: Names

    def at(self, node: Any) -> _Side:
        """Return the same side at another node; a reference by name becomes the definition."""
        return _Side(self.names.get(node, node) if isinstance(node, str) else node, self.names)

    @property
    def kind(self) -> str:
        """The Avro type's name; `union` for a list of branches."""
        if isinstance(self.schema, list):
            return "union"
        return str(self.schema["type"] if isinstance(self.schema, dict) else self.schema)

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return an attribute of a complex type."""
        return self.schema.get(attribute, default) if isinstance(self.schema, dict) else default


def incompatibilities(reader: Schema, writer: Schema) -> list[str]:
    """Return why records written with `writer` cannot be read with `reader`, one line a reason; empty when they can."""
    sides = (_Side(reader, _names_of(reader)), _Side(writer, _names_of(writer)))
    return list(_compare(*sides, "", set()))


def check_full_transitive(versions: Sequence[SchemaVersion]) -> None:
    """Compare every pair of a subject's versions in both directions.

    Raises SchemaIncompatible with one line for each reason.
    """
    reasons = [
        f"{new.subject}: v{reader.version} cannot read v{writer.version}: {reason}"
        for old, new in combinations(versions, 2)
        for reader, writer in ((new, old), (old, new))
        for reason in incompatibilities(reader.schema, writer.schema)
    ]
    if reasons:
        raise SchemaIncompatible("\n".join(reasons))


def fingerprint(schema: Schema) -> str:
    """Return the SHA-256, in hex, of what a schema promises: everything but its docs and its layout."""
    return hashlib.sha256(json.dumps(_without_docs(schema), sort_keys=True).encode()).hexdigest()


def _compare(reader: _Side, writer: _Side, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    if writer.kind == "union":
        for branch in writer.schema:
            yield from _compare(reader, writer.at(branch), path, seen)
        return
    if reader.kind == "union":
        if all(any(_compare(reader.at(branch), writer, path, set(seen))) for branch in reader.schema):
            yield f"{_at(path)}no branch of the reader's union takes {_named(writer)}"
        return
    if reader.kind != writer.kind and reader.kind not in PROMOTIONS.get(writer.kind, ()):
        yield f"{_at(path)}{_named(writer)} became {_named(reader)}"
        return
    if reader.get("logicalType") != writer.get("logicalType"):
        yield f"{_at(path)}logical type {writer.get('logicalType')} became {reader.get('logicalType')}"
    pair = (id(reader.schema), id(writer.schema))
    if reader.kind == writer.kind and pair not in seen:
        # A type that contains itself is compared once.
        yield from _compare_complex(reader, writer, path, seen | {pair})


def _compare_complex(reader: _Side, writer: _Side, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    if reader.kind in {"record", "enum", "fixed"} and _short(writer.get("name")) not in _own_names(reader):
        yield f"{_at(path)}{_named(writer)} became {_named(reader)}"
    elif reader.kind == "record":
        yield from _compare_fields(reader, writer, path, seen)
    elif reader.kind == "enum":
        lost = [symbol for symbol in writer.get("symbols") if symbol not in reader.get("symbols")]
        if lost and reader.get("default") is None:
            yield f"{_at(path)}the reader does not know {', '.join(lost)} and has no default symbol"
    elif reader.kind == "fixed":
        if reader.get("size") != writer.get("size"):
            yield f"{_at(path)}size {writer.get('size')} became {reader.get('size')}"
    elif reader.kind in {"array", "map"}:
        inner = "items" if reader.kind == "array" else "values"
        yield from _compare(reader.at(reader.get(inner)), writer.at(writer.get(inner)), f"{path}[]", seen)


def _compare_fields(reader: _Side, writer: _Side, path: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    written = {field["name"]: field for field in writer.get("fields")}
    for field in reader.get("fields"):
        where = f"{path}.{field['name']}" if path else field["name"]
        name = next((name for name in (field["name"], *field.get("aliases", ())) if name in written), None)
        if name is not None:
            yield from _compare(reader.at(field["type"]), writer.at(written[name]["type"]), where, seen)
        elif "default" not in field:
            yield f"{_at(where)}the writer has no such field and the reader no default"


def _names_of(schema: Any) -> Names:
    """Return every named type that a schema defines, by its full and its short name."""
    found: Names = {}
    pending: list[tuple[Any, str]] = [(schema, "")]
    while pending:
        node, namespace = pending.pop()
        if isinstance(node, list):
            pending.extend((branch, namespace) for branch in node)
        elif isinstance(node, dict):
            space = node.get("namespace", namespace)
            if isinstance(node.get("type"), str) and node["type"] in {"record", "enum", "fixed"}:
                found[node["name"]] = found[f"{space}.{_short(node['name'])}"] = node
            inner = (node.get("type"), node.get("items"), node.get("values"), *node.get("fields", ()))
            pending.extend((child, space) for child in inner if isinstance(child, dict | list))
    return found


def _own_names(side: _Side) -> set[str]:
    return {_short(name) for name in (side.get("name"), *side.get("aliases", ()))}


def _named(side: _Side) -> str:
    return f"{side.kind} {side.get('name')}" if side.get("name") else side.kind


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def _without_docs(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _without_docs(child) for name, child in node.items() if name != "doc"}
    if isinstance(node, list):
        return [_without_docs(child) for child in node]
    return node
