"""Proves, on a pipeline that may be flowing, that nothing was lost and nothing counted twice.

Six checks: the sink's ledger covers every partition's offsets without a hole; the sink has reached the ends that
Kafka had when the check began; the count stage has counted every mention up to there; every confirmed offset is a row,
a dead letter or compacted away; each mention is stored once; and the counts of the count stage equal the distinct live
mentions, film-day by film-day and both ways.

A flowing pipeline changes between two reads. So a film-day that differs counts as wrong only when nothing that the
count stage had not yet committed has touched it, and when it differs alike in two passes in a row; the others are
looked at again until they agree or time is up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from clickhouse.accounts import check_accounts, check_distinct, read_accounts
from clickhouse.ask import ask
from clickhouse.check import Check
from clickhouse.ledger import holes
from clickhouse.offsets import Partition
from clickhouse.rows import EPOCH_SHIFT
from clickhouse.store import read_ledger
from schemas.partitioning import film_partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from cinepulse.clock import Clock
    from clickhouse.client import Client
    from clickhouse.offsets import Extent
    from clickhouse.store import Confirmed

PASS_SECONDS: Final = 0.5

# More than anybody reads; the count of all of them is told.
DIFFERENCES: Final = 10_000


class FilmDay(NamedTuple):
    """One film on one UTC day."""

    tmdb_id: int
    day: date


class Numbers(NamedTuple):
    """What the counts say of a film-day, and how many mentions are stored."""

    counted: int
    stored: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A film-day on which counts and mentions disagree."""

    tmdb_id: int
    day: date
    counted: int
    stored: int


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome. `unsettled`: film-days that kept changing for as long as there was time to look."""

    ok: bool
    checks: tuple[Check, ...]
    differing: tuple[Difference, ...]
    unsettled: tuple[Difference, ...]


class KafkaView(Protocol):
    """What the check asks of Kafka."""

    def extents(self) -> Mapping[Partition, Extent]:
        """Return the offsets that each partition of the sink's topics has now."""
        ...

    def topic_ids(self) -> Mapping[str, str]:
        """Return the id of each of these topics: one made anew has another."""
        ...

    def counted(self) -> Mapping[Partition, int]:
        """Return the offset in the mentions topic below which the count stage has counted, by partition."""
        ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """Runs the checks.

    `mentions` and `counts` name the two topics; `compacted` those from which Kafka takes records out; `pause` sleeps;
    `say` tells what is waited for.
    """

    client: Client
    kafka: KafkaView
    clock: Clock
    pause: Callable[[float], None]
    mentions: str
    counts: str
    compacted: frozenset[str] = frozenset()
    say: Callable[[str], None] = lambda _text: None

    def verify(self, *, wait_seconds: float, settle_seconds: float) -> Verification:
        """Return the outcome.

        Waits up to `wait_seconds` for the sink and the count stage to pass the ends Kafka has now, and looks for up to
        `settle_seconds` at film-days that change.
        """
        ends = self.kafka.extents()
        ledger = self._await_sink(_ends_to_reach(ends), wait_seconds)
        wanted = {partition: extent.end for partition, extent in ends.items() if partition.topic == self.mentions}
        counted = self._await_counts(wanted, wait_seconds)
        differing, unsettled = self._compare(settle_seconds)
        checks = (
            check_offsets(ends, ledger),
            check_ends(ends, ledger),
            check_count_stage(wanted, counted),
            self._check_accounts(settle_seconds),
            check_distinct(self.client, self.mentions),
            self._check_counts(differing, unsettled),
        )
        return Verification(all(check.ok for check in checks), checks, differing, unsettled)

    def _await_sink(self, ends: Mapping[Partition, int], seconds: float) -> Confirmed:
        """Return the ledger once it has reached the ends, or when time is up."""
        deadline = self.clock.monotonic() + seconds
        while True:
            ledger = read_ledger(self.client, self.kafka.topic_ids())
            behind = _behind(ledger, ends)
            if not behind or self.clock.monotonic() >= deadline:
                return ledger
            self.say(f"waiting for the sink: {behind} records to store")
            self.pause(PASS_SECONDS)

    def _await_counts(self, ends: Mapping[Partition, int], seconds: float) -> Mapping[Partition, int]:
        """Return what the count stage has committed once it has reached the ends, or when time is up."""
        deadline = self.clock.monotonic() + seconds
        while True:
            counted = self.kafka.counted()
            behind = sum(max(0, end - counted.get(partition, 0)) for partition, end in ends.items())
            if not behind or self.clock.monotonic() >= deadline:
                return counted
            self.say(f"waiting for the count stage: {behind} mentions to count")
            self.pause(PASS_SECONDS)

    def _compare(self, seconds: float) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
        """Return the film-days that truly differ, and those that would not hold still."""
        deadline = self.clock.monotonic() + seconds
        before: dict[FilmDay, Numbers] | None = None
        while True:
            settled, moving = self._pass(max(0.0, deadline - self.clock.monotonic()))
            if not settled and not moving:
                return (), ()
            if before is not None:
                alike = {film_day: numbers for film_day, numbers in settled.items() if before.get(film_day) == numbers}
                rest = {film_day: numbers for film_day, numbers in settled.items() if film_day not in alike} | moving
                if not rest or self.clock.monotonic() >= deadline:
                    return _differences(alike), _differences(rest)
            before = settled
            self.say(f"looking again at {len(settled) + len(moving)} film-days")
            self.pause(PASS_SECONDS)

    def _pass(self, seconds: float) -> tuple[dict[FilmDay, Numbers], dict[FilmDay, Numbers]]:
        """Return the film-days that differ now: those that nothing uncounted has touched, and the others."""
        counted = self.kafka.counted()
        extents = self.kafka.extents()
        ends = {partition: extent.end for partition, extent in extents.items() if partition.topic == self.counts}
        ledger = self._await_sink(ends | dict(counted), seconds)
        differing = {
            FilmDay(row["tmdb_id"], row["day"]): Numbers(row["counted"], row["stored"])
            for row in ask(self.client, "verify_counts", limit=DIFFERENCES)
        }
        settled: set[FilmDay] = set()
        if differing and not _behind(ledger, ends | dict(counted)):
            partitions = sum(partition.topic == self.mentions for partition in extents)
            settled = self._settled(differing, counted, partitions, ledger.epochs.get(self.mentions, 0))
        return (
            {film_day: numbers for film_day, numbers in differing.items() if film_day in settled},
            {film_day: numbers for film_day, numbers in differing.items() if film_day not in settled},
        )

    def _settled(
        self, film_days: Iterable[FilmDay], counted: Mapping[Partition, int], partitions: int, epoch: int
    ) -> set[FilmDay]:
        """Return those of the film-days that no mention beyond what is counted has touched."""
        rows = ask(
            self.client,
            "verify_revisions",
            days=sorted({film_day.day for film_day in film_days}),
            films=sorted({film_day.tmdb_id for film_day in film_days}),
        )
        found = set()
        for row in rows:
            partition = Partition(self.mentions, film_partition(row["tmdb_id"], partitions))
            if row["revision"] <= epoch << EPOCH_SHIFT | counted.get(partition, 0):
                found.add(FilmDay(row["tmdb_id"], row["day"]))
        return found

    def _check_accounts(self, seconds: float) -> Check:
        """Return the check of the accounts, once it holds or when time is up: a dead letter's row takes a moment."""
        deadline = self.clock.monotonic() + seconds
        while True:
            check = check_accounts(read_accounts(self.client, self.kafka.topic_ids()), self.compacted)
            if check.ok or self.clock.monotonic() >= deadline:
                return check
            self.say("looking again at the dead letters")
            self.pause(PASS_SECONDS)

    def _check_counts(self, differing: Sequence[Difference], unsettled: Sequence[Difference]) -> Check:
        (totals,) = ask(self.client, "verify_totals")
        detail = (
            f"{totals['film_days']} film-days, {totals['counted']} counted, {totals['stored']} distinct mentions stored"
        )
        if unsettled:
            detail += f"; {len(unsettled)} film-days kept changing and were not judged"
        problems = tuple(
            f"film {one.tmdb_id} on {one.day}: {one.counted} counted, {one.stored} stored" for one in differing
        )
        return Check("counts", not differing, detail, problems)


