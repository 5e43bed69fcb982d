"""The deep verification: derives the rows anew from Kafka's compacted topics and compares them with the tables.

A compacted topic's last value of each key is what its table must hold, row for row. What is different is named: rows
that are in Kafka alone, rows that are in ClickHouse alone, and rows of which a column differs.

The pipeline may be flowing. Only records below the ends that Kafka had at the beginning are judged; a row that a later
record has replaced is left out, and a row that seems wrong is looked at again before it is called so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cinepulse.errors import Poison
from clickhouse.ask import ask
from clickhouse.check import Check
from clickhouse.offsets import Partition
from clickhouse.rows import EPOCH_SHIFT, Record
from clickhouse.tables import MENTION_COUNTS, MENTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from clickhouse.client import Client
    from clickhouse.rows import Route
    from schemas.codec import Codec
    from schemas.reader import RawRecord

PROGRESS_RECORDS: Final = 50_000
# A record that replaces a suspect is in Kafka already, and on its way through the sink.
LOOKS: Final = 4
LOOK_AGAIN_SECONDS: Final = 0.5
ASKED_AT_ONCE: Final = 500
# More than anybody reads; the number of all is told.
NAMED: Final = 10_000

Identity = tuple[Any, ...]


class Compared(NamedTuple):
    """How a table is compared: what the queries call it, the columns that name a row and those that must agree.

    `told_by`: the column of the identity that, beside the film, finds a row. A count that is told again has other
    observations and another clock, and the same revision: those are not compared.
    """

    of: str
    identity: tuple[str, ...]
    told_by: int
    columns: tuple[str, ...]


COMPARED: Final = {
    MENTIONS.name: Compared(
        "mentions",
        ("tmdb_id", "platform", "post_id", "created_at"),
        2,
        (
            *("community", "kind", "location", "method", "confidence", "thread_id", "score", "num_comments"),
            *("observed_at", "linker_version", "origin", "sentiment", "author_sketch"),
            *("source_offset", "revision"),
        ),
    ),
    MENTION_COUNTS.name: Compared(
        "counts",
        ("tmdb_id", "day"),
        1,
        ("mentions", "submissions", "comments", "state", "closed_revision", "revision"),
    ),
}


@dataclass(slots=True)
class Findings:
    """What disagrees, by identity, with a word about it, and how many rows agree."""

    alike: int = 0
    earlier: int = 0
    suspects: dict[Identity, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeepVerifier:
    """Compares one table with its topic.

    `read`: yields a partition's records from the first to the end. `epoch`: the topic's. `ends`: the ends that Kafka
    had when the verification began, which the sink has reached. `pause` sleeps; `say` tells how far it is.
    """

    client: Client
    route: Route
    codec: Codec
    read: Callable[[int], Iterable[RawRecord]]
    epoch: int
    ends: Mapping[Partition, int]
    pause: Callable[[float], None]
    say: Callable[[str], None] = lambda _text: None

    def check(self) -> Check:
        """Return the check of all partitions."""
        found = Findings()
        for partition, end in sorted(self.ends.items()):
            if partition.topic == self.route.source:
                self._compare(partition.number, end, found)
        for _ in range(LOOKS):
            if found.suspects:
                self.pause(LOOK_AGAIN_SECONDS)
                found.suspects = self._look_again(found.suspects)
        detail = f"{found.alike} rows of {self.route.table.name} are the last records of {self.route.source}"
        if found.earlier:
            detail += f"; {found.earlier} of a former topic of that name were not judged"
        problems = tuple(f"{self._named(key)}: {what}" for key, what in sorted(found.suspects.items(), key=str))
        return Check(f"{self.route.table.name}, row by row", not problems, detail, problems[:NAMED])

    @property
    def _compared(self) -> Compared:
        return COMPARED[self.route.table.name]

    def _compare(self, number: int, end: int, found: Findings) -> None:
        expected, unjudged = self._expected(number, end)
        for stored in self._stored(number):
            key = tuple(stored[name] for name in self._compared.identity)
            wanted = expected.pop(key, None)
            if key in unjudged or self._is_beyond(stored, end):
                continue
            if wanted is None and self._is_former(stored):
                found.earlier += 1
            elif wanted is None:
                found.suspects[key] = f"in ClickHouse alone, of offset {stored['source_offset']}"
            elif differing := [name for name in self._compared.columns if stored[name] != wanted[name]]:
                told = ", ".join(f"{name} {stored[name]!r} and not {wanted[name]!r}" for name in differing)
                found.suspects[key] = f"in ClickHouse {told}"
            else:
                found.alike += 1
        for key, wanted in expected.items():
            if key not in unjudged:
                found.suspects[key] = f"in Kafka alone, at offset {wanted['source_offset']}"

    def _expected(self, number: int, end: int) -> tuple[dict[Identity, dict[str, Any]], set[Identity]]:
        """Return the rows that a partition's last records make, by identity, and the identities not to be judged."""
        last: dict[bytes, tuple[int, bytes | None]] = {}
        for count, record in enumerate(self.read(number), start=1):
            if record.offset < end and record.key is not None:
                last[record.key] = record.offset, record.value
            if count % PROGRESS_RECORDS == 0:
                self.say(f"reading {self.route.source}-{number}: {count} records")
        rows: dict[Identity, dict[str, Any]] = {}
        unjudged: set[Identity] = set()
        for key, (offset, value) in last.items():
            if value is None:
                continue
            try:
                values = self.route.row(self.codec, Record(key, value, number, offset, 0, self.epoch))
            except Poison:
                # The sink has made a dead letter of it, and left the row that was there before.
                unjudged |= self._identity_of(key)
                continue
            row = dict(zip(self.route.table.column_names, values, strict=True))
            rows[tuple(row[name] for name in self._compared.identity)] = row
        return rows, unjudged

    def _identity_of(self, key: bytes) -> set[Identity]:
        try:
            decoded = self.codec.decode(self.route.topic.key_subject, key)
        except Poison:
            return set()
        return {tuple(getattr(decoded, name) for name in self._compared.identity)}

    def _stored(self, number: int) -> Iterator[dict[str, Any]]:
        of = self._compared.of
        for row in ask(self.client, "deep_days", of=of, partition=number):
            self.say(f"comparing {self.route.table.name} of {row['day']} with {self.route.source}-{number}")
            yield from ask(self.client, f"deep_{of}", day=row["day"], partition=number)

    def _look_again(self, suspects: dict[Identity, str]) -> dict[Identity, str]:
        """Return the suspects without those that a record beyond the ends has replaced or taken away meanwhile."""
        of, moved = self._compared.of, set[Identity]()
        keys = iter(suspects)
        while some := list(islice(keys, ASKED_AT_ONCE)):
            films, others = {key[0] for key in some}, {str(key[self._compared.told_by]) for key in some}
            for row in ask(self.client, f"deep_latest_{of}", films=sorted(films), others=sorted(others)):
                end = self.ends.get(Partition(self.route.source, row["source_partition"]), 0)
                if self._is_beyond(row, end):
                    moved.add(tuple(row[name] for name in self._compared.identity if name in row))
        return {
            key: what
            for key, what in suspects.items()
            if not any(key[:length] in moved for length in (len(key), len(key) - 1))
        }

    def _is_beyond(self, row: Mapping[str, Any], end: int) -> bool:
        """Return whether a row is of a record that came after the verification had begun."""
        return row["source_offset"] >= end and (self._compared.of == "counts" or not self._is_former(row))

    def _is_former(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row may be of a former topic of the name.

        The epoch in a mention's revision is its topic's. That in a count's is the mentions', so nobody can tell.
        """
        return self.epoch > 0 if self._compared.of == "counts" else row["revision"] >> EPOCH_SHIFT != self.epoch

    def _named(self, key: Identity) -> str:
        return ", ".join(f"{name} {value}" for name, value in zip(self._compared.identity, key, strict=True))
