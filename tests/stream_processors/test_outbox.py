from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from cinepulse.errors import BrokerUnavailable
from stream_processors import outbox
from stream_processors.outbox import Outbox, Outgoing

pytestmark = pytest.mark.anyio

TIMED_OUT = -192
TOO_LARGE = 10


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, as the worker does."""
    return "asyncio"


@dataclass(frozen=True)
class Failure:
    """A KafkaError."""

    number: int

    def code(self) -> int:
        """Return librdkafka's number."""
        return self.number

    def str(self) -> str:
        """Return what it means."""
        return f"error {self.number}"


@dataclass(frozen=True)
class Delivered:
    """A message as a delivery callback gets it."""

    place: int

    def offset(self) -> int:
        """Return its offset."""
        return self.place


@dataclass
class FakeSender:
    """A producer whose queue can be full and whose records can fail."""

    config: dict[str, Any]
    failures: dict[bytes, int] = field(default_factory=dict)
    full: int = 0
    stuck: int = 0
    queued: list[tuple[bytes, Any]] = field(default_factory=list)
    log: list[tuple[bytes, bytes | None, int, int]] = field(default_factory=list)
    polls: int = 0

    def produce(self, _topic: str, value: bytes | None, key: bytes, partition: int, **options: Any) -> None:
        """Queue a record."""
        if self.full:
            self.full -= 1
            raise BufferError
        self.queued.append((key, options.get("on_delivery", self.config.get("on_delivery"))))
        self.log.append((key, value, partition, options["timestamp"]))

    def poll(self, _timeout: float) -> int:
        """Count."""
        self.polls += 1
        return 0

    def flush(self, _timeout: float) -> int:
        """Deliver in reverse, as partitions may."""
        quiet = self.config.get("delivery.report.only.error", False)
        for place, (key, report) in reversed(list(enumerate(self.queued, 100))):
            failed = self.failures.get(key)
            if failed is not None:
                report(Failure(failed), None)
            elif not quiet:
                report(None, Delivered(place))
        self.queued.clear()
        return self.stuck


@dataclass
class Senders:
    """The outbox's two producers: of records whose offsets matter, and of the others."""

    made: list[FakeSender] = field(default_factory=list)

    def __call__(self, config: dict[str, Any]) -> FakeSender:
        self.made.append(FakeSender(config))
        return self.made[-1]

    @property
    def quiet(self) -> FakeSender:
        """Return the one that reports failures only."""
        return next(one for one in self.made if "delivery.report.only.error" in one.config)

    @property
    def telling(self) -> FakeSender:
        """Return the one that reports offsets."""
        return next(one for one in self.made if "delivery.report.only.error" not in one.config)


def records(*keys: bytes) -> list[Outgoing]:
    """Return records with these keys."""
    return [Outgoing("topic", 1, key, b"value", 7) for key in keys]


async def test_offsets_come_back_in_the_order_of_the_records() -> None:
    """Whatever the order of the confirmations, each offset belongs to its record."""
    senders = Senders()

    offsets = await Outbox({}, senders).append(records(b"a", b"b", b"c"))

    assert offsets == [100, 101, 102]
    assert senders.telling.log[0] == (b"a", b"value", 1, 7)


async def test_nothing_to_append_is_nothing() -> None:
    """No records, no offsets."""
    assert await Outbox({}, Senders()).append([]) == []


async def test_a_refused_record_of_the_changelog_is_an_error() -> None:
    """State that Kafka does not take ends the worker."""
    senders = Senders()
    box = Outbox({}, senders)
    senders.telling.failures[b"b"] = TIMED_OUT

    with pytest.raises(BrokerUnavailable, match="refused 1 records, the first because: error -192"):
        await box.append(records(b"a", b"b"))


async def test_sending_is_prompt_or_not_at_all() -> None:
    """A record that waited too long is reported as late and not as lost: its sender proves itself and sends again."""
    senders = Senders()
    box = Outbox({}, senders)
    senders.quiet.failures[b"b"] = TIMED_OUT

    late = await box.send(records(b"a", b"b"))
    senders.quiet.failures.clear()
    sent = await box.send(records(b"a", b"b"))

    assert (late, sent) == (False, True)
    assert senders.quiet.config["delivery.timeout.ms"] == outbox.PROMPT_MS


async def test_a_record_that_kafka_refuses_is_an_error() -> None:
    """Sending again would not help."""
    senders = Senders()
    box = Outbox({}, senders)
    senders.quiet.failures |= {b"a": TIMED_OUT, b"b": TOO_LARGE}

    with pytest.raises(BrokerUnavailable, match="error 10"):
        await box.send(records(b"a", b"b"))


async def test_a_client_that_confirms_nothing_is_an_error() -> None:
    """Unconfirmed is not sent."""
    senders = Senders()
    box = Outbox({}, senders)
    senders.quiet.stuck = 3

    with pytest.raises(BrokerUnavailable, match="not confirmed 3"):
        await box.send(records(b"a"))


async def test_a_full_queue_makes_the_sender_wait() -> None:
    """The client's bound is back-pressure: nothing is dropped, nothing piles up."""
    senders = Senders()
    box = Outbox({}, senders)
    senders.quiet.full = 3

    assert await box.send(records(b"a", b"b"))
    assert senders.quiet.polls == 3
    assert [key for key, *_ in senders.quiet.log] == [b"a", b"b"]


async def test_a_queue_that_stays_full_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that takes nothing for longer than any restart ends the worker."""
    monkeypatch.setattr(outbox, "CONFIRM_SECONDS", -1.0)
    senders = Senders()
    box = Outbox({}, senders)
    senders.quiet.full = 10**9

    with pytest.raises(BrokerUnavailable, match="stays full"):
        await box.send(records(b"a"))
