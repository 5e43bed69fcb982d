"""Real questions to a part: does it do its work, not merely does its process exist."""

from __future__ import annotations

import functools
import logging
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from cinepulse.local.ports import LOOPBACK

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

PROBE_SECONDS: Final = 2.0

# librdkafka tells each refused connection; a probe of a part that starts expects them.
_silent = logging.getLogger("cinepulse.local.probes.kafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Probe(Protocol):
    """One question to one part."""

    def __call__(self) -> bool:
        """Return whether the part does its work; a part that cannot be reached does not."""
        ...


class HttpProbe:
    """A part that answers 200 on an address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self) -> bool:
        """Return whether the address answers 200 in time."""
        try:
            return _http().get(self._url).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False


class KafkaProbe:
    """A broker that answers a metadata request with at least one broker in it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client: AdminClient | None = None

    def __call__(self) -> bool:
        """Return whether the broker answers in time."""
        from confluent_kafka import KafkaException

        if not port_answers(self._port):
            return False
        try:
            return bool(self._admin().list_topics(timeout=PROBE_SECONDS).brokers)
        except KafkaException:
            # A client that saw the broker die reconnects with growing pauses; a fresh one asks at once.
            self._client = None
            return False

    def _admin(self) -> AdminClient:
        if self._client is None:
            from confluent_kafka.admin import AdminClient

            self._client = AdminClient(
                {"bootstrap.servers": f"{LOOPBACK}:{self._port}", "log.connection.close": False}, logger=_silent
            )
        return self._client


@functools.cache
def _http() -> httpx.Client:
    # Loopback only: a proxy of the environment must not be asked for it. One for all, since each loads certificates.
    return httpx.Client(timeout=PROBE_SECONDS, trust_env=False)


def port_answers(port: int) -> bool:
    """Return whether something listens on the loopback port."""
    try:
        socket.create_connection((LOOPBACK, port), PROBE_SECONDS).close()
    except OSError:
        return False
    return True
