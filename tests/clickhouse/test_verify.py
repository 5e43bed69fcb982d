"""The verification: right when all is well, on a moving pipeline too, and exact about every planted fault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from cinepulse.clock import ManualClock
from cinepulse.commands.verify import verify as command
from cinepulse.errors import VerificationFailed
from cinepulse.local.verified import Verified, read_verified
from clickhouse.accounts import Account, check_accounts
from clickhouse.ledger import Span
from clickhouse.offsets import Extent, LiveKafka, Partition
from clickhouse.plain import plain
from clickhouse.tables import DEAD_LETTERS, SINK_BATCHES
from clickhouse.verify import Difference, Verification, Verifier
from schemas.partitioning import film_partition
from tests.clickhouse.pipeline import Pipeline, eventually
from tests.clickhouse.tables import PARTITIONS, Filled, filled
from tests.fixtures.clickhouse import PASSWORD
from tests.fixtures.kafka import unused_port
from tests.schemas.samples import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from cinepulse.settings import Settings
    from tests.fixtures.kafka import BrokerProcess

__all__ = ["filled"]

pytestmark = pytest.mark.real

MENTIONS, COUNTS = "movie.mentions", "movie.mention_counts"
DAY = "2026-11-20"


@dataclass
class FakeKafka:
    """Kafka as far as the verification asks: ends, and how far the count stage has come."""

    ends: dict[Partition, Extent]
    done: dict[Partition, int]
    made: str = "id"

    def extents(self) -> Mapping[Partition, Extent]:
        """Return the ends."""
        return dict(self.ends)

    def topic_ids(self) -> Mapping[str, str]:
        """Return the ids."""
        return {MENTIONS: self.made, COUNTS: self.made}

    def counted(self) -> Mapping[Partition, int]:
        """Return how far the count stage has come."""
        return dict(self.done)


@dataclass
class Scene:
    """A database, a fake Kafka around it, and what happens during the verifier's pauses."""

    filled: Filled
    kafka: FakeKafka = field(default_factory=lambda: FakeKafka({}, {}))
    pauses: list[Callable[[], None]] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)

    def mentions(self, count: int, *, tmdb_id: int = 1, start: int = 0) -> None:
        """Store and count `count` mentions of a film on the day."""
        for number in range(start, start + count):
            self.filled.mention(tmdb_id, f"t1_{number}", f"{DAY}T10:00")

    def count(self) -> None:
        """Count all that is stored."""
        self.filled.count_all(watermark=f"{DAY}T12:00")

    def catch_up(self) -> None:
        """Let Kafka's ends, the ledger and the count stage agree with what is stored."""
        for number in range(PARTITIONS):
            end = self.filled.offsets[number]
            for topic in (MENTIONS, COUNTS):
                self.kafka.ends[Partition(topic, number)] = Extent(0, end)
                if end:
                    self.ledger(topic, number, Span(0, end - 1))
            self.kafka.done[Partition(MENTIONS, number)] = end

    def ledger(self, topic: str, number: int, span: Span) -> None:
        """Write a ledger entry."""
        self.filled.insert(
            SINK_BATCHES, topic=topic, topic_id="id", partition=number, first_offset=span.first, last_offset=span.last
        )

    def verify(self, *, wait: float = 0.0, settle: float = 5.0) -> Verification:
        """Run the verification on the scene's clock."""

        def pause(seconds: float) -> None:
            self.clock.advance(seconds)
            if self.pauses:
                self.pauses.pop(0)()

        verifier = Verifier(
            self.filled.client, self.kafka, self.clock, pause, MENTIONS, COUNTS, frozenset({MENTIONS, COUNTS})
        )
        return verifier.verify(wait_seconds=wait, settle_seconds=settle)


@pytest.fixture
def scene(filled: Filled) -> Scene:
    """Return a scene with three films' mentions, all stored, counted and recorded."""
    made = Scene(filled)
    for tmdb_id in (1, 2, 3):
        made.mentions(tmdb_id, tmdb_id=tmdb_id)
    made.count()
    made.catch_up()
    return made


def failed(outcome: Verification) -> list[str]:
    """Return the names of the checks that failed."""
    return [check.name for check in outcome.checks if not check.ok]


def test_agreement_is_verified(scene: Scene) -> None:
    """When everything agrees, every check holds and says how much there was."""
    outcome = scene.verify()

    assert (outcome.ok, outcome.differing, outcome.unsettled) == (True, (), ())
    assert [check.name for check in outcome.checks] == [
        "offsets",
        "ends",
        "count stage",
        "accounts",
        "distinct",
        "counts",
    ]
    assert "3 film-days, 6 counted, 6 distinct mentions stored" in outcome.checks[-1].detail


