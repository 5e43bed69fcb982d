"""ClickHouse over HTTPS: the real engine behind a TLS front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cinepulse.errors import DatabaseUnavailable
from clickhouse.client import connect
from tests.fixtures.tls import TlsFront

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cinepulse.settings import Settings
    from tests.fixtures.tls import Authority


@pytest.fixture(scope="module")
def front(clickhouse_server: Settings, authority: Authority) -> Iterator[TlsFront]:
    """Yield a TLS front of the shared server."""
    with TlsFront(authority.issue("clickhouse"), clickhouse_server.clickhouse_port) as front:
        yield front


def over(front: TlsFront, settings: Settings, **changes: Any) -> Settings:
    """Return settings that reach the server through the front."""
    return settings.model_copy(update={"clickhouse_port": front.port, "clickhouse_secure": True, **changes})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_talks_https(clickhouse_settings: Settings, front: TlsFront, authority: Authority, host: str) -> None:
    """With the authority's file, statements and inserts go over TLS and the server's name is checked."""
    client = connect(over(front, clickhouse_settings, clickhouse_ca_file=authority.ca_file, clickhouse_host=host))

    client.command("CREATE TABLE t (a UInt8) ENGINE = Memory")
    client.insert("t", [[1], [2]], column_names=["a"])

    assert client.query("SELECT sum(a) FROM t").first_row == (3,)
    assert b"CREATE TABLE t" in front.heard


def test_an_unknown_authority_is_not_believed(
    clickhouse_settings: Settings, front: TlsFront, stranger: Authority
) -> None:
    """Without the authority, or with another one, nothing is sent: above all no password."""
    before = len(front.heard)
    for ca_file in (None, stranger.ca_file):
        with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
            connect(over(front, clickhouse_settings, clickhouse_ca_file=ca_file))

    assert len(front.heard) == before


def test_checking_can_be_switched_off(clickhouse_settings: Settings, front: TlsFront) -> None:
    """For trials the certificate may go unchecked; the driver warns each time."""
    with pytest.warns(Warning, match="Unverified HTTPS request"):
        answer = connect(over(front, clickhouse_settings, clickhouse_verify=False)).command("SELECT 1")

    assert answer == 1


def test_plain_http_to_a_tls_port_fails(clickhouse_settings: Settings, front: TlsFront) -> None:
    """A client that was not told of TLS gets an error, not an answer."""
    with pytest.raises(DatabaseUnavailable):
        connect(over(front, clickhouse_settings, clickhouse_secure=False))
