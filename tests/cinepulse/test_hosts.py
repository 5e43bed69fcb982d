"""Which hosts a server takes for its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cinepulse.hosts import HostGuard, HostRule, is_loopback

FOREIGN = [
    {},
    {"host": ""},
    {"host": "evil.example:8123"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "127.0.0.1:8123", "origin": "https://evil.example"},
    {"host": "127.0.0.1:8123", "origin": "null"},
    {"host": "[::1"},
    {"host": "evil.example", "origin": "http://localhost"},
    {"host": "localhost.evil.example"},
    {"host": "localhost@evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_loopback_has_loopback_names_only(headers: dict[str, str]) -> None:
    """Whatever a web page can make its browser say is foreign."""
    assert HostRule("127.0.0.1").foreign(headers) is not None


@pytest.mark.parametrize("host", ["127.0.0.1:8123", "localhost", "[::1]:1", "LOCALHOST.", "cinepulse.localhost:1"])
def test_loopback_names_are_ours(host: str) -> None:
    """Every way to write this machine is taken, with its port or without."""
    assert HostRule("127.0.0.1").foreign({"host": host, "origin": f"http://{host}"}) is None


def test_further_names_can_be_allowed() -> None:
    """Behind a proxy a server answers under the proxy's name too, and still under no other."""
    rule = HostRule("127.0.0.1", ["Films.example"])

    assert rule.foreign({"host": "films.example:443", "origin": "https://films.example"}) is None
    assert rule.foreign({"host": "localhost"}) is None
    assert rule.foreign({"host": "other.example"}) == "other.example"


def test_another_address_has_names_of_its_own() -> None:
    """A server that others reach cannot know all its names; once some are named, it answers under no others."""
    headers = {"host": "count:9100"}

    assert HostRule("0.0.0.0").foreign(headers) is None  # noqa: S104 - a case
    assert HostRule("0.0.0.0", ["count"]).foreign(headers) is None  # noqa: S104 - a case
    assert HostRule("0.0.0.0", ["sink"]).foreign(headers) == "count"  # noqa: S104 - a case


def test_of_two_hosts_the_first_counts_as_for_the_application() -> None:
    """The layer judges the header that Starlette would read."""
    answered = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        answered.append(scope)

    async def send(message: Any) -> None:
        answered.append(message)

    async def receive() -> None:
        """Nothing comes."""

    for hosts in ([b"evil.example", b"localhost"], [b"localhost", b"evil.example"]):
        scope = {"type": "http", "headers": [(b"host", host) for host in hosts]}
        asyncio.run(HostGuard(app, HostRule("127.0.0.1"))(scope, receive, send))

    assert [message.get("status") for message in answered] == [421, None, None]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost.", True), ("0.0.0.0", False), ("", False)],  # noqa: S104 - a case
)
def test_knows_loopback(host: str, *, expected: bool) -> None:
    """Only addresses and names that can mean nothing but this machine count."""
    assert is_loopback(host) is expected