def test_empty_pipeline_is_verified(filled: Filled) -> None:
    """Before the first record there is nothing that disagrees."""
    assert Scene(filled).verify().ok


def test_missing_mention_is_found(scene: Scene) -> None:
    """A mention that was counted and is not stored is named by film, day and both numbers."""
    scene.filled.client.command("DELETE FROM mentions WHERE tmdb_id = 2 AND post_id = 't1_0'")

    outcome = scene.verify()

    assert failed(outcome) == ["counts"]
    assert outcome.differing == (Difference(2, date.fromisoformat(DAY), counted=2, stored=1),)


def test_wrong_count_is_found(scene: Scene) -> None:
    """A count that is too high, and one for a film nobody mentioned, are both named."""
    scene.filled.count(3, DAY, 4, revision=6)
    scene.filled.count(9, DAY, 1, revision=1)

    outcome = scene.verify()

    assert failed(outcome) == ["counts"]
    assert [tuple(plain(one).values()) for one in outcome.differing] == [(3, DAY, 4, 3), (9, DAY, 1, 0)]


def test_missing_count_is_found(scene: Scene) -> None:
    """A film-day with mentions and no count differs too."""
    scene.filled.client.command("DELETE FROM mention_counts WHERE tmdb_id = 1")

    (found,) = scene.verify().differing

    assert (found.tmdb_id, found.counted, found.stored) == (1, 0, 1)


def test_double_counting_is_found(scene: Scene) -> None:
    """A row stored twice is one mention; a count of two of it is wrong."""
    scene.filled.client.command("INSERT INTO mentions SELECT * FROM mentions WHERE tmdb_id = 1")
    assert scene.verify().ok

    scene.filled.count(1, DAY, 2, revision=6)

    assert failed(scene.verify()) == ["counts"]


def test_retracted_mention_counts_nowhere(scene: Scene) -> None:
    """A tombstone and a count of zero agree."""
    scene.filled.mention(1, "t1_0", f"{DAY}T10:00", gone=True)
    scene.filled.count(1, DAY, 0, revision=7)
    scene.catch_up()

    assert scene.verify().ok


def test_ledger_hole_is_found(scene: Scene) -> None:
    """Offsets between two confirmed ranges that nobody confirmed are named."""
    number = film_partition(3, PARTITIONS)
    end = scene.filled.offsets[number]
    scene.filled.client.command("TRUNCATE TABLE sink_batches")
    for topic, spans in ((COUNTS, [Span(0, end - 1)]), (MENTIONS, [Span(0, 0), Span(2, end - 1)])):
        for span in spans:
            scene.ledger(topic, number, span)

    outcome = scene.verify()

    assert failed(outcome) == ["offsets"]
    assert outcome.checks[0].problems == (f"{MENTIONS}-{number}: offsets 1 to 1 were never confirmed",)


def test_sink_that_is_behind_is_found(scene: Scene) -> None:
    """Records in Kafka that the sink does not store within the wait fail the check of the ends."""
    place = Partition(MENTIONS, 0)
    scene.kafka.ends[place] = Extent(0, scene.filled.offsets[0] + 5)

    outcome = scene.verify(wait=3.0)

    assert failed(outcome) == ["ends", "count stage"]
    assert f"stored up to {scene.filled.offsets[0]} of {scene.filled.offsets[0] + 5}" in outcome.checks[1].problems[0]


def test_ledger_of_a_former_topic_does_not_count(scene: Scene) -> None:
    """What was stored of a topic before it was deleted and made anew says nothing about the new one."""
    scene.kafka.made = "anew"

    assert "ends" in failed(scene.verify())


def test_expired_offsets_are_nobodys_fault(scene: Scene) -> None:
    """A partition whose records all expired before the sink's first start has nothing to store."""
    scene.kafka.ends[Partition("pipeline.coverage", 0)] = Extent(70, 70)

    assert scene.verify().ok


def test_sink_that_catches_up_in_time_is_waited_for(scene: Scene) -> None:
    """Mentions on their way when the check begins are waited for, stored and counted, and then agree."""
    before = dict(scene.filled.offsets)
    scene.mentions(1, tmdb_id=3, start=50)
    for number in range(PARTITIONS):
        scene.kafka.ends[Partition(MENTIONS, number)] = Extent(0, scene.filled.offsets[number])
    assert dict(scene.filled.offsets) != before

    def arrive() -> None:
        scene.count()
        scene.catch_up()

    scene.pauses = [lambda: None, arrive]

    assert scene.verify(wait=10.0).ok


