"""What became of every offset that the sink has confirmed, and whether each mention is stored once.

An offset is a row, a dead letter, or nothing: compaction takes records out of compacted topics, and out of no other.
So in the others rows and dead letters add up to the offsets; and a dead letter that the ledger counts is in the table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse.ask import ask
from clickhouse.check import Check
from clickhouse.ledger import Span
from clickhouse.offsets import Partition
from schemas.topics import PIPELINE_DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from clickhouse.client import Client

DOUBLES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Account:
    """One confirmed range. `letters`: its dead letters in the table, None where they may have expired."""

    partition: Partition
    span: Span
    rows: int
    dead_letters: int
    letters: int | None = None

    @property
    def offsets(self) -> int:
        """How many offsets it has."""
        return self.span.last - self.span.first + 1


def read_accounts(client: Client, topic_ids: Mapping[str, str]) -> list[Account]:
    """Return the confirmed ranges of the topics that have these ids now."""
    return [
        Account(
            Partition(row["topic"], row["partition"]),
            Span(row["first_offset"], row["last_offset"]),
            row["rows"],
            row["dead_letters"],
            row["letters"] if row["judged"] else None,
        )
        for row in ask(client, "verify_accounts")
        if topic_ids.get(row["topic"]) == row["topic_id"]
    ]


def check_accounts(accounts: Sequence[Account], compacted: Collection[str]) -> Check:
    """Check that every confirmed offset is a row, a dead letter or, in the `compacted` topics, compacted away."""
    problems = tuple(problem for account in accounts for problem in _problems(account, compacted))
    rows, letters = sum(account.rows for account in accounts), sum(account.dead_letters for account in accounts)
    offsets = sum(account.offsets for account in accounts)
    again = offsets - _covered(accounts)
    detail = (
        f"{offsets} offsets are {rows} rows, {letters} dead letters and {offsets - rows - letters} compacted away; "
        f"{again} of them were delivered again and stored once"
    )
    return Check("accounts", not problems, detail, problems)


def check_distinct(client: Client, mentions: str) -> Check:
    """Check that every mention is stored once; `mentions` names their topic."""
    (found,) = ask(client, "verify_distinct", topic=mentions)
    detail = (
        f"{found['stored']} mentions are {found['different']} different ones, of {found['delivered']} records stored; "
        f"{found['refused']} repeated inserts refused by their token"
    )
    problems: tuple[str, ...] = ()
    if found["stored"] != found["different"]:
        problems = tuple(
            f"film {row['tmdb_id']} in {row['platform']} {row['post_id']}: stored as written at "
            + " and ".join(sorted(row["written"]))
            for row in ask(client, "verify_doubles", limit=DOUBLES)
        )
    return Check("distinct", found["stored"] == found["different"], detail, problems)


def _problems(account: Account, compacted: Collection[str]) -> Iterable[str]:
    topic, number = account.partition
    place = f"{topic}-{number}, offsets {account.span.first} to {account.span.last}"
    records = account.rows + account.dead_letters
    if records > account.offsets:
        yield f"{place}: {account.offsets} offsets, but {records} records were confirmed"
    elif records < account.offsets and topic not in compacted:
        yield f"{place}: {account.offsets - records} records are neither rows nor dead letters"
    # A letter about a letter is counted and not written.
    if account.letters is not None and account.letters < account.dead_letters and topic != PIPELINE_DEAD_LETTERS.name:
        yield f"{place}: {account.dead_letters} dead letters, of which dead_letters has {account.letters}"


def _covered(accounts: Iterable[Account]) -> int:
    """Return how many offsets the ranges cover, each counted once."""
    spans: defaultdict[Partition, list[Span]] = defaultdict(list)
    for account in accounts:
        spans[account.partition].append(account.span)
    covered = 0
    for of_partition in spans.values():
        reached = -1
        for first, last in sorted(of_partition):
            covered += max(0, last - max(first - 1, reached))
            reached = max(reached, last)
    return covered
