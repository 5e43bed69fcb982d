"""The writer: order of the steps, retries, and giving up in the right way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest
import stamina
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from cinepulse.clock import ManualClock
from cinepulse.errors import ConfigurationInvalid
from clickhouse.batches import Batch, Waiting
from clickhouse.columnar import Columnar
from clickhouse.decoding import Bundle, Piece, bundles, decode
from clickhouse.ledger import Entry, TopicEpoch
from clickhouse.letters import PoisonCap
from clickhouse.rows import routes
from clickhouse.writer import UNKNOWN_ATTEMPTS, WriteAbandoned, Writer
from schemas.codec import Codec
from schemas.registry import ManifestIds
from tests.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clickhouse.columnar import Block
    from schemas.publisher import Publisher

IDS = ManifestIds()
CODEC = Codec(IDS)
ROUTE = next(route for route in routes() if route.topic.name == "movie.mentions")


@dataclass
class FakeStore:
    """Remembers what it stored; raises what it is told to first."""

    log: list[str]
    errors: list[Exception] = field(default_factory=list)

    def insert(self, bundle: Bundle) -> None:
        """Store rows."""
        self._act(f"insert {' '.join(token.rpartition(':')[2] for token in bundle.token.split())}")

    def insert_block(self, block: Block) -> None:
        """Store a block."""
        self._act(f"block {block.token.rpartition(':')[2]}")

    def record(self, entries: Sequence[Entry]) -> None:
        """Store ledger entries."""
        self._act(f"record {[tuple(entry.span) for entry in entries]}")

    def _act(self, what: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.log.append(what)


@dataclass
class FakePublisher:
    """Remembers dead letters."""

    log: list[str]

    def dead_letter(self, **fields: Any) -> None:
        """Queue one."""
        self.log.append(f"letter {fields['offset']} {fields['reason']}")

    def flush(self) -> None:
        """Deliver."""
        self.log.append("flush")


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    """Retry at once, as often as the code would."""
    with stamina.set_testing(testing=True, attempts=50, cap=True):
        yield


def batch(*values: bytes, first: int = 0, partition: int = 0) -> Batch:
    """Return a batch of mentions with these values."""
    waiting = Waiting(ROUTE, partition, 0, first)
    key = CODEC.encode("movie.mentions-key", SAMPLES["movie.mentions-key"])
    for offset, value in enumerate(values, start=first):
        waiting.add(offset, key, value, 0)
    return waiting.take(len(values))


GOOD = CODEC.encode("movie.mentions-value", SAMPLES["movie.mentions-value"])


@dataclass
class Scene:
    """A writer with fakes around it, and what they were told, in order."""

    errors: list[Exception] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def write(self, *batches: Batch, abandoned: bool = False, least_records: int = 100) -> list[str]:
        """Write the batches and return what happened."""
        event = Event()
        if abandoned:
            event.set()
        self.writer(least_records).write(batches, event)
        return self.log

    def writer(self, least_records: int = 100) -> Writer:
        """Return the writer."""
        return Writer(
            store=FakeStore(self.log, self.errors),
            codec=CODEC,
            columnar=Columnar(IDS, CODEC, least_records=least_records),
            publisher=cast("Publisher", FakePublisher(self.log)),
            cap=PoisonCap(0.5),
            clock=ManualClock(),
            epochs={ROUTE.source: TopicEpoch("id", 0)},
        )


def test_rows_go_first_then_letters_then_the_ledger() -> None:
    """The ledger says nothing that is not stored and delivered."""
    assert Scene().write(batch(GOOD, b"junk", GOOD)) == [
        "insert 0-2",
        "letter 1 corrupt_record",
        "flush",
        "record [(0, 2)]",
    ]


def test_batch_of_poison_alone_needs_no_insert() -> None:
    """Nothing is inserted; its letters are delivered and its offsets recorded."""
    assert Scene().write(batch(b"junk")) == ["letter 0 corrupt_record", "flush", "record [(0, 0)]"]


@pytest.mark.parametrize("error", [OperationalError("refused"), DatabaseError("busy", code=202)])
def test_what_may_pass_is_tried_again_until_it_does(error: Exception) -> None:
    """An insert that fails for now is repeated under the same token."""
    assert Scene([error] * 20).write(batch(GOOD)) == ["insert 0-0", "flush", "record [(0, 0)]"]


def test_unknown_failure_is_tried_a_few_times_and_then_raised() -> None:
    """Nobody knows what it is: no dead letter on a guess, no endless silence."""
    scene = Scene([DatabaseError("news", code=1_234)] * UNKNOWN_ATTEMPTS)

    with pytest.raises(DatabaseError, match="news"):
        scene.write(batch(GOOD))

    assert scene.log == []
    assert scene.errors == []


def test_wrong_set_up_is_raised_at_once() -> None:
    """What only an operator can mend is not tried again, and no row is blamed for it."""
    scene = Scene([ConfigurationInvalid("run `cinepulse migrate`")])

    with pytest.raises(ConfigurationInvalid):
        scene.write(batch(GOOD))

    assert scene.log == []


def test_refused_rows_are_found_by_halving() -> None:
    """The half with the bad row is halved again, down to it; ranges tile the batch, and no row is lost."""
    refused = DatabaseError("constraint", code=469)
    scene = Scene([refused, refused, refused])

    assert scene.write(batch(GOOD, GOOD, GOOD, GOOD)) == [
        "insert 1-1",
        "insert 2-3",
        "letter 0 insert_refused",
        "flush",
        "record [(0, 3)]",
    ]


def test_small_batches_of_a_table_share_an_insert() -> None:
    """Partitions with a few records each cost ClickHouse one insert, and each has its own letters and ledger entry."""
    assert Scene().write(batch(GOOD, first=5), batch(GOOD, b"junk", first=7, partition=1)) == [
        "insert 5-5 7-8",
        "letter 8 corrupt_record",
        "flush",
        "record [(5, 5), (7, 8)]",
    ]


def test_refused_row_is_found_in_its_partition() -> None:
    """A shared insert that is refused is made partition by partition, so that one bad row takes no other with it."""
    refused = DatabaseError("constraint", code=469)
    scene = Scene([refused, refused])

    assert scene.write(batch(GOOD, first=5), batch(GOOD, first=7, partition=1)) == [
        "insert 7-7",
        "letter 5 insert_refused",
        "flush",
        "record [(5, 5), (7, 7)]",
    ]


@pytest.mark.parametrize(("sizes", "expected"), [((3, 2), [5]), ((3, 3), [3, 3]), ((9, 1), [9, 1]), ((0, 1, 0), [1])])
def test_bundles_stay_small(sizes: tuple[int, ...], expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be many rows together goes apart, and what has no row not at all."""
    monkeypatch.setattr("clickhouse.decoding.BUNDLE_ROWS", 5)
    loose = [decode(batch(*[GOOD] * size or [b"junk"]), CODEC)[0] for size in sizes]

    assert [len(bundle) for bundle in bundles(loose)] == expected


