"""Faults on demand: what goes wrong next, on which requests, how often and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from cinepulse.errors import InvalidRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

RESPONSE_KINDS: Final = frozenset(
    {"status", "html", "truncated", "cut", "not_json", "slow", "reset", "header_decay", "bad_headers"}
)
"""Answered by the middleware instead of the API, or over its answer."""
LISTING_KINDS: Final = frozenset({"stale_page", "removed_cursor", "duplicate_page"})
"""Change what a listing shows."""
SHORT_NAMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "rate_limited": {"kind": "status", "status": 429},
    "unauthorized": {"kind": "status", "status": 401},
    "forbidden": {"kind": "status", "status": 403},
    "not_found": {"kind": "status", "status": 404},
    "unavailable": {"kind": "status", "status": 503},
}
CONTROLS: Final = frozenset({"kind", "count", "duration", "path", "side", "skip"})


@dataclass(slots=True)
class Fault:
    """One fault that waits for requests.

    `count`: requests it still takes, None for any number. `until`: monotonic second at which it ends, None for never.
    `skip`: matching requests to leave alone first. `path`: searched for in path and query. `side`: "reddit", "tmdb" or
    None for both. `options`: what the kind takes. `hits`: requests it has taken.
    """

    number: int
    kind: str
    count: int | None
    until: float | None
    skip: int
    path: re.Pattern[str]
    side: str | None
    options: Mapping[str, Any]
    hits: int = 0

    def active(self, now: float) -> bool:
        """Return whether it still takes requests at a monotonic second."""
        return self.count != 0 and (self.until is None or now < self.until)

    def concerns(self, target: str) -> bool:
        """Return whether a request's path and query are among those meant."""
        side = "tmdb" if target.startswith("/tmdb/") else "reddit"
        return self.side in (None, side) and self.path.search(target) is not None

    def shown(self) -> dict[str, Any]:
        """Return the fault as the admin API lists it."""
        return {
            "id": self.number,
            "kind": self.kind,
            "left": self.count,
            "path": self.path.pattern,
            "side": self.side,
            "hits": self.hits,
            **self.options,
        }


@dataclass(slots=True)
class Faults:
    """The faults in force, first come first served."""

    monotonic: Callable[[], float]
    _faults: list[Fault] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def add(self, request: Mapping[str, Any]) -> Fault:
        """Put a fault in force from its JSON form.

        Raises InvalidRecord when a field has another type or the path is no regular expression.
        """
        wanted = {**SHORT_NAMES.get(str(request.get("kind")), {}), **without_short_name(request)}
        how_often = wanted.get("count", 1 if "duration" not in wanted else None)
        try:
            fault = Fault(
                number=next(self._numbers),
                kind=wanted["kind"],
                count=None if how_often is None else int(how_often),
                until=None if wanted.get("duration") is None else self.monotonic() + float(wanted["duration"]),
                skip=int(wanted.get("skip") or 0),
                path=re.compile(wanted.get("path") or ""),
                side=wanted.get("side"),
                options={name: value for name, value in wanted.items() if name not in CONTROLS},
            )
        except (TypeError, ValueError, re.error) as error:
            raise InvalidRecord(f"fault {wanted.get('kind')}: {error}") from error
        self._faults.append(fault)
        return fault

    def take(self, target: str, kinds: Collection[str]) -> Fault | None:
        """Return the fault that hits a request, counted as one hit; None where there is none."""
        now = self.monotonic()
        for fault in self._faults:
            if fault.kind in kinds and fault.active(now) and fault.concerns(target):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """Return all faults, those that are over included."""
        now = self.monotonic()
        return [fault.shown() | {"active": fault.active(now)} for fault in self._faults]

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()


def without_short_name(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fault's fields without a kind that only abbreviates another."""
    return {name: value for name, value in request.items() if name != "kind" or value not in SHORT_NAMES}
