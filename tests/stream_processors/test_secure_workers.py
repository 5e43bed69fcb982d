"""Workers on a broker that asks for certificates and logins: Faust's consumer and librdkafka's clients together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cinepulse.errors import ConfigurationInvalid
from cinepulse.settings import Settings, variable_of
from schemas.provision import admin_client, create_topics
from schemas.topics import TOPICS
from stream_processors.app import credentials
from stream_processors.workers import COUNT_APP
from tests.fixtures.secure_kafka import KEY_PASSWORD, PASSWORD, PROTOCOLS
from tests.stream_processors.running import (
    PARTITIONS,
    exact_counts,
    lag,
    read_counts,
    send_mentions,
    some_mentions,
    workers_of,
)
from tests.stream_processors.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.secure_kafka import SecureBroker

SECURITY = [name for name in Settings.model_fields if name.startswith("kafka_")]


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a worker these settings of Kafka."""
    given = {name: getattr(settings, name) for name in SECURITY if name in settings.model_fields_set}
    return {
        variable_of(name): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name, value in given.items()
        if value is not None
    }


@pytest.mark.real
def test_a_worker_counts_over_every_protocol(secure_broker: SecureBroker, tmp_path: Path) -> None:
    """One after the other, a worker with a certificate and two with logins take over the same state and counts."""
    bootstrap = secure_broker.process.bootstrap
    create_topics(admin_client(bootstrap), TOPICS, partitions=PARTITIONS, replication_factor=1)
    said = some_mentions(900, seed=9)
    for number, protocol in enumerate(PROTOCOLS):
        with workers_of(secure_broker.settings(protocol).kafka_bootstrap, tmp_path / protocol) as workers:
            workers.directory.mkdir()
            worker = workers.ready("count", **environment(secure_broker.settings(protocol)))
            send_mentions(bootstrap, said[number * 300 : (number + 1) * 300])
            wait_until(lambda: lag(bootstrap, COUNT_APP, "movie.mentions") == 0, f"counted over {protocol}")
            assert worker.stop() == 0
            output = worker.log.read_text()
        assert PASSWORD not in output
        assert KEY_PASSWORD not in output

    told = {film_day: count.mentions for film_day, count in read_counts(bootstrap).items() if count.mentions}
    assert told == exact_counts(said)


@pytest.mark.real
def test_a_worker_that_is_not_let_in_says_so(secure_broker: SecureBroker, tmp_path: Path) -> None:
    """A wrong password ends the worker with one line, in which neither password stands."""
    given = environment(secure_broker.settings("SASL_SSL")) | {"CINEPULSE_KAFKA_SASL_PASSWORD": "a-wrong-pässword"}
    with workers_of(secure_broker.settings("SASL_SSL").kafka_bootstrap, tmp_path) as workers:
        worker = workers.start("count", **given)
        code = worker.popen.wait(60)
        output = worker.log.read_text()

    assert code == 1
    assert "Kafka lets nobody in" in output
    assert "Traceback" not in output
    assert "a-wrong-pässword" not in output
    assert PASSWORD not in output


def test_credentials_follow_the_protocol(secure_broker: SecureBroker) -> None:
    """Faust is given what librdkafka is: nothing, a certificate, or a login with or without TLS."""
    protocols = {protocol: credentials(secure_broker.settings(protocol)) for protocol in PROTOCOLS}

    assert credentials(Settings()) is None
    assert {protocol: found and found.protocol.value for protocol, found in protocols.items()} == {
        protocol: protocol for protocol in PROTOCOLS
    }
    assert all(PASSWORD not in repr(found) for found in protocols.values())


def test_a_wrong_file_stops_a_worker_at_its_start(tmp_path: Path) -> None:
    """What is not a certificate is a wrong setting, told before anything runs."""
    (tmp_path / "ca.pem").write_text("nonsense", "utf-8")

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_KAFKA_CA_FILE"):
        credentials(Settings(kafka_security_protocol="SSL", kafka_ca_file=tmp_path / "ca.pem"))