def of_months(*months: int) -> Piece:
    """Return the decoded mentions of so many months after 1970."""
    waiting, sample = Waiting(ROUTE, 0, 0, 0), SAMPLES["movie.mentions-key"]
    for offset, month in enumerate(months):
        key = replace(sample, created_at=month * 31 * 86_400_000)
        waiting.add(offset, CODEC.encode("movie.mentions-key", key), GOOD, 0)
    return decode(waiting.take(len(months)), CODEC)[0]


def test_bundle_touches_no_more_months_than_an_insert_may() -> None:
    """Two partitions of a backfill with three years each go apart: ClickHouse takes a hundred months at most."""
    few, first, second = of_months(0, 400), of_months(*range(30)), of_months(*range(30, 60))

    assert [len(bundle) for bundle in bundles([few, first])] == [32]
    assert [len(bundle) for bundle in bundles([first, second])] == [30, 30]


def test_refused_block_is_taken_apart() -> None:
    """A block that ClickHouse refuses is decoded record by record."""
    scene = Scene([DatabaseError("constraint", code=469)])

    assert scene.write(batch(GOOD, GOOD), least_records=1) == ["insert 0-1", "flush", "record [(0, 1)]"]


def test_block_is_preferred() -> None:
    """Enough good records go as one block."""
    assert Scene().write(batch(GOOD, GOOD), least_records=1) == ["block 0-1", "flush", "record [(0, 1)]"]


def test_abandoned_write_stops_before_the_next_step() -> None:
    """Once the partitions are taken away nothing more is stored or recorded."""
    scene = Scene()

    with pytest.raises(WriteAbandoned):
        scene.write(batch(GOOD), abandoned=True)

    assert scene.log == []


def test_entries_grow_and_begin_anew_when_told() -> None:
    """Consecutive flushes extend the ledger's entry, until the partitions are assigned anew."""
    scene = Scene()
    writer, event = scene.writer(), Event()

    for first in (0, 1):
        writer.write([batch(GOOD, first=first)], event)
    writer.forget()
    writer.write([batch(GOOD, first=2)], event)

    assert [step for step in scene.log if step.startswith("record")] == [
        "record [(0, 0)]",
        "record [(0, 1)]",
        "record [(2, 2)]",
    ]
