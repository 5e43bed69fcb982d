"""What was known at an instant: what has not changed since, and in place of the rest what it was."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from clickhouse.ask import ask, ask_both
from clickhouse.trends import instant

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from clickhouse.client import Client


def days_near(at_ms: int) -> list[date]:
    """Return the days whose counts have changed since an instant as a rule; if it is of late there are no others."""
    return [instant(at_ms).date() + timedelta(days=days) for days in (-1, 0, 1)]


def ask_then(client: Client, then: str, now: str, near: Collection[date], **asked: Any) -> list[dict[str, Any]]:
    """Return the rows of two queries about days: of what they were at an instant, and of what they are.

    `now`: tells by `is_changed` which days have changed since. `then`: tells what the `days` given were; it is asked
    for those `near` together with the other query, and only for changed ones of the rest. Raises as `ask` does.
    """
    found = ask_both(client, then, now, days=list(near), **asked)
    if far := sorted({row["day"] for row in found if row["is_changed"]} - set(near)):
        found += ask(client, then, **{**asked, "days": far})
    return found
