"""One poll of a listing: read, plan to look again, publish, report, confirm, and only then remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cinepulse.clock import MILLISECONDS_PER_DAY, MILLISECONDS_PER_SECOND
from cinepulse.errors import DeadLetterRateExceeded, Poison, SourceUnavailable
from cinepulse.logging import get_logger
from cinepulse.metrics import FIELD_ERRORS, ITEMS, POLLS
from producers.reddit.errors import RequestRefused
from producers.reddit.harvest import harvest
from producers.reddit.listings import find_refused
from producers.reddit.recheck import first_recheck
from producers.reddit.records import read_post
from producers.reddit.state import Dropped
from schemas.topics import REDDIT_POSTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cinepulse.errors import CinepulseError
    from producers.outbox import Outbox
    from producers.reddit.client import RedditClient
    from producers.reddit.harvest import Item
    from producers.reddit.listings import Listing
    from producers.reddit.reports import Begun, Reporter
    from producers.reddit.state import Recheck, RedditState
    from schemas.events import PollOutcome, RedditPost

log = get_logger(__name__)

# A community that went private for an hour is back soon; one that is gone for good costs a request a day.
FIRST_RETRY_MS: Final = 15 * 60 * MILLISECONDS_PER_SECOND

# So few bad items in one poll are somebody's odd posts, whatever their share.
FEW_BAD: Final = 20


@dataclass(frozen=True, slots=True)
class Poller:
    """Polls listings through one client into one outbox.

    `recheck_seconds`: ages at which posts are looked at again. `dead_letter_max_share`: share of bad items in one poll
    beyond which the poller stops.
    """

    client: RedditClient
    state: RedditState
    outbox: Outbox
    reporter: Reporter
    recheck_seconds: tuple[float, ...]
    dead_letter_max_share: float

    def poll(self, listing: Listing) -> int:
        """Read a listing, leaving out dropped communities, and return how many new items it had.

        A community for which Reddit refuses the request is found and dropped, and the others are read.

        Raises:
            SourceUnavailable, RateLimited: nothing was remembered; poll again later.
            ConfigurationInvalid: the credentials are wrong.
            DeadLetterRateExceeded: most new items are no posts; nothing was sent.
        """
        active = listing.without(dropped.subreddit for dropped in self.state.dropped())
        if not active.members:
            return 0
        try:
            return self._read(active)
        except RequestRefused as error:
            left = active.without(self._drop_refused(active, error))
        return self._read(left) if left.members else 0

    def check(self, alone: Listing) -> None:
        """Ask for one community alone, and drop it when Reddit refuses it.

        Reddit leaves private, banned and misspelt communities out of a joined listing without a word. Raises as `poll`.
        """
        begun = self.reporter.begin()
        try:
            self._probe(alone)
        except RequestRefused as error:
            self._drop(alone, begun, error, since=begun.at)

    def readmit(self, listings: Sequence[Listing]) -> None:
        """Try dropped communities whose time has come, and read what they had meanwhile. Raises as `poll`."""
        for dropped in self.state.dropped():
            if dropped.retry_at <= self.reporter.begin().at:
                self._try_again(dropped, [one for one in listings if dropped.subreddit in one.members])

    def failed(self, listing: str, begun: Begun, error: CinepulseError) -> None:
        """Report a poll that failed as a whole; `listing` by its name."""
        POLLS.labels("reddit", "failed").inc()
        self.outbox.report(listing, self.reporter.failed(begun, error))
        self.outbox.confirm()

    def _try_again(self, dropped: Dropped, listings: Sequence[Listing]) -> None:
        for listing in listings:
            alone, begun = listing.only([dropped.subreddit]), self.reporter.begin()
            try:
                self._read(alone, since=dropped.since)
            except RequestRefused as error:
                self._drop(alone, begun, error, since=dropped.since)
                return
        log.info("reddit.subreddit_readmitted", subreddit=dropped.subreddit)
        self.state.readmit(dropped.subreddit)

    def _read(self, listing: Listing, since: int | None = None) -> int:
        """Read back to what is known; `since`: when a community on its own was last read with the others."""
        begun = self.reporter.begin()
        found = harvest(
            lambda after: self.client.listing(listing.path, after=after),
            self.state.seen(listing.key),
            polled_before=since is not None or self.state.polled_before(listing.key),
        )
        posts = self._publish(listing, found.items)
        read_to = self.state.newest_at(listing.key) if since is None else since
        outcome: PollOutcome = "overflowed" if found.overflowed else "ok"
        gap = _gap(posts, read_to) if found.overflowed else None
        report = self.reporter.done(begun, outcome, items=len(found.items), known=found.known, gap=gap)
        self.outbox.report(listing.name, report)
        self.outbox.confirm()
        self.state.save_poll(
            listing.key,
            [item.identity for item in found.items],
            max((post.created_at for post in posts), default=None),
            self._rechecks(posts),
        )
        if found.overflowed:
            log.error("reddit.listing_overflowed", listing=listing.name, items=len(found.items))
        POLLS.labels("reddit", outcome).inc()
        ITEMS.labels("reddit").inc(len(found.items))
        return len(found.items)

    def _publish(self, listing: Listing, items: Sequence[Item]) -> list[RedditPost]:
        """Send the items, those that are no posts to dead letters, and return the posts."""
        readings = [read_post(item.thing, item.received_at, _count_wrong) for item in items]
        bad = [reading for reading in readings if isinstance(reading, Poison)]
        if len(bad) >= FEW_BAD and len(bad) > self.dead_letter_max_share * len(items):
            # Reddit's format or this machine's clock has changed. Dead-lettered now, the posts would count as read.
            raise DeadLetterRateExceeded(f"{len(bad)} of {len(items)} new items are no posts, first: {bad[0]}")
        # Written down before they are sent: a post that vanishes while this process is dead, after Kafka has it, is in
        # no listing that the next process reads.
        self.state.plan_rechecks(self._rechecks(post for post in readings if not isinstance(post, Poison)))
        posts: list[RedditPost] = []
        for item, post in zip(items, readings, strict=True):
            if isinstance(post, Poison):
                self.outbox.dead_letter(listing.feed, post, key=item.identity, thing=item.thing)
            elif self.outbox.send(REDDIT_POSTS, post.fullname, post, listing=listing.feed, thing=item.thing):
                posts.append(post)
            else:
                self.state.save_rechecks([post.fullname], [])
        return posts

    def _rechecks(self, posts: Iterable[RedditPost]) -> list[Recheck]:
        return [recheck for post in posts if (recheck := first_recheck(post, self.recheck_seconds)) is not None]

    def _drop_refused(self, listing: Listing, error: RequestRefused) -> list[str]:
        """Find which communities are refused, drop and report them, and return their names."""
        begun = self.reporter.begin()
        refused = {listing.members[0]: error}
        if len(listing.members) > 1:
            refused = find_refused(listing.members, lambda part: self.client.listing(listing.only(part).path, limit=1))
            # Everything refused is no community's fault, but ours or Reddit's: dropping all would blind us for a day.
            if not refused or len(refused) == len(listing.members):
                raise SourceUnavailable(f"Reddit refuses {listing.feed} of all communities: {error}") from error
        for subreddit, refusal in refused.items():
            self._drop(listing.only([subreddit]), begun, refusal, since=begun.at)
        return list(refused)

    def _probe(self, listing: Listing) -> None:
        self.client.listing(listing.path, limit=1)

    def _drop(self, alone: Listing, begun: Begun, refusal: RequestRefused, since: int) -> None:
        """Leave out one community; `since`: when it was first refused, epoch milliseconds."""
        (subreddit,) = alone.members
        if refusal.dead_letter:
            letter = Poison(str(refusal), reason=refusal.reason)
            self.outbox.dead_letter(alone.feed, letter, key=subreddit, thing={"path": alone.path})
        self.failed(alone.name, begun, refusal)
        retry_at = begun.at + min(MILLISECONDS_PER_DAY, max(FIRST_RETRY_MS, begun.at - since))
        self.state.drop(Dropped(subreddit, refusal.reason, since, retry_at))
        log.error(
            "reddit.subreddit_dropped", subreddit=subreddit, reason=refusal.reason, advice="check CINEPULSE_SUBREDDITS"
        )


def _count_wrong(field: str) -> None:
    FIELD_ERRORS.labels("reddit", field).inc()


def _gap(posts: Sequence[RedditPost], read_to: int | None) -> tuple[int, int] | None:
    """Return the event time between what was read before and the oldest post that the listing still held."""
    oldest = min((post.created_at for post in posts), default=None)
    if oldest is None:
        return None
    return (oldest if read_to is None else min(oldest, read_to), oldest)
