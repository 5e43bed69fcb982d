"""Fixtures of the producers' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cinepulse.settings import Settings
from schemas.provision import admin_client, create_topics
from schemas.publisher import Publisher
from schemas.topics import TOPICS
from tests.producers.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def topics(broker: str) -> str:
    """Return the address of the shared broker with all topics made."""
    create_topics(admin_client(broker), TOPICS, partitions=Settings().partitions, replication_factor=1)
    return broker


@pytest.fixture(scope="session")
def publisher(topics: str) -> Publisher:
    """Return a publisher on the shared broker that is connected once."""
    return Publisher.connected(Settings(kafka_bootstrap=topics), "test")


@pytest.fixture(scope="session")
def all_tape(topics: str) -> Iterator[Tape]:
    """Return a tape that is connected once."""
    tape = Tape(Settings(kafka_bootstrap=topics))
    yield tape
    tape.close()


@pytest.fixture
def tape(all_tape: Tape) -> Tape:
    """Return what arrives on the shared broker from now on."""
    all_tape.rewind()
    return all_tape
