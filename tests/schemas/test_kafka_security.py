"""Every client of Kafka on a broker that asks for certificates and logins."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from pydantic import SecretStr

from cinepulse.errors import BrokerUnavailable, ConfigurationInvalid
from cinepulse.kafka import client_config, security_config, tls_context, topic_identity
from cinepulse.settings import Settings
from schemas import provision
from schemas.codec import Codec
from schemas.events import DeadLetter
from schemas.provision import admin_client, create_topics, describe_topics
from schemas.publisher import Publisher
from schemas.reader import TopicReader
from schemas.registry import ManifestIds
from schemas.topics import PIPELINE_DEAD_LETTERS
from tests.fixtures.secure_kafka import PROTOCOLS

if TYPE_CHECKING:
    from tests.fixtures.secure_kafka import SecureBroker
    from tests.fixtures.tls import Authority


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let admin clients give up within seconds."""
    monkeypatch.setattr(provision, "REQUEST_SECONDS", 4.0)


def test_by_default_nothing_is_asked_for() -> None:
    """Without a setting the clients are configured as for the embedded broker."""
    assert security_config(Settings()) == {}
    assert tls_context(Settings()) is None


@pytest.mark.real
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_client_gets_in(secure_broker: SecureBroker, protocol: str) -> None:
    """Admin, producer, consumer and the question for a topic's id work over each protocol."""
    settings = secure_broker.settings(protocol)
    topic = replace(PIPELINE_DEAD_LETTERS, name=f"{protocol.lower()}.{PIPELINE_DEAD_LETTERS.name}")
    create_topics(admin_client(settings), [topic, PIPELINE_DEAD_LETTERS], partitions=4, replication_factor=1)
    reason = f"test_{uuid4().hex}"

    with Publisher.connected(settings, "test") as publisher:
        publisher.dead_letter(stage="test", source="here", reason=reason, error="none")
        publisher.flush()
    with TopicReader(settings, PIPELINE_DEAD_LETTERS.name, "test") as reader:
        codec = Codec(ManifestIds())
        letters = [codec.decode(PIPELINE_DEAD_LETTERS.value_subject, record.value or b"") for record in reader.to_end()]

    assert [letter.reason for letter in letters if isinstance(letter, DeadLetter)].count(reason) == 1
    assert describe_topics(admin_client(settings), [topic])[topic.name] is not None
    assert topic_identity(settings, topic.name)


@pytest.mark.real
@pytest.mark.parametrize(
    ("protocol", "wrong", "reason"),
    [
        (
            "SASL_SSL",
            {"kafka_sasl_password": SecretStr("not-it-4711")},
            "lets nobody in, see CINEPULSE_KAFKA_.*uthentication failed",
        ),
        (
            "SASL_PLAINTEXT",
            {"kafka_sasl_password": SecretStr("not-it-4711")},
            "lets nobody in, see CINEPULSE_KAFKA_.*uthentication failed",
        ),
        ("SASL_PLAINTEXT", {"kafka_sasl_user": "nobody"}, "lets nobody in, see CINEPULSE_KAFKA_.*uthentication failed"),
        ("SASL_SSL", {"kafka_ca_file": None}, "lets nobody in, see CINEPULSE_KAFKA_.*certificate verify failed"),
        ("SSL", {"kafka_cert_file": None, "kafka_key_file": None}, "lets nobody in|does not answer"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_nobody_else_gets_in(
    secure_broker: SecureBroker,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
    wrong: dict[str, object],
    reason: str,
) -> None:
    """A wrong login and an unknown authority are told as such, and without the password; a missing certificate is not.

    With TLS 1.3 a server that misses one lets the client finish its part and then hangs up.
    """
    settings = secure_broker.settings(protocol, **wrong)

    with pytest.raises(BrokerUnavailable, match=reason) as refused:
        describe_topics(admin_client(settings), [PIPELINE_DEAD_LETTERS])
    with pytest.raises(BrokerUnavailable, match=reason):
        topic_identity(settings, PIPELINE_DEAD_LETTERS.name, timeout=4.0)

    assert "not-it-4711" not in str(refused.value) + caplog.text


@pytest.mark.real
@pytest.mark.usefixtures("impatient")
def test_a_server_of_another_authority_is_not_believed(secure_broker: SecureBroker, stranger: Authority) -> None:
    """With an authority named no other is believed, so that nobody can stand in for the broker."""
    with pytest.raises(BrokerUnavailable, match="certificate verify failed"):
        describe_topics(
            admin_client(secure_broker.settings("SASL_SSL", kafka_ca_file=stranger.ca_file)), [PIPELINE_DEAD_LETTERS]
        )


def test_a_file_that_is_no_certificate_is_a_wrong_setting(tmp_path: Path) -> None:
    """Python's TLS says what to set, for what is not PEM and for a key without its password."""
    (tmp_path / "ca.pem").write_text("nonsense", "utf-8")

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_KAFKA_CA_FILE"):
        tls_context(Settings(kafka_security_protocol="SSL", kafka_ca_file=tmp_path / "ca.pem"))


def test_a_locked_key_is_never_asked_for_at_the_terminal(authority: Authority) -> None:
    """Without its password a key is an error; OpenSSL would ask whoever sits at the terminal."""
    client = authority.issue("locked", "a-key-password")
    fields = {"kafka_security_protocol": "SSL", "kafka_cert_file": client.cert_file, "kafka_key_file": client.key_file}
    results: list[BaseException | None] = []

    def load() -> None:
        try:
            tls_context(Settings.model_validate(fields))
        except ConfigurationInvalid as error:
            results.append(error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(10)

    assert [str(error).split(":")[0] for error in results] == [
        "CINEPULSE_KAFKA_CA_FILE, CINEPULSE_KAFKA_CERT_FILE, CINEPULSE_KAFKA_KEY_FILE"
    ]
    assert tls_context(Settings.model_validate({**fields, "kafka_key_password": "a-key-password"})) is not None


def test_a_password_is_not_in_what_a_client_shows() -> None:
    """Settings hide secrets however they are shown; the configuration for the library has them in plain."""
    settings = Settings(
        kafka_security_protocol="SASL_SSL", kafka_sasl_user="u", kafka_sasl_password=SecretStr("canary-1")
    )

    assert "canary-1" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert client_config(settings, "test")["sasl.password"] == "canary-1"


ROUND_ABOUT = re.compile(r"admin_client\([^)]*bootstrap|schema_ids\([^)]*registry_url|[\"']bootstrap\.servers[\"']")
# Where the settings become a client's, and the probe of the embedded broker, which has no login.
ENTRANCES = {"cinepulse/kafka.py", "cinepulse/local/probes.py", "schemas/provision.py"}


def test_no_client_goes_round_the_login() -> None:
    """Every client is made of the settings as a whole: an address alone would leave its login and TLS behind."""
    root = Path(__file__).parents[2]
    rooms = ("cinepulse", "producers", "schemas", "stream_processors", "clickhouse")
    files = {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for room in rooms
        for path in (root / room).rglob("*.py")
    }

    assert {name for name, text in files.items() if ROUND_ABOUT.search(text)} == ENTRANCES
