"""Brings the live tables in line with the log, where a replay of `movie.mentions` found them to differ.

What is written are the rows that the sink would have written, with the revisions of the log: a later record of the live
pipeline wins over them as it would have then, and writing them twice changes nothing. Each table gets one insert, which
ClickHouse shows as a whole for each of the table's partitions: a month of mentions, a year of counts.
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Final

from clickhouse.ask import query_text
from clickhouse.client import connect
from clickhouse.store import DEDUPLICATE_BY

if TYPE_CHECKING:
    from cinepulse.settings import Settings

# One block an insert, however many rows: blocks become visible one after the other.
ONE_BLOCK: Final = {
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 100_000_000,
    "min_insert_block_size_bytes": 0,
}


def promote(settings: Settings, shadow: str) -> None:
    """Write what the last comparison of the shadow database found into the live tables."""
    client = connect(settings)
    for name in ("promote_mentions", "promote_counts"):
        # The same rows may have been promoted before, and changed by hand since: never drop them as a repetition.
        client.command(
            query_text(name), parameters={"shadow": shadow}, settings={**ONE_BLOCK, DEDUPLICATE_BY: token_hex(16)}
        )
