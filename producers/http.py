"""What both sources' clients share about HTTP: loopback addresses and `retry-after`."""

from __future__ import annotations

import ipaddress
import math
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

LONGEST_PAUSE_SECONDS: Final = 3600.0


def retry_after_seconds(value: str | None, now_ms: int) -> float | None:
    """Return a `retry-after` header as seconds from now, 0 to 3600; None when missing or nonsense.

    It may be a number or an HTTP date (RFC 9110, section 10.2.3). `now_ms`: milliseconds since 1970-01-01 UTC.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now_ms / 1000
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS) if math.isfinite(seconds) else None


def is_loopback(url: str) -> bool:
    """Return whether the address is http(s) on 127.0.0.0/8, ::1 or localhost."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in {"http", "https"} and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