def check_offsets(ends: Mapping[Partition, Extent], ledger: Confirmed) -> Check:
    """Check that the ledger covers what each partition holds, up to where the sink has come, without a hole."""
    problems = tuple(
        f"{partition.topic}-{partition.number}: offsets {hole.first} to {hole.last} were never confirmed"
        for partition, extent in ends.items()
        for hole in holes(ledger.spans.get(partition, ()), extent.begin, min(extent.end, ledger.reached(partition)))
    )
    return Check("offsets", not problems, f"{len(ends)} partitions without a hole", problems)


def check_ends(ends: Mapping[Partition, Extent], ledger: Confirmed) -> Check:
    """Check that the sink has stored everything up to the ends that Kafka had."""
    problems = tuple(
        f"{partition.topic}-{partition.number}: stored up to {ledger.reached(partition)} of {extent.end}"
        for partition, extent in ends.items()
        if extent.end > extent.begin and ledger.reached(partition) < extent.end
    )
    total = sum(extent.end - extent.begin for extent in ends.values())
    return Check("ends", not problems, f"the sink has stored all {total} offsets", problems)


def check_count_stage(ends: Mapping[Partition, int], counted: Mapping[Partition, int]) -> Check:
    """Check that the count stage has counted every mention up to the ends that Kafka had."""
    problems = tuple(
        f"{partition.topic}-{partition.number}: counted up to {counted.get(partition, 0)} of {end}"
        for partition, end in ends.items()
        if counted.get(partition, 0) < end
    )
    return Check("count stage", not problems, f"all {sum(ends.values())} offsets of mentions are counted", problems)


def _ends_to_reach(extents: Mapping[Partition, Extent]) -> dict[Partition, int]:
    """Return the end of every partition that holds anything: what expired before the first start is nobody's."""
    return {partition: extent.end for partition, extent in extents.items() if extent.end > extent.begin}


def _behind(ledger: Confirmed, ends: Mapping[Partition, int]) -> int:
    """Return how many offsets below the ends the sink has not reached."""
    return sum(max(0, end - ledger.reached(partition)) for partition, end in ends.items())


def _differences(found: Mapping[FilmDay, Numbers]) -> tuple[Difference, ...]:
    return tuple(Difference(*film_day, *numbers) for film_day, numbers in sorted(found.items()))
