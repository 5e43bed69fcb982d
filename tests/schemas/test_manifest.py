from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from fastavro import parse_schema

from schemas.compatibility import check_full_transitive, fingerprint
from schemas.registry import SchemaVersion, read_manifest
from schemas.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = read_manifest()
VERSIONS = [version for versions in MANIFEST.values() for version in versions]
RAW = json.loads(files("schemas").joinpath("manifest.json").read_text("utf-8"))


def _name(version: SchemaVersion) -> str:
    return f"{version.subject}.v{version.version}"


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every named type and field below a schema's node."""
    if isinstance(node, list):
        for branch in node:
            yield from _nodes(branch)
    elif isinstance(node, dict):
        if "name" in node:
            yield node
        for child in (node.get("type"), node.get("items"), node.get("fields")):
            yield from _nodes(child)


@pytest.mark.parametrize("version", VERSIONS, ids=_name)
def test_every_field_and_named_type_has_docs(version: SchemaVersion) -> None:
    """The Avro files are the reference: each field, record and enum says what it means, as a sentence."""
    for node in _nodes(version.schema):
        assert node.get("doc", "").endswith("."), node["name"]


@pytest.mark.parametrize("version", VERSIONS, ids=_name)
def test_every_schema_is_valid_avro(version: SchemaVersion) -> None:
    """Names, types and defaults pass the parser's checks."""
    parse_schema(version.schema)


@pytest.mark.parametrize("version", VERSIONS, ids=_name)
def test_every_enum_has_a_default_symbol(version: SchemaVersion) -> None:
    """A symbol added later reads as unknown in older code, so an enum can grow."""
    for node in _nodes(version.schema):
        if node.get("type") == "enum":
            assert node["default"] == "unknown"
            assert node["symbols"][-1] == "unknown"


def test_each_topic_has_a_key_and_a_value_subject() -> None:
    """The manifest names the subjects of the topics and no others."""
    assert set(MANIFEST) == {subject for topic in TOPICS for subject in (topic.key_subject, topic.value_subject)}


def test_ids_are_unique() -> None:
    """An id on the wire names one schema."""
    ids = Counter(version.schema_id for version in VERSIONS)

    assert [schema_id for schema_id, count in ids.items() if count > 1] == []


@pytest.mark.parametrize("subject", RAW)
def test_versions_count_up_from_one_and_name_their_file(subject: str) -> None:
    """Every version since the first is kept, under a name that says which it is."""
    for number, entry in enumerate(RAW[subject], start=1):
        assert (entry["version"], entry["file"]) == (number, f"{subject}.v{number}.avsc")


def test_every_schema_file_is_in_the_manifest() -> None:
    """No file lies beside the manifest that nobody reads."""
    kept = {file.name for file in files("schemas").joinpath("avro").iterdir()}

    assert kept == {entry["file"] for entries in RAW.values() for entry in entries}


@pytest.mark.parametrize("subject", RAW)
def test_a_published_version_is_never_changed_in_place(subject: str) -> None:
    """Each version still promises what it did when it was written into the manifest; a change is a new version."""
    for version, entry in zip(MANIFEST[subject], RAW[subject], strict=True):
        assert fingerprint(version.schema) == entry["fingerprint"], f"add {subject}.v{version.version + 1}.avsc instead"


@pytest.mark.parametrize("subject", MANIFEST)
def test_every_version_is_compatible_with_every_other(subject: str) -> None:
    """FULL_TRANSITIVE holds over all versions kept in the repository."""
    check_full_transitive(MANIFEST[subject])
