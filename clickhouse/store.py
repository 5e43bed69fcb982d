"""The sink's side of ClickHouse: inserts that are stored once however often they are sent, and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import lz4.frame

from cinepulse.errors import ConfigurationInvalid
from clickhouse.ask import ask
from clickhouse.ledger import Entry, Span, TopicEpoch, epochs
from clickhouse.offsets import Partition
from clickhouse.tables import SINK_BATCHES, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse.client import Client
    from clickhouse.columnar import Block
    from clickhouse.decoding import Bundle

DEDUPLICATE_BY: Final = "insert_deduplication_token"


class Store:
    """Writes batches and ledger entries through a client of `clickhouse.client`, and reads the ledger.

    `run` names this run of the sink among all, so that its ledger entries have tokens of their own.
    """

    def __init__(self, client: Client, run: str) -> None:
        self._client = client
        self._run = run
        self._written = 0

    def check(self) -> None:
        """Raise ConfigurationInvalid unless every table exists and drops repeated inserts."""
        found = ask(self._client, "unguarded_tables", tables=[table.name for table in TABLES])
        missing = ", ".join(row["name"] for row in found if row["missing"])
        if missing:
            raise ConfigurationInvalid(f"ClickHouse has no table {missing}: run `cinepulse migrate`")
        if found:
            names = ", ".join(row["name"] for row in found)
            raise ConfigurationInvalid(f"set non_replicated_deduplication_window on {names}: repeats would be stored")

    def insert(self, bundle: Bundle) -> None:
        """Insert decoded rows under their token."""
        table = bundle.table
        self._client.insert(
            table.name,
            bundle.columns(),
            column_names=table.column_names,
            column_type_names=table.column_types,
            column_oriented=True,
            settings={DEDUPLICATE_BY: bundle.token},
        )

    def insert_block(self, block: Block) -> None:
        """Insert a block of Native format under its token."""
        table = block.batch.route.table
        self._client.raw_insert(
            table.name,
            table.column_names,
            lz4.frame.compress(block.data),
            settings={DEDUPLICATE_BY: block.token},
            fmt="Native",
            compression="lz4",
        )

    def record(self, entries: Sequence[Entry]) -> None:
        """Write ledger entries; repeated after a failure, the same entries are stored once."""
        self._client.insert(
            SINK_BATCHES.name,
            [entry.row() for entry in entries],
            column_names=SINK_BATCHES.column_names,
            column_type_names=SINK_BATCHES.column_types,
            settings={DEDUPLICATE_BY: f"ledger:{self._run}:{self._written}"},
        )
        self._written += 1

    def epochs(self, topic_ids: Mapping[str, str]) -> dict[str, TopicEpoch]:
        """Return each topic's epoch; `topic_ids`: the ids that Kafka has now."""
        stored = [(row["topic"], row["topic_id"], row["epoch"]) for row in ask(self._client, "ledger_epochs")]
        return epochs(stored, topic_ids)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What the ledger says is stored: offset ranges by partition, and the epoch of each topic."""

    spans: dict[Partition, list[Span]]
    epochs: dict[str, int]

    def reached(self, partition: Partition) -> int:
        """Return the offset after the last one confirmed, 0 when nothing is."""
        return max((span.last + 1 for span in self.spans.get(partition, ())), default=0)


def read_ledger(client: Client, topic_ids: Mapping[str, str]) -> Confirmed:
    """Return what the ledger says is stored of the topics that have these ids now.

    What was stored of a topic of the same name before it was made anew does not count.
    """
    found = Confirmed({}, {})
    for row in ask(client, "ledger_spans"):
        if topic_ids.get(row["topic"]) == row["topic_id"]:
            partition, span = Partition(row["topic"], row["partition"]), Span(row["first_offset"], row["last_offset"])
            found.spans.setdefault(partition, []).append(span)
            found.epochs[partition.topic] = row["epoch"]
    return found
