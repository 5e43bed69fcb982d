"""The faults: what each does to a running stack, at moments that its seed decides.

A fault returns the seconds until the pipeline counted again after each of its blows, or nothing where it has none.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tests.chaos import disks, records
from tests.chaos.failpoints import CLOCK, HELD, TWICE
from tests.chaos.rig import until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    from tests.chaos.rig import Rig

LINK: Final = ("link", "process", "link")
COUNT: Final = ("count", "process", "count")

# Past a session of six seconds, so that the group gives the partitions of a silent member away.
PAUSED_SECONDS: Final = 9.0


@dataclass(frozen=True)
class Chance:
    """What a fault may draw on: its seeded randomness, and how long to go on. `long`: the run is a long one."""

    rng: random.Random
    long: bool

    def wait(self, most: float) -> None:
        """Let the pipeline work for a moment."""
        time.sleep(self.rng.uniform(0, most))


Strike = "Callable[[Rig, Chance], Sequence[float]]"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    `stack`: on which stack it runs: one whose parts have failpoints, or `cinepulse up` as it is. `every`: it runs with
    one seed of so many, since it takes minutes. `reason`: says why it cannot run on this machine, empty where it can.
    """

    name: str
    about: str
    strike: Callable[[Rig, Chance], Sequence[float]]
    stack: Literal["hittable", "plain"] = "hittable"
    every: int = 1
    reason: Callable[[], str] = lambda: ""


def _points(*points: str, rounds: int = 1) -> Callable[[Rig, Chance], list[float]]:
    """Return a strike that kills whoever comes by two of these points, after a random number of passes.

    Which two is the seed's matter: a few seeds strike at all of them.
    """

    def strike(rig: Rig, chance: Chance) -> list[float]:
        seconds = []
        chosen = chance.rng.sample(points, min(2, len(points)))
        for point in chosen * (rounds if chance.long else 1):
            rig.load()
            chance.wait(0.5)
            rig.hit(point, passes=chance.rng.randrange(3), meanwhile=rig.load)
            seconds.append(rig.counting_since(time.time()))
        return seconds

    return strike


def _kafka(rig: Rig, chance: Chance) -> list[float]:
    seconds = []
    for _ in range(2 if chance.long else 1):
        rig.load()
        chance.wait(1.0)
        rig.kill("kafka")
        seconds.append(rig.counting_since(time.time()))
    return seconds


def _away(part: str, *, short: float, long: float) -> Callable[[Rig, Chance], list[float]]:
    """Return a strike that keeps a store down for a while."""

    def strike(rig: Rig, chance: Chance) -> list[float]:
        rig.load()
        rig.points.flag(HELD, part)
        rig.kill(part)
        time.sleep(long if chance.long else short)
        rig.points.unflag(HELD, part)
        return [rig.counting_since(time.time())]

    return strike


def _slow_clickhouse(rig: Rig, chance: Chance) -> list[float]:
    """Let ClickHouse work a sixth of the time, in spells."""
    ends = time.monotonic() + (90.0 if chance.long else 10.0)
    while time.monotonic() < ends:
        rig.load()
        pid = rig.pid("clickhouse")
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(chance.rng.uniform(0.5, 1.5))
            os.kill(pid, signal.SIGCONT)
            time.sleep(chance.rng.uniform(0.1, 0.3))
    return [rig.counting_since(time.time())]


def _rebalances(role: str, *arguments: str) -> Callable[[Rig, Chance], list[float]]:
    """Return a strike in which a second worker joins, one is killed, and the second leaves, all under load."""

    def strike(rig: Rig, chance: Chance) -> list[float]:
        seconds = []
        for _ in range(2 if chance.long else 1):
            second = rig.add_worker(role, *arguments)
            rig.load()
            chance.wait(4.0)
            rig.load()
            if chance.rng.random() < 0.5:
                second.kill()
                rig.kills += 1
            else:
                rig.kill(role)
            seconds.append(rig.counting_since(time.time()))
            third = rig.add_worker(role, *arguments)
            rig.load()
            chance.wait(4.0)
            third.terminate()
            seconds.append(rig.counting_since(time.time()))
            rig.drop_workers()
        return seconds

    return strike


def _zombie(role: str, point: str, *arguments: str) -> Callable[[Rig, Chance], list[float]]:
    """Return a strike that stops a worker within a flush until its partitions have moved, then lets it go on."""

    def strike(rig: Rig, chance: Chance) -> list[float]:
        rig.add_worker(role, *arguments)
        rig.counting_since(time.time())
        rig.load()
        pid = rig.hit(point, passes=chance.rng.randrange(3), number=signal.SIGSTOP)
        began = time.time()
        try:
            seconds = [rig.counting_since(began)]
            time.sleep(max(0.0, PAUSED_SECONDS - (time.time() - began)))
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        seconds.append(rig.counting_since(time.time()))
        rig.drop_workers()
        return seconds

    return strike


def _twice(rig: Rig, _chance: Chance) -> list[float]:
    parts = ("reddit", "link", "count")
    for part in parts:
        rig.points.flag(TWICE, part)
    try:
        for _ in range(8):
            rig.load()
            time.sleep(0.5)
    finally:
        for part in parts:
            rig.points.unflag(TWICE, part)
    return [rig.counting_since(time.time())]