def test_moving_film_day_is_looked_at_again(scene: Scene) -> None:
    """A mention stored before its count is no difference: the next look finds both."""
    scene.mentions(1, tmdb_id=2, start=60)
    assert not scene.verify(settle=0.0).differing

    def counted() -> None:
        scene.count()
        scene.catch_up()

    scene.pauses = [lambda: None, counted]
    outcome = scene.verify()

    assert (outcome.ok, outcome.differing, outcome.unsettled) == (True, (), ())


def test_film_day_that_never_holds_still_is_told_and_not_judged(scene: Scene) -> None:
    """A film-day on which mentions keep arriving faster than counts is reported apart."""
    scene.pauses = [lambda: scene.mentions(1, tmdb_id=2, start=scene.filled.offsets.total())] * 30
    scene.mentions(1, tmdb_id=2, start=70)

    outcome = scene.verify(settle=3.0)

    assert (outcome.ok, outcome.differing) == (True, ())
    assert [one.tmdb_id for one in outcome.unsettled] == [2]
    assert "1 film-days kept changing" in outcome.checks[-1].detail


def test_true_difference_shows_beside_a_moving_film_day(scene: Scene) -> None:
    """A wrong count is found though another film never holds still."""
    scene.filled.count(3, DAY, 8, revision=6)
    scene.pauses = [lambda: scene.mentions(1, tmdb_id=2, start=scene.filled.offsets.total())] * 30
    scene.mentions(1, tmdb_id=2, start=70)

    outcome = scene.verify(settle=3.0)

    assert [(one.tmdb_id, one.counted, one.stored) for one in outcome.differing] == [(3, 8, 3)]
    assert [one.tmdb_id for one in outcome.unsettled] == [2]


def test_difference_seen_once_is_not_believed(scene: Scene) -> None:
    """A settled film-day that agrees at the second look was caught between two reads."""
    scene.filled.count(3, DAY, 8, revision=6)
    scene.pauses = [lambda: scene.filled.count(3, DAY, 3, revision=6)]

    outcome = scene.verify()

    assert (outcome.ok, outcome.differing) == (True, ())


def test_dead_letter_that_is_not_stored_is_found(scene: Scene) -> None:
    """What the ledger calls a dead letter is in the table, once for each offset however often it was sent."""
    number, end = film_partition(3, PARTITIONS), scene.filled.offsets[film_partition(3, PARTITIONS)]
    scene.filled.insert(
        SINK_BATCHES,
        topic=MENTIONS,
        topic_id="id",
        partition=number,
        first_offset=0,
        last_offset=end,
        rows=end - 1,
        dead_letters=2,
    )
    place = {"stage": "sink", "source": MENTIONS, "partition": number}
    for revision, offset in enumerate((1, 1)):
        scene.filled.insert(DEAD_LETTERS, **place, offset=offset, revision=revision)
    outcome = scene.verify(settle=0.0)
    assert failed(outcome) == ["accounts"]
    assert outcome.checks[3].problems == (
        f"{MENTIONS}-{number}, offsets 0 to {end}: 2 dead letters, of which dead_letters has 1",
    )

    scene.pauses = [lambda: scene.filled.insert(DEAD_LETTERS, **place, offset=end, revision=9)]

    assert scene.verify().ok


def test_every_offset_is_accounted_for() -> None:
    """Records vanish by compaction alone, and none comes twice; what was delivered again is told and no fault."""
    place, other = Partition("kept", 0), Partition("compacted", 1)
    right = [Account(place, Span(0, 9), 8, 2), Account(place, Span(5, 14), 10, 0), Account(other, Span(0, 99), 3, 0)]

    good = check_accounts(right, {"compacted"})
    bad = check_accounts(
        [*right, Account(place, Span(15, 19), 4, 0), Account(other, Span(100, 101), 3, 0)], {"compacted"}
    )

    assert good.ok
    assert good.detail == (
        "120 offsets are 21 rows, 2 dead letters and 97 compacted away; 5 of them were delivered again and stored once"
    )
    assert bad.problems == (
        "kept-0, offsets 15 to 19: 1 records are neither rows nor dead letters",
        "compacted-1, offsets 100 to 101: 2 offsets, but 3 records were confirmed",
    )


def test_mention_stored_under_two_days_is_found(scene: Scene) -> None:
    """A post that is said to have been written twice is two rows under FINAL, and one mention."""
    scene.filled.mention(1, "t1_0", "2026-11-19T10:00")
    scene.count()
    scene.catch_up()

    outcome = scene.verify()

    assert failed(outcome) == ["distinct"]
    assert outcome.checks[4].problems == (
        "film 1 in reddit t1_0: stored as written at 2026-11-19 10:00:00.000 and 2026-11-20 10:00:00.000",
    )


