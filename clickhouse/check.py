"""One thing that `cinepulse verify` looked at, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. `problems`: one line for each place where it does not hold."""

    name: str
    ok: bool
    detail: str
    problems: tuple[str, ...] = ()
