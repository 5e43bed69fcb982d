"""Who may talk to the embedded server: its one user, from hosts that cannot be a web page's trick."""

from __future__ import annotations

import binascii
from base64 import b64decode
from hmac import compare_digest
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cinepulse.errors import ConfigurationInvalid
from clickhouse.http_errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_USER: Final = "default"


class Guard:
    """Checks each request's user, password and origin.

    `host`: the address that the server binds. Raises ConfigurationInvalid for an empty password on any address that
    other machines reach.
    """

    def __init__(self, user: str, password: str, host: str) -> None:
        self._loopback = is_loopback(host)
        if not password and not self._loopback:
            raise ConfigurationInvalid(
                f"CINEPULSE_CLICKHOUSE_PASSWORD: set one, since {host} is not a loopback address"
            )
        self._user, self._password = user, password
        self._host = host.lower()

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
        """Raise RequestRefused for a foreign Host or Origin on loopback.

        A web page can point its own host name at 127.0.0.1 (DNS rebinding), or post to it across origins.
        """
        if not self._loopback:
            return
        origin = headers.get("origin")
        hosts = [_hostname(f"//{headers.get('host', '')}"), *([_hostname(origin)] if origin else [])]
        for host in hosts:
            if host != self._host and not is_loopback(host):
                raise RequestRefused("ACCESS_DENIED", f"This server is not {host or 'without a name'}", status=421)


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only mean this machine."""
    name = host.lower().strip("[]").rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


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
