"""Who may talk to the embedded server: its one user, from hosts that cannot be a web page's trick."""

from __future__ import annotations

import binascii
from base64 import b64decode
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from cinepulse.errors import ConfigurationInvalid
from cinepulse.hosts import MISDIRECTED, HostRule, is_loopback, refusal
from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DEFAULT_USER: Final = "default"


class Guard:
    """Checks each request's user, password and origin.

    `host`: the address that the server binds; `allowed`: further names under which it answers, see `HostRule`. Raises
    ConfigurationInvalid for an empty password on any address that other machines reach.
    """

    def __init__(self, user: str, password: str, host: str, allowed: Collection[str] = ()) -> None:
        if not password and not is_loopback(host):
            raise ConfigurationInvalid(
                f"CINEPULSE_CLICKHOUSE_PASSWORD: set one, since {host} is not a loopback address"
            )
        self._user, self._password = user, password
        self._hosts = HostRule(host, allowed)

    def check(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        """Raise RequestRefused unless the request names the user and password, in one of ClickHouse's three ways."""
        user, password = _credentials(headers, query)
        known = compare_digest(user.encode(), self._user.encode())
        known = known or (not self._password and user == DEFAULT_USER)
        right = compare_digest(password.encode(), self._password.encode())
        if not (known and right):
            message = f"{user}: Authentication failed: password is incorrect, or there is no user with such name"
            raise RequestRefused("AUTHENTICATION_FAILED", message)

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Raise RequestRefused for a Host or Origin that is not this server's."""
        foreign = self._hosts.foreign(headers)
        if foreign is not None:
            raise RequestRefused("ACCESS_DENIED", refusal(foreign).rstrip(), status=MISDIRECTED)


def _credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    """Return user and password from the X-ClickHouse headers, Basic authorization or the URL, in that order."""
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", DEFAULT_USER), headers.get("x-clickhouse-key", "")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = b64decode(token.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise RequestRefused("AUTHENTICATION_FAILED", "The Authorization header is not Basic's form") from None
        return user, password
    return query.get("user", DEFAULT_USER), query.get("password", "")
