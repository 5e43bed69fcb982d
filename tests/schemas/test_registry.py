from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import pytest
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro.schema import to_parsing_canonical_form
from pydantic import SecretStr

from cinepulse.errors import ConfigurationInvalid, RegistryUnavailable, SchemaIncompatible, UnknownSchemaId
from cinepulse.settings import Settings, load_settings
from schemas.codec import HEADER, RECORD_TYPES, Codec
from schemas.registry import ManifestIds, RegistryIds, SchemaVersion, read_manifest, schema_ids
from tests.fixtures.kafka import unused_port
from tests.fixtures.tls import TlsFront
from tests.schemas.changes import BASE, CHANGES, Change
from tests.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.registry import Schema, SchemaIds
    from tests.fixtures.tls import Authority

MANIFEST = read_manifest()
SUBJECTS = list(MANIFEST)


def _registered(schema: Schema) -> RegistrySchema:
    return RegistrySchema(json.dumps(schema), "AVRO")


def _context(subject: str) -> SerializationContext:
    topic, _, part = subject.rpartition("-")
    return SerializationContext(topic, MessageField.KEY if part == "key" else MessageField.VALUE)


@pytest.fixture
def client(registry_url: str) -> Iterator[SchemaRegistryClient]:
    """Confluent's own client, to look at the registry from outside."""
    with SchemaRegistryClient({"url": registry_url}) as client:
        yield client


