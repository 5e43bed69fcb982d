"""Under which host names a server of this program answers, so that no web page can talk to it.

A page in a browser on this machine can point its own host name at 127.0.0.1 (DNS rebinding), or post to 127.0.0.1 from
its own origin. Both show in the request: in `Host` and in `Origin`.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

MISDIRECTED: Final = 421
"""HTTP's status for a request that was meant for another server (RFC 9110, section 15.5.20)."""


class HostRule:
    """Which hosts are ours.

    `bound`: the address that the server listens on. A server on loopback answers under loopback names, under `bound`
    and under the `allowed` names; one on another address under any name, since it cannot know its own, until `allowed`
    names some.
    """

    def __init__(self, bound: str, allowed: Collection[str] = ()) -> None:
        self._names = {_plain(name) for name in (bound, *allowed)}
        self._any = not allowed and not is_loopback(bound)

    def foreign(self, headers: Mapping[str, str]) -> str | None:
        """Return the host in `host` or `origin` that is not ours, "" for a missing one; None when all are ours.

        `headers`: of one request, names in lower case.
        """
        if self._any:
            return None
        hosts = [_hostname(f"//{headers.get('host', '')}")]
        if origin := headers.get("origin"):
            hosts.append(_hostname(origin))
        return next((host for host in hosts if not self._is_ours(host)), None)

    def _is_ours(self, host: str) -> bool:
        return bool(host) and (_plain(host) in self._names or is_loopback(host))


class HostGuard:
    """An ASGI layer that refuses requests for, and from, hosts that are not ours."""

    def __init__(self, app: Callable[..., Awaitable[None]], rule: HostRule) -> None:
        self._app = app
        self._rule = rule

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        foreign = self._rule.foreign(headers)
        if foreign is None:
            await self._app(scope, receive, send)
            return
        body = refusal(foreign).encode()
        head = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": MISDIRECTED, "headers": head})
        await send({"type": "http.response.body", "body": body})


def refusal(host: str) -> str:
    """Return the line that tells why a request was refused."""
    # What a stranger wrote is not repeated at any length.
    return f"This server is not {host[:100] or 'without a name'}: CINEPULSE_ALLOWED_HOSTS names others that it is\n"


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only mean this machine."""
    name = _plain(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _plain(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