def _poison(rig: Rig, chance: Chance) -> list[float]:
    before = records.dead_letters(rig)
    sent = records.send_poison(rig.settings, chance.rng)
    rig.load()
    until(lambda: records.dead_letters(rig) >= before + sent, f"{sent} dead letters")
    return [rig.counting_since(time.time())]


def _out_of_order(rig: Rig, chance: Chance) -> list[float]:
    now = int(time.time())
    for hours in chance.rng.sample(range(1, 60), 24):
        rig.post(
            title="Just watched Interstellar (2014)", created_utc=now - hours * 3_600 - chance.rng.randrange(3_600)
        )
    return [rig.counting_since(time.time())]


def _clocks(rig: Rig, chance: Chance) -> list[float]:
    """Restart the parts behind the producers with clocks that are a day off."""
    parts = ("link", "count", "sink")
    seconds = []
    for sign in (1, -1):
        for part in parts:
            rig.points.flag(CLOCK, part, str(sign * chance.rng.uniform(3_600, 86_400)))
        for part in parts:
            rig.kill(part)
        seconds.append(rig.counting_since(time.time()))
    for part in parts:
        rig.points.unflag(CLOCK, part)
        rig.kill(part)
    return [*seconds, rig.counting_since(time.time())]


def _up(rig: Rig, chance: Chance) -> list[float]:
    seconds = []
    for _ in range(2 if chance.long else 1):
        chance.wait(3.0)
        began = time.time()
        rig.kill_up()
        rig.launch()
        rig.await_claim()
        rig.counting_since(time.time())
        seconds.append(time.time() - began)
        rig.await_up()
    return seconds


def _anything(rig: Rig, chance: Chance) -> list[float]:
    ends = time.monotonic() + (300.0 if chance.long else 25.0)
    while time.monotonic() < ends:
        name = chance.rng.choice(sorted(rig.pids()) or ["kafka"])
        rig.kill(name)
        chance.wait(6.0)
    return [rig.counting_since(time.time())]


@contextmanager
def _starved(rig: Rig, spoil: Callable[[Rig], None], mend: Callable[[Rig], None]) -> Iterator[None]:
    spoil(rig)
    try:
        yield
    finally:
        mend(rig)


def _disk_full(rig: Rig, chance: Chance) -> list[float]:
    with _starved(rig, lambda rig: disks.fill(rig.home), lambda rig: disks.free(rig.home)):
        for _ in range(30 if chance.long else 8):
            rig.load()
            time.sleep(1.0)
    return [rig.counting_since(time.time())]


def _read_only(rig: Rig, chance: Chance) -> list[float]:
    with _starved(rig, disks.make_read_only, disks.make_writable):
        for _ in range(20 if chance.long else 6):
            rig.load()
            time.sleep(1.0)
    return [rig.counting_since(time.time())]


FAULTS: Final = (
    Fault("anything", "any process of `cinepulse status`, at random", _anything, "plain", every=10),
    Fault("up", "`cinepulse up` itself, then up again", _up, "plain", every=4),
    Fault(
        "reddit",
        "the Reddit producer between fetch and delivery",
        _points("reddit.fetched", "reddit.sent", "reddit.confirmed"),
    ),
    Fault("tmdb", "the TMDB producer before delivery", _points("tmdb.sent")),
    Fault(
        "link",
        "the link worker at each step of a flush",
        _points("link.folded", "link.state_delivered", "link.output_delivered", "link.committing"),
    ),
    Fault(
        "count",
        "the count worker at each step of a flush",
        _points("count.folded", "count.state_delivered", "count.output_delivered", "count.committing"),
    ),
    Fault(
        "sink",
        "the sink between insert, ledger and commit",
        _points("sink.inserting", "sink.inserted", "sink.recorded", "sink.committing"),
    ),
    Fault("clickhouse", "ClickHouse within an insert", _points("clickhouse.inserting", rounds=2)),
    Fault("kafka", "the broker", _kafka),
    Fault("link-rebalance", "link workers join, leave and are killed", _rebalances(*LINK)),
    Fault("count-rebalance", "count workers join, leave and are killed", _rebalances(*COUNT)),
    Fault(
        "link-zombie",
        "a link worker stopped past its session",
        _zombie("link", "link.state_delivered", "process", "link"),
    ),
    Fault(
        "count-zombie",
        "a count worker stopped past its session",
        _zombie("count", "count.state_delivered", "process", "count"),
    ),
    Fault("sink-zombie", "a sink stopped past its session", _zombie("sink", "sink.inserting", "sink")),
    Fault("twice", "every record is sent twice", _twice),
    Fault("poison", "records that no schema reads", _poison),
    Fault("out-of-order", "posts that are hours and days late", _out_of_order),
    Fault("clock-skew", "clocks a day off behind the producers", _clocks),
    Fault(
        "kafka-away",
        "the broker down beyond its clients' patience",
        _away("kafka", short=12, long=80),
        every=5,
    ),
    Fault("clickhouse-away", "ClickHouse down", _away("clickhouse", short=12, long=150), every=5),
    Fault("clickhouse-slow", "ClickHouse works a sixth of the time", _slow_clickhouse, every=5),
    Fault("disk-full", "no space left for anything", _disk_full, every=5, reason=disks.unmountable),
    Fault("read-only", "ClickHouse's directory cannot be written", _read_only, every=5, reason=disks.unmountable),
)
