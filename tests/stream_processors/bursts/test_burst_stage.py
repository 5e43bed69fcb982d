"""The burst stage under its worker: the same alerts whatever is killed, redelivered or compacted."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinepulse.clock import ManualClock
from schemas.codec import Codec
from schemas.events import Alert, AlertKey, Mention, MentionKey
from schemas.partitioning import film_partition
from schemas.registry import ManifestIds
from schemas.topics import MOVIE_MENTIONS, PIPELINE_DEAD_LETTERS, TREND_ALERTS
from stream_processors.batch_worker import BatchWorker
from stream_processors.burst_stage import BurstPartition, BurstStage
from stream_processors.bursts import wire
from stream_processors.bursts.rules import HOUR_MS, OPEN_HOURS
from stream_processors.dead_letters import DeadLetters
from stream_processors.delivery import Batch, Deliveries
from stream_processors.stage import FORGET_HEADER
from tests.stream_processors.fakes import Crashed, MemoryKafka, MemoryOutbox, MemoryStore
from tests.stream_processors.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream_processors.changelog_store import ChangelogStore
    from stream_processors.outbox import Outbox, Outgoing

pytestmark = pytest.mark.anyio

IDS: Final = ManifestIds()
CODEC: Final = Codec(IDS)
START: Final = 494_016
FILM: Final = 603
OTHER: Final = 604
MINUTE: Final = 60_000


class Said(NamedTuple):
    """A record of `movie.mentions`."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def at(hour: float) -> int:
    """Return an instant, by hours since the start."""
    return round((START + hour) * HOUR_MS)


def key_of(tmdb_id: int, post: int, created_at: int) -> bytes:
    """Return a mention's key."""
    key = MentionKey(tmdb_id=tmdb_id, platform="reddit", post_id=f"t1_p{post:x}", created_at=created_at)
    return CODEC.encode(MOVIE_MENTIONS.key_subject, key)


def said(offset: int, tmdb_id: int, post: int, created_at: int, *, gone: bool = False) -> Said:
    """Return a mention, or its retraction."""
    value = CODEC.encode(
        MOVIE_MENTIONS.value_subject,
        Mention(
            community="movies",
            kind="comment",
            location="body",
            method="rules",
            confidence=0.9,
            score=1,
            observed_at=created_at + 1_000,
            linker_version="model",
        ),
    )
    return Said(offset, created_at + 1_000, key_of(tmdb_id, post, created_at), None if gone else value)


def story(seed: int, hours: int = 60) -> list[Said]:
    """Return a log: quiet films, bursts of two of them, repetitions, retractions and late mentions."""
    draw = random.Random(seed)  # noqa: S311 - a test's, no secret
    posts: list[tuple[int, int, int]] = []
    for hour in range(hours):
        times = draw.randrange(8)
        loud = draw.choice((FILM, OTHER)) if draw.random() < 0.08 else 0
        films = [draw.choice((FILM, OTHER, 605, 606)) for _ in range(times)] + [loud] * (25 if loud else 0)
        posts += [(film, len(posts) + number, at(hour + draw.random())) for number, film in enumerate(films)]
    posts.sort(key=lambda post: post[2] + draw.choice((0, 0, 0, 3 * HOUR_MS)))
    log: list[Said] = []
    for place, (film, post, created_at) in enumerate(posts):
        log.append(said(len(log), film, post, created_at))
        again = posts[draw.randrange(place + 1)]
        if draw.random() < 0.2:
            log.append(said(len(log), *again, gone=draw.random() < 0.3))
    return log


def stage() -> BurstStage:
    """Return the stage."""
    letters = DeadLetters("bursts", MOVIE_MENTIONS.name, CODEC, ManualClock(), partitions=4, max_share=1.0)
    return BurstStage(CODEC, IDS, letters, partitions=4)


