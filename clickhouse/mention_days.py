"""Keeps `mention_days` and `film_mention_days`: the live mentions of each film and day that is over in one row.

A day is made anew when the rows of its mentions are others than those that it was made of, whoever changed them: the
sink, a deletion, a backfill, a promotion. It is said to be kept only after its films are written, and both carry the
time before anything was read, so that of two processes that keep the same day the one that read later wins.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from clickhouse.ask import ask, query_text
from clickhouse.check import Check
from clickhouse.tables import INSTANT

if TYPE_CHECKING:
    from clickhouse.client import Client

KEEP_EVERY_SECONDS: Final = 30.0
# What readers ask for lies within: a month and the month before it. All days are looked at each hour, and at first.
WINDOW_DAYS: Final = 70
ALL_DAYS_EVERY: Final = 120
EVER: Final = date(1970, 1, 1)
NEVER: Final = date(2149, 6, 6)
"""The first and the last day that ClickHouse has."""
# So many days are read together: their mentions lie in memory meanwhile.
DAYS_AT_ONCE: Final = 4
ROUNDS: Final = 8
# More than anybody reads.
DIFFERENCES: Final = 10_000
_COLUMNS: Final = {"day": "Date", "fingerprint": "UInt64", "kept_at": INSTANT}


class DayKeeper:
    """Brings both tables up to the mentions, of late days each time it is called and at times of all.

    Absolute: keeping again changes nothing, and any number of processes may do it.
    """

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, client: Client) -> None:
        """Keep some days that are due, those first that were looked at longest ago."""
        first = EVER
        if self._calls % ALL_DAYS_EVERY:
            (reached,) = ask(client, "keep_days_reached")
            first = max(EVER, reached["latest_day"] - timedelta(days=WINDOW_DAYS))
        for _ in range(ROUNDS):
            if keep_days(client, first) < DAYS_AT_ONCE:
                # All that was due is kept; what has arrived meanwhile comes next time.
                self._calls += 1
                return


def check_days(client: Client) -> Check:
    """Check that the film-days of days that are kept say what the mentions say.

    A day that has changed since it was kept is not judged, and a film-day counts as wrong when it is twice in a row.
    """
    first, again = (ask(client, "verify_days", limit=DIFFERENCES) for _ in range(2))
    problems = tuple(
        f"film {row['tmdb_id']} on {row['day']}: {row['stored']} stored, {row['kept']} in its row"
        for row in again
        if row in first
    )
    (kept,) = ask(client, "verify_days_kept")
    return Check("days", not problems, f"{kept['film_days']} film-days in a row each, of {kept['days']} days", problems)


def keep_days(client: Client, first_day: date = EVER, before: date = NEVER) -> int:
    """Keep a few days that are due, from `first_day` on and before another, and return how many there were.

    Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    due = ask(client, "keep_days_due", first_day=first_day, before=before, limit=DAYS_AT_ONCE)
    if due:
        read_ms = due[0]["read_ms"]
        parameters: dict[str, Any] = {"days": [row["day"] for row in due], "read_ms": read_ms}
        for statement in ("keep_days", "keep_film_days"):
            client.command(query_text(statement), parameters=parameters)
        client.insert(
            "mention_days_kept",
            [[row["day"], row["fingerprint"], read_ms] for row in due],
            column_names=list(_COLUMNS),
            column_type_names=list(_COLUMNS.values()),
        )
    return len(due)
