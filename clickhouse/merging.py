"""Merges `popularity_days`: a film's numbers of a day arrive on seven days, and readers add up every row of them.

The engine merges parts of about the same size with each other, so that it leaves a day's rows in five or six of them
for good, each with all columns of 256 bits. One row costs readers half of what six do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clickhouse.ask import ask, query_text

if TYPE_CHECKING:
    from clickhouse.client import Client

MERGE_EVERY_SECONDS: Final = 3_600.0
# A merge writes a whole month anew. It waits for this share of its rows, in percent: each row is written some ten times
# while its month grows.
APART_PERCENT: Final = 10


def merge_days(client: Client, *, apart_percent: int = APART_PERCENT) -> int:
    """Merge each month of `popularity_days` into one part when enough rows of one lie outside its largest part.

    Changes no number, and any number of processes may do it. Returns how many
    months were due. Raises DatabaseUnavailable when ClickHouse does not answer.
    """
    (row,) = ask(client, "merge_days_due", apart_percent=apart_percent)
    due = int(row["due"])
    if due:
        client.command(query_text("merge_days"))
    return due