class Planted:
    """A registry that gives one answer to everything and remembers what it was asked."""

    def __init__(self, status: int, body: str) -> None:
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self._server = HTTPServer(("127.0.0.1", 0), self._handler(status, body.encode()))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self, status: int, body: bytes) -> type[BaseHTTPRequestHandler]:
        asked, authorizations = self.asked, self.authorizations

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                asked.append(self.path)
                authorizations.append(self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = answer  # noqa: N815 - the base class names them so

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        return Handler


@pytest.fixture(params=["manifest", pytest.param("registry", marks=pytest.mark.real)])
def ids(request: pytest.FixtureRequest) -> SchemaIds:
    """Each source of ids in turn: both keep the same promises."""
    if request.param == "manifest":
        return schema_ids(None)
    return schema_ids(request.getfixturevalue("registry_url"))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_latest_is_the_manifests_newest_version(ids: SchemaIds, subject: str) -> None:
    """Code writes with the newest version that it knows, whoever hands out the id."""
    latest = ids.latest(subject)

    assert (latest.subject, latest.version) == (subject, MANIFEST[subject][-1].version)
    assert latest.schema == MANIFEST[subject][-1].schema


@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_id_leads_back_to_its_schema(ids: SchemaIds, subject: str) -> None:
    """The id that a record carries names the schema that it was written with."""
    latest = ids.latest(subject)

    assert ids.by_id(latest.schema_id) == latest.schema


def test_an_unknown_subject_is_a_wrong_configuration(ids: SchemaIds) -> None:
    """Asking for a subject that the manifest lacks names it."""
    with pytest.raises(ConfigurationInvalid, match=r"no subject 'nobody\.knows-value'"):
        ids.latest("nobody.knows-value")


def test_an_unknown_id_is_poison(ids: SchemaIds) -> None:
    """An id that nobody registered makes its record a dead letter."""
    with pytest.raises(UnknownSchemaId, match="1999999999"):
        ids.by_id(1_999_999_999)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_records_survive_the_round_trip(ids: SchemaIds, subject: str) -> None:
    """The codec works with either source of ids."""
    codec = Codec(ids)

    assert codec.decode(subject, codec.encode(subject, SAMPLES[subject])) == SAMPLES[subject]


@pytest.mark.real
@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_registry_changes_only_the_id(registry_url: str, client: SchemaRegistryClient, subject: str) -> None:
    """With a registry the record is the same bytes behind another id."""
    with_registry = Codec(schema_ids(registry_url)).encode(subject, SAMPLES[subject])
    with_manifest = Codec(schema_ids(None)).encode(subject, SAMPLES[subject])

    registered = client.lookup_schema(subject, _registered(MANIFEST[subject][-1].schema))
    assert with_registry[: HEADER.size] == HEADER.pack(0, registered.schema_id)
    assert with_registry[HEADER.size :] == with_manifest[HEADER.size :]


@pytest.mark.real
@pytest.mark.parametrize("subject", SUBJECTS)
def test_confluents_serializer_gives_the_same_bytes_on_the_registry(
    registry_url: str, client: SchemaRegistryClient, subject: str
) -> None:
    """On one registry, Confluent's serializer and the codec write the same bytes, header included."""
    ours = Codec(RegistryIds(registry_url)).encode(subject, SAMPLES[subject])
    record = SAMPLES[subject]
    datum = asdict(record) if subject in RECORD_TYPES else record
    schema = json.dumps(MANIFEST[subject][-1].schema)
    conf: dict[str, Any] = {"subject.name.strategy": topic_subject_name_strategy}

    theirs = AvroSerializer(client, schema, conf=conf)(datum, _context(subject))
    read = AvroDeserializer(client, conf=conf)(ours, _context(subject))

    assert theirs == ours
    assert read is not None


@pytest.mark.real
def test_a_fresh_process_reads_by_id_alone(registry_url: str) -> None:
    """A consumer that has registered nothing finds the schema of a record by the id in its header."""
    written = RegistryIds(registry_url).latest("movie.mentions-value")

    found = RegistryIds(registry_url).by_id(written.schema_id)

    # The registry leaves out what follows from the context, such as a namespace that is the enclosing one.
    assert to_parsing_canonical_form(found) == to_parsing_canonical_form(written.schema)


@pytest.mark.real
def test_each_subject_is_registered_as_full_transitive(registry_url: str, client: SchemaRegistryClient) -> None:
    """The registry itself guards every subject, against any producer, from its first use on."""
    ids = RegistryIds(registry_url)
    for subject in SUBJECTS:
        ids.latest(subject)

    levels = {subject: client.get_compatibility(subject) for subject in SUBJECTS}

    assert set(levels.values()) == {"FULL_TRANSITIVE"}


@pytest.mark.real
@pytest.mark.parametrize(("number", "change"), list(enumerate(CHANGES)), ids=[change.name for change in CHANGES])
def test_the_registry_agrees_about_each_change(client: SchemaRegistryClient, number: int, change: Change) -> None:
    """Apicurio takes what our checker takes and refuses the rest with 409, but for our one stricter rule."""
    subject = f"showings.{number}-value"
    client.register_schema(subject, _registered(BASE))
    client.set_compatibility(subject, "FULL_TRANSITIVE")

    status = HTTPStatus.OK
    try:
        client.register_schema(subject, _registered(change.schema))
    except SchemaRegistryError as error:
        status = HTTPStatus(error.http_status_code)

    allowed = change.reason is None or change.registry_allows
    assert status == (HTTPStatus.OK if allowed else HTTPStatus.CONFLICT)


@pytest.mark.real
def test_an_incompatible_schema_is_refused_by_name(registry_url: str) -> None:
    """A stage whose schema breaks what the registry holds stops, and says which schema."""
    ids, subject = RegistryIds(registry_url), "refused.topic-value"
    ids._manifest = {
        subject: (SchemaVersion(subject, 1, 1, BASE), SchemaVersion(subject, 2, 2, {**BASE, "name": "Other"}))
    }

    with pytest.raises(SchemaIncompatible, match=r"refuses refused\.topic-value v2"):
        ids.latest(subject)


@pytest.mark.real
def test_the_setting_chooses_the_registry(
    registry_url: str, client: SchemaRegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SCHEMA_REGISTRY_URL alone moves a stage from the manifest's ids to the registry's."""
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    without = schema_ids(load_settings())
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry_url)
    with_registry = schema_ids(load_settings())
    latest = with_registry.latest("movie.mentions-key")

    registered = client.lookup_schema("movie.mentions-key", _registered(MANIFEST["movie.mentions-key"][-1].schema))
    assert isinstance(without, ManifestIds)
    assert latest.schema_id == registered.schema_id


def test_an_empty_address_means_no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """SCHEMA_REGISTRY_URL= in an environment file switches the registry off."""
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "")

    assert isinstance(schema_ids(load_settings()), ManifestIds)


def _questions(url: str) -> list[Callable[[], object]]:
    ids = RegistryIds(url, retries=0)
    return [lambda: ids.latest("movie.mentions-key"), lambda: ids.by_id(1)]


def test_a_registry_that_is_away_may_come_back() -> None:
    """No answer is an error to retry, told without the address, which may hold a password."""
    for ask in _questions(f"http://user:hunter2@127.0.0.1:{unused_port()}"):
        with pytest.raises(RegistryUnavailable, match="does not answer: ConnectError") as failure:
            ask()

        assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_registry_in_trouble_may_recover(status: int) -> None:
    """Any other answer is an error to retry, with its status."""
    with Planted(status, json.dumps({"error_code": status, "message": "planted"})) as registry:
        for ask in _questions(registry.url):
            with pytest.raises(RegistryUnavailable, match=f"the registry answered {status}"):
                ask()


def test_a_registry_that_answers_nonsense_is_unavailable() -> None:
    """An HTML page with 200, as a proxy gives, does not pass for an id."""
    with Planted(200, "<html>sign in</html>") as registry:
        for ask in _questions(registry.url):
            with pytest.raises(RegistryUnavailable, match="does not answer"):
                ask()


def test_a_schema_is_asked_for_once() -> None:
    """The registry is asked for an id the first time only, since a schema behind an id never changes."""
    with Planted(200, json.dumps({"schema": json.dumps(BASE), "schemaType": "AVRO"})) as registry:
        ids = RegistryIds(registry.url)

        assert [ids.by_id(7), ids.by_id(7)] == [BASE, BASE]

    assert registry.asked == ["/schemas/ids/7"]


def test_the_registry_is_asked_over_https_with_a_login(authority: Authority, stranger: Authority) -> None:
    """User, password and authority of the settings reach the registry, and no other authority is believed."""
    settings = Settings(
        schema_registry_user="reader",
        schema_registry_password=SecretStr("hunter:2"),
        schema_registry_ca_file=authority.ca_file,
    )
    answer = json.dumps({"schema": json.dumps(BASE), "schemaType": "AVRO"})
    with Planted(200, answer) as registry, TlsFront(authority.issue("registry"), registry.port) as front:
        told = settings.model_copy(update={"schema_registry_url": f"https://127.0.0.1:{front.port}"})
        deceived = told.model_copy(update={"schema_registry_ca_file": stranger.ca_file})

        assert schema_ids(told).by_id(7) == BASE
        with pytest.raises(RegistryUnavailable, match="does not answer: ConnectError"):
            schema_ids(deceived).by_id(7)

    assert registry.asked == ["/schemas/ids/7"]
    assert b64encode(b"reader:hunter:2") in bytes(front.heard)


def test_a_refused_login_does_not_show_the_password() -> None:
    """A registry that does not take the password is told by its status alone."""
    with Planted(401, json.dumps({"error_code": 401, "message": "planted"})) as registry:
        settings = Settings(
            schema_registry_url=registry.url, schema_registry_user="u", schema_registry_password=SecretStr("hunter2")
        )
        with pytest.raises(RegistryUnavailable, match="the registry answered 401") as failure:
            schema_ids(settings).by_id(7)

    assert "hunter2" not in str(failure.value)
    assert b64encode(b"u:hunter2").decode() in registry.authorizations[0]