@pytest.fixture
def pipeline(fresh_broker: BrokerProcess, migrated_settings: Settings) -> Iterator[Pipeline]:
    """Return a pipeline on the topics' own names, with a count for each mention, stored by the real sink."""
    made = Pipeline(fresh_broker.bootstrap, migrated_settings, prefix="")
    made.group = "cinepulse-sink"
    key, count = SAMPLES["movie.mentions-key"], SAMPLES["movie.mention_counts-value"]
    for tmdb_id in range(5):
        made.send("movie.mentions", replace(key, tmdb_id=tmdb_id), SAMPLES["movie.mentions-value"])
        made.send(
            "movie.mention_counts",
            replace(SAMPLES["movie.mention_counts-key"], tmdb_id=tmdb_id),
            replace(count, mentions=1, revision=1),
        )
    made.drain()
    yield made
    made.close()


def counted_to_the_end(pipeline: Pipeline) -> None:
    """Commit the count stage's offsets as the worker would."""
    live = LiveKafka(pipeline.admin, pipeline.routes, "cinepulse-count", MENTIONS)
    offsets = [
        TopicPartition(place.topic, place.number, extent.end)
        for place, extent in live.extents().items()
        if place.topic == MENTIONS
    ]
    answers = pipeline.admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions("cinepulse-count", offsets)])
    for answer in answers.values():
        answer.result(10)


def environment_of(settings: Settings) -> dict[str, str]:
    """Return where the pipeline is, as a command reads it."""
    return {
        "CINEPULSE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "CINEPULSE_CLICKHOUSE_PORT": str(settings.clickhouse_port),
        "CINEPULSE_CLICKHOUSE_PASSWORD": PASSWORD,
        "CINEPULSE_CLICKHOUSE_DATABASE": settings.clickhouse_database,
    }


def run(settings: Settings, *arguments: str) -> tuple[dict[str, Any], BaseException | None]:
    """Run the command and return its JSON and its error."""
    result = CliRunner().invoke(command, ["--format", "json", *arguments], env=environment_of(settings))
    return json.loads(result.stdout), result.exception


def verified_at_intervals(settings: Settings, home: Path) -> Verified:
    """Run the command that stays as a process until it has kept an outcome, end it as `up` does, and return that."""
    port = unused_port()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "cinepulse", "verify", "--every", "1s", "--settle", "2"],
        env=os.environ
        | environment_of(settings)
        | {"CINEPULSE_DATA_DIR": str(home), "CINEPULSE_METRICS_PORT": str(port)},
    )
    try:
        eventually(lambda: read_verified(home), "an outcome is kept")
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    finally:
        process.terminate()
    assert process.wait(30) == 0
    found = read_verified(home)
    assert found is not None
    assert f"cinepulse_verify_problems {float(found.differences)}" in metrics
    return found


def test_command_on_real_parts(pipeline: Pipeline, tmp_path: Path) -> None:
    """On what the real sink stored the command passes; it fails, with the rows, once a mention is taken out.

    So do the deep one, which names the row, and the one that stays.
    """
    before, error = run(pipeline.settings, "--wait", "0", "--settle", "0")
    assert isinstance(error, VerificationFailed)
    assert [check["name"] for check in before["checks"] if not check["ok"]] == ["count stage"]

    counted_to_the_end(pipeline)
    good, error = run(pipeline.settings, "--wait", "10")
    deep, deep_error = run(pipeline.settings, "--wait", "10", "--deep")
    pipeline.client.command("DELETE FROM mentions WHERE tmdb_id = 4")
    bad, failure = run(pipeline.settings, "--wait", "10")

    deeper, _ = run(pipeline.settings, "--wait", "10", "--deep")
    stayed = verified_at_intervals(pipeline.settings, tmp_path)

    assert (error, deep_error) == (None, None)
    assert [check["name"] for check in deep["checks"]][-2:] == ["mention_counts, row by row", "mentions, row by row"]
    assert [check["problems"] for check in deeper["checks"] if check["name"] == "mentions, row by row"] == [
        ["tmdb_id 4, platform reddit, post_id t1_kzyxwv, created_at 1709251200000: in Kafka alone, at offset 0"]
    ]
    assert (stayed.outcome, stayed.failed, stayed.differences) == ("wrong", ("counts",), 1)
    assert (good["ok"], good["differing"]) == (True, [])
    assert isinstance(failure, VerificationFailed)
    assert failure.exit_code == 1
    assert bad["differing"] == [{"tmdb_id": 4, "day": "2024-03-01", "counted": 1, "stored": 0}]