def folded(log: Sequence[Said], size: int = 40) -> tuple[BurstPartition, list[Outgoing]]:
    """Fold a log without any worker, and return the state and what it sends."""
    state = stage().open(0)
    sent: list[Outgoing] = []
    for start in range(0, len(log), size):
        state.fold(log[start : start + size])
        if (flush := state.take()) is not None:
            sent += flush.outgoing
            state.settled(flush)
    return state, sent


def alerts(sent: Sequence[Outgoing]) -> dict[bytes, bytes | None]:
    """Return the alerts as a compacted topic holds them."""
    return {record.key: record.value for record in sent if record.topic == TREND_ALERTS.name}


def decoded(sent: Sequence[Outgoing]) -> list[tuple[AlertKey, Alert]]:
    """Return the alerts."""
    return [
        (
            CODEC.decode(TREND_ALERTS.key_subject, record.key),
            CODEC.decode(TREND_ALERTS.value_subject, record.value or b""),
        )
        for record in sent
        if record.topic == TREND_ALERTS.name
    ]


@dataclass
class Crashing:
    """Ends the process at one of the next records that it sends, again and again."""

    draw: random.Random
    left: int = 0

    def __call__(self) -> bool:
        """Return whether the process ends here."""
        self.left -= 1
        if self.left < 0:
            self.left = self.draw.randrange(12)
            return True
        return False


async def run_through(log: Sequence[Said], seed: int) -> list[Outgoing]:
    """Let workers work through a log, each killed at some record that it sends; return all that reached Kafka."""
    draw = random.Random(seed)  # noqa: S311 - a test's, no secret
    kafka = MemoryKafka()
    crashes = Crashing(draw, 3)
    committed = 0
    for life in range(10_000):
        if committed == len(log):
            return kafka.sent
        calm = life > 60
        outbox = MemoryOutbox(kafka, (lambda: False) if calm else crashes)
        worker = BatchWorker(
            stage(),
            cast("ChangelogStore", MemoryStore(kafka, outbox)),
            cast("Outbox", outbox),
            clock=ManualClock(),
            flush_seconds=1_000,
            flush_records=1_000,
        )
        deliveries = Deliveries()
        worker.attach(deliveries)
        try:
            deliveries.begin(1, {0: committed})
            worker.assigned(1, [0])
            await until(lambda one=worker: one.ready or one.failure.done(), pause=0)  # type: ignore[misc]  # bound now
            place = committed
            while place < len(log) and not worker.failure.done():
                records = log[place : place + draw.randrange(1, 60)]
                await worker.process(Batch(0, 1, place, place + len(records), records))
                place += len(records)
                await worker.flush()
                # A commit may come at any time after, or never.
                if calm or draw.random() < 0.7:
                    committed = deliveries.committable().get(0, committed)
        except Crashed:
            pass
        finally:
            for task in list(worker._tasks):
                task.cancel()
            await asyncio.gather(*worker._tasks, return_exceptions=True)
            if worker.failure.done():
                assert isinstance(worker.failure.exception(), Crashed)
            else:
                worker.failure.cancel()
    pytest.fail("it never came to an end")


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, as the worker does."""
    return "asyncio"


def test_a_burst_is_told_by_its_film_and_day() -> None:
    """Key, partition and time of the record, and what it says."""
    log = [said(hour, OTHER, hour, at(hour + 0.5)) for hour in range(30)]
    log += [said(30 + number, FILM, 100 + number, at(30) + number * MINUTE) for number in range(8)]
    _, sent = folded(log)
    ((key, alert),) = decoded(sent)
    assert key == AlertKey(kind="burst", detail="began", tmdb_id=FILM, at=at(24))
    assert (alert.state, alert.happened_at, alert.began_at) == ("began", at(30) + 7 * MINUTE, at(30) + 7 * MINUTE)
    assert (alert.mentions, alert.hours, alert.authors) == (8, 1, None)
    assert alert.score == pytest.approx(4.9482, abs=1e-4)
    assert (sent[0].partition, sent[0].timestamp) == (film_partition(FILM, 4), alert.happened_at)


def test_the_story_has_something_to_tell() -> None:
    """The log of the properties below leads to beginnings and to ends."""
    _, sent = folded(story(1))
    assert {key.detail for key, _ in decoded(sent)} == {"began", "ended"}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 300))
def test_how_records_are_cut_into_flushes_changes_nothing(seed: int, size: int) -> None:
    """The alerts follow from the records alone."""
    log = story(seed, hours=120)
    assert alerts(folded(log, size)[1]) == alerts(folded(log, 50)[1])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("body_bytes", [300, 400_000])
async def test_a_kill_at_any_record_changes_no_alert(
    seed: int, body_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each alert is there with the bytes that an undisturbed run sends, and there is no other one.

    Workers are killed at random records of state and output, so that flushes are cut within their bodies too, and
    commits are lost.
    """
    monkeypatch.setattr(wire, "BODY_BYTES", body_bytes)
    log = story(seed, hours=110)
    expected = alerts(folded(log)[1])
    assert expected
    assert alerts(await run_through(log, seed)) == expected


