"""Who the embedded server answers: one user, and no web page's trick."""

from __future__ import annotations

from base64 import b64encode

import pytest

from cinepulse.errors import ConfigurationInvalid
from clickhouse.auth import Guard
from clickhouse.http_errors import RequestRefused


def basic(credentials: str) -> dict[str, str]:
    """Return the header of Basic authorization."""
    return {"authorization": "Basic " + b64encode(credentials.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (basic("ann:se:cret"), {}),
        ({"x-clickhouse-user": "ann", "x-clickhouse-key": "se:cret"}, {}),
        ({}, {"user": "ann", "password": "se:cret"}),
    ],
)
def test_takes_the_user_in_every_way(headers: dict[str, str], query: dict[str, str]) -> None:
    """Basic authorization, ClickHouse's headers and URL parameters all name the user; a password may hold a colon."""
    Guard("ann", "se:cret", "127.0.0.1").check(headers, query)


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        (basic("ann:wrong"), {}),
        (basic("bob:secret"), {}),
        (basic("ann"), {}),
        ({"authorization": "Basic %%%"}, {}),
        ({"authorization": "Basic " + b64encode(b"\xff:\xff").decode()}, {}),
        ({"authorization": "Bearer secret"}, {}),
        ({"x-clickhouse-user": "ann"}, {"password": "secret"}),
        ({}, {"user": "ann", "password": "sécret"}),
        ({}, {"user": "default", "password": ""}),
    ],
)
def test_refuses_everybody_else(headers: dict[str, str], query: dict[str, str]) -> None:
    """Missing, wrong, mixed and malformed credentials get ClickHouse's code for it."""
    with pytest.raises(RequestRefused) as refused:
        Guard("ann", "secret", "127.0.0.1").check(headers, query)

    assert (refused.value.status, refused.value.code) == (403, 516)


def test_an_empty_password_is_for_this_machine_alone() -> None:
    """On loopback no password is needed, also for ClickHouse's usual user; on any other address it is refused."""
    Guard("ann", "", "127.0.0.1").check({}, {})
    Guard("ann", "", "::1").check(basic("ann:"), {})

    with pytest.raises(ConfigurationInvalid, match="CINEPULSE_CLICKHOUSE_PASSWORD"):
        Guard("ann", "", "0.0.0.0")  # noqa: S104 - refused, which is the point


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8123"},
        {"host": "localhost"},
        {"host": "[::1]:8123"},
        {"host": "LOCALHOST:8123", "origin": "http://localhost:3000"},
        {"host": "cinepulse.localhost:1"},
    ],
)
def test_takes_loopback_names(headers: dict[str, str]) -> None:
    """Requests that name this machine pass."""
    Guard("ann", "secret", "127.0.0.1").check_origin(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "evil.example:8123"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "127.0.0.1:8123", "origin": "https://evil.example"},
        {"host": "127.0.0.1:8123", "origin": "null"},
        {"host": "[::1"},
    ],
)
def test_refuses_foreign_names_on_loopback(headers: dict[str, str]) -> None:
    """A page whose host name points at this machine (DNS rebinding), or that posts across origins, is refused."""
    with pytest.raises(RequestRefused) as refused:
        Guard("ann", "secret", "127.0.0.1").check_origin(headers)

    assert refused.value.status == 421


def test_other_addresses_have_names_of_their_own() -> None:
    """A server that others reach cannot know all its names: the password guards it."""
    Guard("ann", "secret", "0.0.0.0").check_origin({"host": "clickhouse.example:8123"})  # noqa: S104 - has a password
