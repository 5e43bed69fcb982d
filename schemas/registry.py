"""Where schema ids come from: a checked-in manifest, or a Confluent-compatible registry.

Ids are part of the bytes on the wire. Without a registry the manifest's ids are used; with one, its ids, and the rest
of each record is the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from cinepulse.errors import (
    CinepulseError,
    ConfigurationInvalid,
    RegistryUnavailable,
    SchemaIncompatible,
    UnknownSchemaId,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confluent_kafka.schema_registry import SchemaRegistryClient

    from cinepulse.settings import Settings

Schema = dict[str, Any]
Answer = TypeVar("Answer")

# The client waits for ever unless told. A stage that cannot get its ids fails within half a minute and is started
# again with back-off, which an operator sees; a stage that hangs says nothing.
REGISTRY_TIMEOUT_SECONDS: Final = 10
REGISTRY_RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """One version of a subject: its number, its id on the wire and its Avro schema."""

    subject: str
    version: int
    schema_id: int
    schema: Schema


class SchemaIds(Protocol):
    """The two questions a codec has."""

    def latest(self, subject: str) -> SchemaVersion:
        """Return the version to write with."""
        ...

    def by_id(self, schema_id: int) -> Schema:
        """Return the schema a record was written with; raises UnknownSchemaId."""
        ...


def read_manifest() -> dict[str, tuple[SchemaVersion, ...]]:
    """Return every subject's versions, oldest first, from `manifest.json` and the files it names."""
    root = files("schemas")
    manifest: Mapping[str, list[Mapping[str, Any]]] = json.loads(root.joinpath("manifest.json").read_text("utf-8"))
    return {
        subject: tuple(
            SchemaVersion(
                subject,
                int(entry["version"]),
                int(entry["id"]),
                json.loads(root.joinpath("avro", entry["file"]).read_text("utf-8")),
            )
            for entry in entries
        )
        for subject, entries in manifest.items()
    }


class ManifestIds:
    """Ids from the checked-in manifest: no server needed, the same on every machine."""

    def __init__(self) -> None:
        self._subjects = read_manifest()
        self._by_id = {
            version.schema_id: version.schema for versions in self._subjects.values() for version in versions
        }

    def latest(self, subject: str) -> SchemaVersion:
        """Return the newest version of a subject; raises ConfigurationInvalid for a subject not in the manifest."""
        versions = self._subjects.get(subject)
        if not versions:
            raise ConfigurationInvalid(f"schemas/manifest.json has no subject {subject!r}")
        return versions[-1]

    def by_id(self, schema_id: int) -> Schema:
        """Return the schema with that id; raises UnknownSchemaId."""
        try:
            return self._by_id[schema_id]
        except KeyError:
            raise UnknownSchemaId(f"schema id {schema_id} is not in the manifest") from None


class RegistryIds:
    """Ids from a registry with Confluent's API, through confluent-kafka's client.

    Subjects are registered on first use, under FULL_TRANSITIVE compatibility, so that a schema that would break a
    reader or writer of any earlier version is refused by the registry and not found out in production.

    `access`: the client's own settings of login and TLS, see `registry_access`.
    """

    def __init__(self, url: str, *, retries: int = REGISTRY_RETRIES, access: Mapping[str, str] | None = None) -> None:
        self._client = {"url": url, "timeout": REGISTRY_TIMEOUT_SECONDS, "max.retries": retries, **(access or {})}
        self._manifest = read_manifest()
        self._latest: dict[str, SchemaVersion] = {}
        self._by_id: dict[int, Schema] = {}

    def latest(self, subject: str) -> SchemaVersion:
        """Register the manifest's versions of a subject where they are new and return the newest.

        Raises ConfigurationInvalid for an unknown subject, SchemaIncompatible when the registry refuses the schema,
        RegistryUnavailable when it does not answer.
        """
        if subject not in self._latest:
            if subject not in self._manifest:
                raise ConfigurationInvalid(f"schemas/manifest.json has no subject {subject!r}")
            for version in self._manifest[subject]:
                schema_id = self._register(version)
                self._by_id[schema_id] = version.schema
                self._latest[subject] = SchemaVersion(subject, version.version, schema_id, version.schema)
        return self._latest[subject]

    def by_id(self, schema_id: int) -> Schema:
        """Return the schema with that id, asking the registry once.

        Raises UnknownSchemaId when the registry has none, RegistryUnavailable when it does not answer.
        """
        if schema_id not in self._by_id:
            unknown = UnknownSchemaId(f"the registry has no schema id {schema_id}")
            found = self._ask(lambda client: client.get_schema(schema_id), {HTTPStatus.NOT_FOUND: unknown})
            self._by_id[schema_id] = json.loads(found.schema_str or "null")
        return self._by_id[schema_id]

    def _register(self, version: SchemaVersion) -> int:
        from confluent_kafka.schema_registry import Schema as RegistrySchema

        def register(client: SchemaRegistryClient) -> int:
            client.set_compatibility(version.subject, "FULL_TRANSITIVE")
            schema_id: int = client.register_schema(version.subject, RegistrySchema(json.dumps(version.schema), "AVRO"))
            return schema_id

        refused = SchemaIncompatible(f"the registry refuses {version.subject} v{version.version}")
        return self._ask(register, {HTTPStatus.CONFLICT: refused})

    def _ask(
        self, question: Callable[[SchemaRegistryClient], Answer], refusals: Mapping[int, CinepulseError]
    ) -> Answer:
        """Put one question over a connection of its own: there are a dozen in a process's life, most at its start."""
        from confluent_kafka.schema_registry import SchemaRegistryClient
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        try:
            with SchemaRegistryClient(self._client) as client:
                return question(client)
        except SchemaRegistryError as error:
            status = error.http_status_code
            raise refusals.get(status) or RegistryUnavailable(f"the registry answered {status}") from error
        except Exception as error:
            # Of the class only: the message may hold the address, and the address a password.
            raise RegistryUnavailable(f"the registry does not answer: {type(error).__name__}") from error


def schema_ids(where: Settings | str | None) -> SchemaIds:
    """Return the source of ids: the registry that the settings name, the manifest when they name none.

    `where`: the settings, or the address of a registry that asks for no login.
    """
    if isinstance(where, str) or where is None:
        return RegistryIds(where) if where else ManifestIds()
    if not where.schema_registry_url:
        return ManifestIds()
    return RegistryIds(where.schema_registry_url, access=registry_access(where))


def registry_access(settings: Settings) -> dict[str, str]:
    """Return the registry client's settings of login and TLS."""
    access = {}
    if settings.schema_registry_user:
        password = settings.schema_registry_password.get_secret_value()
        access["basic.auth.user.info"] = f"{settings.schema_registry_user}:{password}"
    if settings.schema_registry_ca_file is not None:
        access["ssl.ca.location"] = str(settings.schema_registry_ca_file)
    return access
