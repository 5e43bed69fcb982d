"""Counts of terms: made from the words near films while those may be kept, and all that stays of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clickhouse.ask import ask, query_text

if TYPE_CHECKING:
    from clickhouse.client import Client

# Words live for 48 hours at most; an hour goes by between two sweeps, and a mutation takes its time.
LIFE_SECONDS: Final = 46 * 3_600
COUNT_EVERY_SECONDS: Final = 30.0

# A mutation returns when the rows are gone from every part.
WAIT: Final = {"mutations_sync": "2"}


def count_terms(client: Client, *, life_seconds: int = LIFE_SECONDS) -> None:
    """Bring `term_counts` up to the words in `mention_terms`.

    Absolute: counting again changes nothing, and any number of processes may do it.
    """
    _run(client, "count_terms", life_seconds)


def sweep_terms(client: Client, *, life_seconds: int = LIFE_SECONDS) -> int:
    """Delete the words that have been stored for `life_seconds`, and return how many rows there were."""
    (row,) = ask(client, "sweep_terms_count", life_seconds=life_seconds)
    due = int(row["found"])
    if due:
        _run(client, "sweep_terms", life_seconds)
    return due


def _run(client: Client, name: str, life_seconds: int) -> None:
    client.command(query_text(name), parameters={"life_seconds": life_seconds}, settings=WAIT)
