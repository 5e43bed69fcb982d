"""The Reddit producer's loop: listings when they are due, re-checks in between, until asked to stop."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_SECOND, SystemClock
from cinepulse.errors import BrokerUnavailable, RateLimited, SourceUnavailable
from cinepulse.health import beat, mark_ready, serve_health
from cinepulse.kafka import topic_identity
from cinepulse.logging import get_logger
from producers.backoff import backoff_seconds
from producers.broker import note_absence
from producers.outbox import Outbox
from producers.reddit.client import RedditClient
from producers.reddit.listings import FEEDS, listings_of
from producers.reddit.poller import Poller
from producers.reddit.recheck import LISTING, Rechecker
from producers.reddit.reports import Reporter
from producers.reddit.state import RedditState
from producers.reddit.waiting import StoppableWaiting, Stopped
from producers.stopping import stop_on_signals
from schemas.publisher import Publisher
from schemas.topics import REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from cinepulse.clock import Clock
    from cinepulse.settings import Settings
    from producers.reddit.listings import Listing
    from producers.reddit.waiting import Waiting

log = get_logger(__name__)

# A stop must not wait longer for a broker that is away: what it has not confirmed is read and sent again next time.
FLUSH_SECONDS: Final = 2.0

# One look for the broker at the start, for the same reason.
LOOK_SECONDS: Final = 2.0

# Polls of idle listings drift apart by up to this share of the interval, so that instances do not fall into step.
IDLE_JITTER: Final = 0.1

# How often each community is asked for alone.
CHECK_SECONDS: Final = 24 * 3600.0

# The longest nap: new re-checks may be due sooner than the poll that waits.
NAP_SECONDS: Final = 1.0


@dataclass(slots=True)
class Loop:
    """Which work is due when. Each turn does all that is due and naps until something else is."""

    listings: tuple[Listing, ...]
    poller: Poller
    rechecker: Rechecker
    clock: Clock
    waiting: Waiting
    random: Random
    poll_seconds: float
    _due: dict[str, float] = field(default_factory=dict)
    _unchecked: list[Listing] = field(default_factory=list)
    _check_at: float = 0.0
    _failures: dict[str, int] = field(default_factory=dict)

    def work(self) -> None:
        """Poll the listings that are due and look at one batch of due posts.

        Raises ConfigurationInvalid when the credentials are wrong, Stopped when asked to stop.
        """
        for listing in self.listings:
            if self._due.get(listing.name, 0.0) <= self.clock.monotonic():
                self._do(listing.name, partial(self._poll, listing))
        if self._due.get(LISTING, 0.0) <= self.clock.monotonic():
            self._do(LISTING, self._maintain)

    def nap(self) -> None:
        """Let time pass until something is due; raises Stopped."""
        self.waiting.pause(self._nap_seconds())

    def _poll(self, listing: Listing) -> None:
        started = self.clock.monotonic()
        found = self.poller.poll(listing)
        jitter = 1.0 if found else self.random.uniform(1.0 - IDLE_JITTER, 1.0 + IDLE_JITTER)
        self._due[listing.name] = started + self.poll_seconds * jitter

    def _maintain(self) -> None:
        self.poller.readmit(self.listings)
        self.rechecker.run_batch()
        # A poll that failed may be what is wrong with all communities, and would have each one dropped.
        if not self._failures:
            self._check_one()

    def _check_one(self) -> None:
        """Ask for one community alone, once a day each: one a turn, so that no poll waits for it."""
        if self._check_at <= self.clock.monotonic():
            self._check_at = self.clock.monotonic() + CHECK_SECONDS
            out = {dropped.subreddit for dropped in self.poller.state.dropped()}
            submissions = [one for one in self.listings if one.feed == FEEDS[0]]
            self._unchecked = [one.only([name]) for one in submissions for name in one.members if name not in out]
        if self._unchecked:
            self.poller.check(self._unchecked.pop(0))

    def _do(self, name: str, work: Callable[[], None]) -> None:
        begun = self.poller.reporter.begin()
        try:
            work()
        except SourceUnavailable as error:
            failures = self._failures[name] = self._failures.get(name, 0) + 1
            pause = backoff_seconds(failures, self.random, error.retry_after)
            log.warning("reddit.poll_failed", listing=name, error=str(error), failures=failures, pause=round(pause, 1))
            self.poller.failed(name, begun, error)
            self._due[name] = self.clock.monotonic() + pause
            if isinstance(error, RateLimited):
                # The limit holds for all requests of the client.
                self.waiting.pause(pause)
        else:
            self._failures.pop(name, None)

    def _nap_seconds(self) -> float:
        wakes = [self._due[listing.name] - self.clock.monotonic() for listing in self.listings]
        recheck_at = self.rechecker.state.next_recheck_at()
        if recheck_at is not None:
            behind = self._due.get(LISTING, 0.0) - self.clock.monotonic()
            wakes.append(max(behind, (recheck_at - self.clock.now_ms()) / MILLISECONDS_PER_SECOND))
        return min(NAP_SECONDS, max(0.0, min(wakes)))


def run(settings: Settings) -> None:
    """Run the Reddit producer until SIGTERM or SIGINT.

    Raises ConfigurationInvalid when the settings, credentials or topics are wrong.
    """
    serve_health(settings)
    with stop_on_signals() as stop, RedditState(settings.data_dir) as state:
        waiting = StoppableWaiting(stop, beat)
        publisher = Publisher.connected(settings, "reddit", flush_seconds=FLUSH_SECONDS)
        try:
            loop = build_loop(settings, waiting, state, publisher)
            bind(settings, state, waiting)
            loop.work()
            mark_ready()
            log.info("reddit.started", listings=[listing.name for listing in loop.listings])
            while True:
                loop.nap()
                loop.work()
        except Stopped:
            log.info("reddit.stopped")
        finally:
            with suppress(BrokerUnavailable):
                publisher.flush()


def build_loop(  # noqa: PLR0913 - the composition root names what it composes
    settings: Settings,
    waiting: Waiting,
    state: RedditState,
    publisher: Publisher,
    *,
    clock: Clock | None = None,
    random: Random | None = None,
) -> Loop:
    """Return the loop with its parts, on the machine's clock and randomness unless told.

    Raises ConfigurationInvalid.
    """
    clock, random = clock or SystemClock(), random or SystemRandom()
    client = RedditClient(settings, clock, waiting)

    def wait_for_broker(error: BrokerUnavailable, failures: int) -> None:
        waiting.pause(note_absence("reddit", error, failures))

    outbox = Outbox(publisher, "reddit", wait_for_broker)
    reporter = Reporter(client.budget, clock)
    ages = settings.reddit_recheck_seconds
    return Loop(
        listings=listings_of(settings.subreddits),
        poller=Poller(client, state, outbox, reporter, ages, settings.dead_letter_max_share),
        rechecker=Rechecker(client, state, outbox, reporter, ages),
        clock=clock,
        waiting=waiting,
        random=random,
        poll_seconds=settings.reddit_poll_seconds,
    )


def bind(settings: Settings, state: RedditState, waiting: Waiting) -> None:
    """Tie the memory to the topic, waiting for the broker; raises ConfigurationInvalid, Stopped."""
    while True:
        try:
            state.bind(topic_identity(settings, REDDIT_POSTS.name, timeout=LOOK_SECONDS))
        except BrokerUnavailable as error:
            log.warning("reddit.waiting_for_kafka", error=str(error))
            waiting.pause(1.0)
        else:
            return