def test_a_state_written_anew_goes_on_alike() -> None:
    """A state that was put back from its whole form, or from its changes, tells what the first one tells."""
    log = story(7, hours=120)
    middle = len(log) // 2
    state, _ = folded(log[:middle])
    whole = wire.encode_whole(state.detector, wire.FlushId(1, state._revision), [])
    rest = _rest(state, log[middle:])
    other = stage().open(0)
    for body in whole:
        other.restore(body)
    other.restored()
    assert _rest(other, log[middle:]) == rest
    assert rest


def _rest(state: BurstPartition, log: Sequence[Said]) -> dict[bytes, bytes | None]:
    state.fold(log)
    flush = state.take()
    assert flush is not None
    return alerts(flush.outgoing)


def test_records_that_are_no_mentions_become_dead_letters() -> None:
    """Whatever is in a record, the ones behind it are looked at."""
    wrong: list[Any] = [
        Said(0, at(0), b"", None),
        Said(1, at(0), b"\x00", b"x"),
        Said(2, at(0), key_of(FILM, 1, at(0)), b"\x00\x00\x00\x00\x08nonsense"),
        Said(3, at(0), key_of(FILM, 1, -5), None),
        Said(4, at(0), key_of(FILM, 1, 2**62), None),
    ]
    log = [*wrong, *(said(5 + number, FILM, number, at(0) + number * MINUTE) for number in range(30))]
    _, sent = folded(log)
    assert sum(record.topic == PIPELINE_DEAD_LETTERS.name for record in sent) == len(wrong)
    assert len(decoded(sent)) == 1


def test_a_post_dated_in_the_future_moves_no_clock() -> None:
    """It would close all hours at once."""
    log = [said(hour, OTHER, hour, at(hour)) for hour in range(10)]
    future = said(10, FILM, 99, at(500))._replace(timestamp=at(10))
    state, _ = folded([*log, future])
    assert state.detector.now == at(9)
    assert FILM not in state.detector.films


def test_a_forgotten_post_leaves_the_log() -> None:
    """A tombstone of `cinepulse forget` has the state written anew, and nothing of it names a post."""
    log = [said(number, FILM, number, at(0) + number * MINUTE) for number in range(30)]
    state, _ = folded(log)
    gone = log[3]._replace(offset=30, value=None, headers=((FORGET_HEADER, b"1"),))
    state.fold([gone])
    flush = state.take()
    assert flush is not None
    assert flush.whole is not None
    assert all(b"t1_p" not in body for body in flush.whole)
    assert state.detector.films[FILM].mentions(START) == 29


def test_the_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came and went since is dropped once it is several times the state."""
    monkeypatch.setattr("stream_processors.burst_stage.REWRITE_LEAST_BYTES", 20_000)
    state = stage().open(0)
    rewrites = 0
    for hour in range(4 * OPEN_HOURS):
        state.fold([said(100 * hour + number, FILM, 100 * hour + number, at(hour)) for number in range(40)])
        flush = state.take()
        assert flush is not None
        rewrites += flush.whole is not None
    assert rewrites >= 2
    assert state._written < 20 * 20_000
